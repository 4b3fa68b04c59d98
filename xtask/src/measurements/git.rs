//! The ledger and the status list against their own past, where git has it.
//!
//! The check covers every commit below HEAD, on all sides of every merge: git's own simplification
//! of a file's history leaves out the side that a merge dropped, and with it a dropped revocation.
//! A history that may lack commits shows nothing, so it is refused.

use crate::workspace::Workspace;
use anyhow::{Context, Result, bail, ensure};
use letsesign_measurements::{History, LEDGER, Ledger, STATUS, StatusList};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Variables of git's that say how to reach a server and nothing else.
const KEPT_VARIABLES: &[&str] = &[
    "GIT_ASKPASS",
    "GIT_SSH",
    "GIT_SSH_COMMAND",
    "GIT_SSL_CAINFO",
    "GIT_TERMINAL_PROMPT",
];

/// Checks that both files only grew since every commit below HEAD. The number of commits; `None`
/// outside of a git repository (a source archive, a build sandbox).
///
/// # Errors
/// When a line was changed or removed since any commit, and when git is there and its history
/// cannot be read whole.
pub(crate) fn only_grew(workspace: &Workspace, history: &History) -> Result<Option<usize>> {
    if !workspace.path(".git").exists() {
        return Ok(None);
    }
    refuse_parts_of_history(workspace)?;
    let commits = git(workspace, &["rev-list", "HEAD"])?;
    let commits: Vec<&str> = commits.lines().collect();
    let mut request = String::new();
    for commit in &commits {
        for file in [LEDGER, STATUS] {
            writeln!(request, "{commit}:measurements/{file}")?;
        }
    }
    let answers = feed(workspace, &["cat-file", "--batch-check"], &request)?;
    // Each version once, with the first commit that has it.
    let mut versions = BTreeMap::new();
    let pairs = commits
        .iter()
        .flat_map(|commit| [(commit, LEDGER), (commit, STATUS)]);
    let mut answers = answers.lines();
    for (commit, file) in pairs {
        let answer = answers.next().context("git answered too little")?;
        let words: Vec<&str> = answer.split(' ').collect();
        match words.as_slice() {
            [blob, "blob", _] => {
                versions.entry((*blob, file)).or_insert(*commit);
            }
            [_, "missing"] => {}
            _ => bail!("measurements/{file} is not a file in commit {commit}: {answer}"),
        }
    }
    for ((blob, file), commit) in versions {
        let text = git(workspace, &["cat-file", "blob", blob])?;
        let since = || format!("compared with commit {commit}");
        if file == LEDGER {
            let before = Ledger::parse(text.as_bytes()).with_context(since)?;
            history.ledger.grew_from(&before).with_context(since)?;
        } else {
            let before = StatusList::parse(text.as_bytes()).with_context(since)?;
            history.statuses.grew_from(&before).with_context(since)?;
        }
    }
    Ok(Some(commits.len()))
}

/// Refuses a clone that has a part of the history alone.
fn refuse_parts_of_history(workspace: &Workspace) -> Result<()> {
    let shallow = git(workspace, &["rev-parse", "--is-shallow-repository"])?;
    ensure!(
        shallow.trim() == "false",
        "this clone is shallow, so that it cannot show that nothing was taken out of LEDGER and status.json; get the whole \
         history with: git fetch --unshallow (in CI: fetch-depth: 0, GIT_DEPTH: 0)"
    );
    // In a partial clone an object that is not there may look like a file that never was.
    let output = command(
        workspace,
        &["config", "--get-regexp", r"^remote\..*\.promisor$"],
    )
    .output()
    .context("cannot run git")?;
    ensure!(
        output.stdout.is_empty(),
        "this clone is partial (--filter), so that it cannot show the past of measurements/; clone without --filter"
    );
    Ok(())
}

/// Runs git in the repository and returns its standard output.
///
/// # Errors
/// When git cannot be run or fails.
pub(crate) fn git(workspace: &Workspace, arguments: &[&str]) -> Result<String> {
    finish(command(workspace, arguments).output(), arguments)
}

/// The paths that a command of git prints with `-z`, relative to the root.
///
/// # Errors
/// As [`git`]; a path that is not UTF-8 is one.
pub(crate) fn paths(workspace: &Workspace, arguments: &[&str]) -> Result<Vec<PathBuf>> {
    let text = git(workspace, arguments)?;
    let names = text.split('\0').filter(|name| !name.is_empty());
    Ok(names.map(PathBuf::from).collect())
}

/// The same as [`git`] with text for its standard input.
fn feed(workspace: &Workspace, arguments: &[&str], input: &str) -> Result<String> {
    let mut child = command(workspace, arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("cannot run git")?;
    let mut stdin = child.stdin.take().context("git has no standard input")?;
    let output = std::thread::scope(|scope| {
        // Git answers before it has read all.
        scope.spawn(move || stdin.write_all(input.as_bytes()));
        child.wait_with_output()
    });
    finish(output, arguments)
}

fn finish(output: std::io::Result<std::process::Output>, arguments: &[&str]) -> Result<String> {
    let output = output.context("cannot run git")?;
    ensure!(
        output.status.success(),
        "git {} failed: {}",
        arguments.first().unwrap_or(&""),
        String::from_utf8_lossy(&output.stderr).trim()
    );
    String::from_utf8(output.stdout).context("git printed something that is not UTF-8")
}

/// A git that looks at this checkout as it is: no variable of the environment names another
/// repository, and no replacement or graft shows another history.
pub(crate) fn command(workspace: &Workspace, arguments: &[&str]) -> Command {
    let mut command = Command::new("git");
    for (name, _) in std::env::vars_os() {
        let kept = KEPT_VARIABLES.iter().any(|kept| name == *kept);
        if !kept && name.as_encoded_bytes().starts_with(b"GIT_") {
            command.env_remove(name);
        }
    }
    command
        .env("GIT_NO_REPLACE_OBJECTS", "1")
        .env("GIT_GRAFT_FILE", "/dev/null")
        .env("LC_ALL", "C")
        .args(["-c", "core.quotePath=false", "-c", "core.fsmonitor=false"])
        .args(["-c", "core.commitGraph=false"])
        .args(arguments)
        .current_dir(workspace.root());
    command
}
