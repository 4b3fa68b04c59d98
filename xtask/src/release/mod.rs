//! Releases: made from `next.json`, signed, ended, revoked. docs/release.md is the
//! maintainer's guide.

mod fresh;
mod new;
mod page;
mod sign;
mod verify;

use crate::files::write_atomically;
use crate::measurements::{self, path};
use crate::workspace::Workspace;
use anyhow::{Context, Result, ensure};
use clap::{Args, Subcommand, ValueEnum};
use letsesign_measurements::{STATUS, State, Status, StatusEntry};
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

/// Arguments of `cargo xtask release`.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  cargo xtask release new 2611\n  cargo xtask release verify 2611 > page.txt\n  cargo xtask release sign 2611 --key ~/release.key\n  \
    cargo xtask release status 2611 end-of-life --reason \"replaced by 2702\"\n  cargo xtask release sign status --key ~/release.key\n  \
    cargo xtask release key 2026 --key ~/release.key   a new key, its public half goes into measurements/keys"
)]
pub(crate) struct ReleaseArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand, Debug)]
enum Action {
    /// Release what next.json measures: build it from HEAD in a fresh place, compare, write
    /// NAME.json, enter it in LEDGER, write tcb-info.json
    New {
        /// Name of the release
        name: String,
        /// The commit that is expected to be checked out, for scripts that want to be sure
        #[arg(long, value_name = "COMMIT")]
        revision: Option<String>,
    },
    /// Enter into status.json that a release came to its end, or must no longer be trusted
    Status {
        /// Name of the release
        name: String,
        /// Its new state
        state: Ended,
        /// Why, in a sentence
        #[arg(long)]
        reason: String,
        /// Since when, in seconds since 1970 (UTC); by default now
        #[arg(long, value_name = "SECONDS")]
        since: Option<u64>,
    },
    /// Check a release as an auditor does: from a fresh clone, in a fresh place, down to the
    /// packages; prints one page
    Verify(verify::VerifyArgs),
    /// Sign NAME.json, or with the name `status` the status list, as minisign does
    Sign(sign::SignArgs),
    /// Make a key pair: the secret half to a file outside of the repository, the public half into
    /// measurements/keys
    Key(sign::KeyArgs),
}

#[derive(ValueEnum, Debug, Clone, Copy)]
enum Ended {
    /// Proofs that it made before stay valid
    EndOfLife,
    /// No proof that it made is to be trusted
    Revoked,
}

pub(crate) fn run(workspace: &Workspace, arguments: &ReleaseArgs) -> Result<()> {
    match &arguments.action {
        Action::New { name, revision } => new::new(workspace, name, revision.as_deref()),
        Action::Status {
            name,
            state,
            reason,
            since,
        } => status(workspace, name, *state, reason, *since),
        Action::Verify(arguments) => verify::run(workspace, arguments),
        Action::Sign(arguments) => sign::sign(workspace, arguments),
        Action::Key(arguments) => sign::key(workspace, arguments),
    }
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
        "the release {name:?} does not exist"
    );
    measurements::git::only_grew(workspace, &history)?;
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
