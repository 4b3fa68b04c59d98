//! `canoni check`.

use super::args::CheckOptions;
use super::progress::{progress, progress_bar};
use super::{input, shown};
use anyhow::{Context, Result, bail};
use canoni::check;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

pub(super) fn run(options: &CheckOptions) -> Result<ExitCode> {
    if options.from.select.all_platforms() {
        bail!("images are checked one platform at a time; name one with --platform");
    }
    let limits = options.from.limits.limits();
    let input = input::open(&options.image, &options.from.select.selector(), &limits)?;
    let path = Path::new(&options.image);
    // A file has bytes of its own to be right or wrong; what a daemon or pipe sent was made for the occasion.
    let file = (input.name.is_none() && path.is_file()).then_some(path);
    let bar = progress_bar();
    let report = check(
        &input.image,
        file,
        &options.from.tree.options(),
        &progress(&bar),
    )?;
    bar.finish_and_clear();
    let text = if options.json {
        serde_json::to_string_pretty(&report).context("cannot print JSON")? + "\n"
    } else if report.canonical {
        format!("canonical form v1, {}\n", report.digest)
    } else {
        let list = shown::differences(
            &report.findings,
            options.all,
            "not as the canonical form is written (first: this image, second: its canonical form)",
        );
        format!(
            "{list}not in canonical form; that would be {}\n",
            report.digest
        )
    };
    std::io::stdout()
        .write_all(text.as_bytes())
        .context("cannot write standard output")?;
    Ok(if report.canonical {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(1)
    })
}
