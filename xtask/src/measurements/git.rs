//! The ledger and the status list against their own past, where git has it.

use crate::workspace::Workspace;
use anyhow::{Context, Result};
use letsesign_measurements::{History, LEDGER, Ledger, STATUS, StatusList};
use std::process::{Command, Stdio};

/// Checks that both files only grew since every commit that touched them. The number of commits; `None` where there is no git history
/// (a source archive, a build sandbox).
pub(super) fn only_grew(workspace: &Workspace, history: &History) -> Result<Option<usize>> {
    let Some(commits) = git(
        workspace,
        &[
            "log",
            "--format=%H",
            "--",
            "measurements/LEDGER",
            "measurements/status.json",
        ],
    ) else {
        return Ok(None);
    };
    let commits: Vec<&str> = commits.lines().collect();
    for commit in &commits {
        let at = |file: &str| {
            git(
                workspace,
                &["show", &format!("{commit}:measurements/{file}")],
            )
        };
        let since = || format!("compared with commit {commit}");
        if let Some(text) = at(LEDGER) {
            let before = Ledger::parse(text.as_bytes()).with_context(since)?;
            history.ledger.grew_from(&before).with_context(since)?;
        }
        if let Some(text) = at(STATUS) {
            let before = StatusList::parse(text.as_bytes()).with_context(since)?;
            history.statuses.grew_from(&before).with_context(since)?;
        }
    }
    Ok(Some(commits.len()))
}

/// What git prints, or `None` when it cannot.
pub(crate) fn git(workspace: &Workspace, arguments: &[&str]) -> Option<String> {
    let output = Command::new("git")
        .args(arguments)
        .current_dir(workspace.root())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}
