//! Releases: made from `next.json`, signed, ended, revoked. docs/release.md tells a maintainer when to do what.

mod sign;

use crate::files::write_atomically;
use crate::measurements::{self, path};
use crate::workspace::Workspace;
use anyhow::{Context, Result, bail, ensure};
use clap::{Args, Subcommand, ValueEnum};
use letsesign_measurements::{LEDGER, NEXT, STATUS, State, Status, StatusEntry};
use std::path::PathBuf;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

/// Arguments of `cargo xtask release`.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  cargo xtask release new 2611\n  cargo xtask release sign 2611 --key ~/release.key\n  \
    cargo xtask release status 2611 end-of-life --reason \"replaced by 2702\"\n  cargo xtask release sign status --key ~/release.key\n  \
    cargo xtask release key 2026 --key ~/release.key   a new key, its public half goes into measurements/keys"
)]
pub(crate) struct ReleaseArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand, Debug)]
enum Action {
    /// Release what next.json measures: write NAME.json, enter it in LEDGER, write tcb-info.json
    New {
        /// Name of the release
        name: String,
        /// The commit that was built; by default git's HEAD, of a tree without changes
        #[arg(long, value_name = "COMMIT")]
        revision: Option<String>,
    },
    /// Enter into status.json that a release came to its end, or must no longer be trusted
    Status {
        /// Name of the release
        name: String,
        /// What it is from now on
        state: Ended,
        /// Why, in a sentence
        #[arg(long)]
        reason: String,
        /// Since when, in seconds since 1970 (UTC); by default now
        #[arg(long, value_name = "SECONDS")]
        since: Option<u64>,
    },
    /// Sign NAME.json, or with the name `status` the status list, as minisign does
    Sign(sign::SignArgs),
    /// Make a key pair: the secret half to a file outside of the repository, the public half into measurements/keys
    Key(sign::KeyArgs),
}

#[derive(ValueEnum, Debug, Clone, Copy)]
enum Ended {
    /// What it made before stays good
    EndOfLife,
    /// Nothing that it made is to be trusted
    Revoked,
}

pub(crate) fn run(workspace: &Workspace, arguments: &ReleaseArgs) -> Result<()> {
    match &arguments.action {
        Action::New { name, revision } => new(workspace, name, revision.as_deref()),
        Action::Status {
            name,
            state,
            reason,
            since,
        } => status(workspace, name, *state, reason, *since),
        Action::Sign(arguments) => sign::sign(workspace, arguments),
        Action::Key(arguments) => sign::key(workspace, arguments),
    }
}

fn new(workspace: &Workspace, name: &str, revision: Option<&str>) -> Result<()> {
    letsesign_measurements::check_name(name).map_err(anyhow::Error::msg)?;
    ensure!(name != NEXT, "next is the name of what is not released");
    let (_, history) = measurements::history(workspace)?;
    let mut release = history.next.clone().context(
        "there is no measurements/next.json; write it with: cargo xtask measure --write",
    )?;
    ensure!(
        history.named(name).is_none(),
        "release {name} is there already"
    );
    if let Some(entry) = history.find(&release.pcrs) {
        bail!(
            "next.json has the measurements of release {}: nothing changed since",
            entry.release.ver_name
        );
    }
    name.clone_into(&mut release.ver_name);
    release.issue_time = now()?;
    release.status = Some(Status::CURRENT);
    release.source_revision = Some(match revision {
        Some(revision) => revision.to_owned(),
        None => head(workspace)?,
    });
    let text = release.to_json()?;
    let mut ledger = history.ledger;
    ledger.append(name, text.as_bytes())?;
    // The file first: a release that is not in the ledger is noticed by every check, and can be removed.
    let file = path(workspace, &format!("{name}.json"));
    write_atomically(&file, text.as_bytes())?;
    write_atomically(&path(workspace, LEDGER), ledger.to_text().as_bytes())?;
    measurements::write_aggregate(workspace)?;
    println!("{}", file.display());
    println!("sign it with: cargo xtask release sign {name} --key FILE");
    Ok(())
}

/// The commit that is checked out, when nothing differs from it.
fn head(workspace: &Workspace) -> Result<String> {
    let git = |arguments: &[&str]| -> Result<String> {
        let output = Command::new("git")
            .args(arguments)
            .current_dir(workspace.root())
            .output()
            .context("cannot run git; name the commit with --revision")?;
        ensure!(
            output.status.success(),
            "git {} failed; name the commit with --revision",
            arguments.join(" ")
        );
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    ensure!(
        git(&["status", "--porcelain"])?.is_empty(),
        "the tree has changes that are not committed; a release is built from a commit"
    );
    git(&["rev-parse", "HEAD"])
}

fn status(
    workspace: &Workspace,
    name: &str,
    state: Ended,
    reason: &str,
    since: Option<u64>,
) -> Result<()> {
    let (_, history) = measurements::history(workspace)?;
    ensure!(
        history.named(name).is_some(),
        "there is no release {name:?}"
    );
    let mut list = history.statuses;
    list.push(StatusEntry {
        ver_name: name.to_owned(),
        status: Status {
            state: match state {
                Ended::EndOfLife => State::EndOfLife,
                Ended::Revoked => State::Revoked,
            },
            since: Some(match since {
                Some(since) => since,
                None => now()?,
            }),
            reason: Some(reason.to_owned()),
        },
    })?;
    let file: PathBuf = path(workspace, STATUS);
    write_atomically(&file, list.to_json()?.as_bytes())?;
    measurements::write_aggregate(workspace)?;
    println!("{}", file.display());
    println!("sign it with: cargo xtask release sign status --key FILE");
    Ok(())
}

fn now() -> Result<u64> {
    Ok(SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .context("this machine's clock is before 1970")?
        .as_secs())
}
