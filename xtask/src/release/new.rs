//! `cargo xtask release new`: turns next.json into a release, after another build from the commit
//! and nothing else.

use super::fresh::Fresh;
use super::now;
use crate::enclave::record::{self, Demand};
use crate::files::write_atomically;
use crate::measurements::{self, git, path};
use crate::workspace::Workspace;
use anyhow::{Context, Result, bail, ensure};
use letsesign_measurements::{LEDGER, NEXT, Status};

/// Makes a release. `revision`, when it is given, must be the commit that is checked out.
pub(super) fn new(workspace: &Workspace, name: &str, revision: Option<&str>) -> Result<()> {
    letsesign_measurements::check_name(name).map_err(anyhow::Error::msg)?;
    ensure!(name != NEXT, "next is the name of what is not released");
    let (_, history) = measurements::history(workspace)?;
    let next = history
        .next
        .clone()
        .context("measurements/next.json is missing; write it with: cargo xtask measure --write")?;
    ensure!(
        history.named(name).is_none(),
        "release {name} is there already"
    );
    if let Some(entry) = history.find(&next.pcrs) {
        bail!(
            "next.json has the measurements of release {}: nothing changed since",
            entry.release.ver_name
        );
    }
    let head = clean_head(workspace)?;
    if let Some(revision) = revision {
        ensure!(
            revision == head,
            "--revision is {revision}, but {head} is checked out; a release is built from what is checked out"
        );
    }
    git::only_grew(workspace, &history)?
        .context("this folder has no git history; make the release in a clone")?;

    eprintln!("building {head} in a fresh place");
    let fresh = Fresh::clone(workspace.root().as_os_str())?;
    fresh.checkout(&head)?;
    let (_, committed) = measurements::history(fresh.workspace())?;
    ensure!(
        committed.next.as_ref() == Some(&next) && committed.ledger == history.ledger,
        "measurements/ holds files that are not in commit {head}"
    );
    let built = record::of(fresh.workspace(), &fresh.build()?)?;
    let found = record::differences(&next, &built, Demand::All);
    ensure!(
        found.is_empty(),
        "measurements/next.json is not what commit {head} builds\n  {}\nwrite it with: cargo xtask measure --write",
        found.join("\n  ")
    );
    ensure!(
        clean_head(workspace)? == head,
        "the checkout changed while the image was built"
    );

    // From the image just built, not from next.json.
    let mut release = built;
    name.clone_into(&mut release.ver_name);
    release.issue_time = now()?;
    release.status = Some(Status::CURRENT);
    release.source_revision = Some(head);
    let text = release.to_json()?;
    let mut ledger = history.ledger;
    ledger.append(name, text.as_bytes())?;
    // The file first: a release that is not in the ledger is noticed by every check, and can be
    // removed.
    let file = path(workspace, &format!("{name}.json"));
    write_atomically(&file, text.as_bytes())?;
    write_atomically(&path(workspace, LEDGER), ledger.to_text().as_bytes())?;
    measurements::write_aggregate(workspace)?;
    println!("{}", file.display());
    println!("sign it with: cargo xtask release sign {name} --key FILE");
    Ok(())
}

/// The commit that is checked out, when nothing differs from it and git compares every file.
fn clean_head(workspace: &Workspace) -> Result<String> {
    let changed = git::git(
        workspace,
        &["status", "--porcelain", "--untracked-files=all"],
    )?;
    ensure!(
        changed.is_empty(),
        "the tree has changes that are not committed; a release is built from a commit"
    );
    // A lower-case letter: assume-unchanged. S: skip-worktree.
    let files = git::git(workspace, &["ls-files", "-v"])?;
    let hidden = files
        .lines()
        .find(|line| line.starts_with(|tag: char| tag.is_ascii_lowercase() || tag == 'S'));
    if let Some(line) = hidden {
        bail!(
            "git is set not to look for changes of {}; undo that with: git update-index --really-refresh \
             --no-assume-unchanged --no-skip-worktree FILE",
            line.get(2..).unwrap_or(line)
        );
    }
    Ok(git::git(workspace, &["rev-parse", "HEAD"])?
        .trim()
        .to_owned())
}
