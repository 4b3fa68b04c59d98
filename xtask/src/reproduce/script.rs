//! Runs a recipe's script with its packages, output and log.

use anyhow::{Context, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Variables of the user's that would change a recipe's output.
const STEERING: &[&str] = &[
    "TAR_OPTIONS",
    "TAPE",
    "XZ_OPT",
    "XZ_DEFAULTS",
    "GZIP",
    "BZIP",
    "BZIP2",
    "ZSTD_CLEVEL",
    "ZSTD_NBTHREADS",
    "POSIXLY_CORRECT",
    "MAKEFLAGS",
    "CDPATH",
];

/// Runs `command`; its output goes to `log`, its phases (lines that begin with `==>`) to the
/// terminal.
///
/// Variables that change what tar and the compressors do are removed.
pub(crate) fn run_logged(mut command: Command, what: &str, log: &Path) -> Result<()> {
    if let Some(folder) = log.parent() {
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
    }
    let mut file = File::create(log).with_context(|| format!("cannot create {}", log.display()))?;
    let bar = spinner(what);
    // TAR_OPTIONS alone can make tar run a program; the output would differ without a trace.
    for name in STEERING {
        command.env_remove(name);
    }
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(file.try_clone().context("cannot use the log twice")?)
        .spawn()
        .with_context(|| format!("cannot run {}", command.get_program().display()))?;
    if let Some(output) = child.stdout.take() {
        let mut reader = BufReader::new(output);
        let mut line = Vec::new();
        while reader
            .read_until(b'\n', &mut line)
            .context("cannot read the output")?
            > 0
        {
            file.write_all(&line)
                .with_context(|| format!("cannot write {}", log.display()))?;
            let text = String::from_utf8_lossy(&line);
            if let Some(phase) = text.trim().strip_prefix("==> ") {
                bar.set_message(format!("{what}: {phase}"));
            }
            line.clear();
        }
    }
    let status = child.wait().context("cannot wait for the recipe")?;
    bar.finish_and_clear();
    if !status.success() {
        let text = fs::read(log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        let tail = lines
            .get(lines.len().saturating_sub(15)..)
            .unwrap_or_default()
            .join("\n  ");
        bail!(
            "{what} failed ({status}); the log is {}, its end:\n  {tail}",
            log.display()
        );
    }
    Ok(())
}

/// A spinner that a pipe never sees.
pub(crate) fn spinner(what: &str) -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} [{elapsed}]") {
        bar.set_style(style);
    }
    bar.set_message(what.to_owned());
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn the_log_has_both_streams() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("deep/log");
        run_logged(shell("echo '==> one'; echo two >&2"), "test", &log).unwrap();
        let text = fs::read_to_string(log).unwrap();
        assert!(text.contains("==> one") && text.contains("two"));
    }

    #[test]
    fn a_failure_shows_the_end_of_the_log_and_where_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let error = run_logged(shell("echo why >&2; exit 3"), "test", &log)
            .unwrap_err()
            .to_string();
        assert!(error.contains("why") && error.contains("log"), "{error}");
    }
}
