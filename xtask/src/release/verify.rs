//! `cargo xtask release verify`: the work of a sceptical auditor. It checks everything in a fresh
//! clone, rebuilds everything that can be rebuilt in a fresh place, and prints one page. It trusts
//! this program, git, the pinned rustc, and Cargo.lock's checksums.

use super::fresh::Fresh;
use super::now;
use super::page::Page;
use crate::enclave::record::{self, Demand};
use crate::measurements::{self, git};
use crate::workspace::Workspace;
use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use letsesign_measurements::{
    Entry, History, LEDGER, NEXT, Release, Revocations, SignatureState, State,
};
use std::ffi::OsString;
use std::path::PathBuf;

/// Arguments of `cargo xtask release verify`.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  cargo xtask release verify 2611 > 2611.txt\n  \
    cargo xtask release verify 2611 --from https://example.org/letsesign-enclave.git --output 2611.txt\n  \
    cargo xtask release verify 2611 --without-packages   leave the kernel's compilation out, and say so"
)]
pub(super) struct VerifyArgs {
    /// Name of the release
    name: String,
    /// Repository to clone [default: this one]
    #[arg(long, value_name = "URL|DIR")]
    from: Option<OsString>,
    /// Do not make the prebuilt packages again; the page says that this was left out
    #[arg(long)]
    without_packages: bool,
    /// Write the page to this file as well
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) fn run(workspace: &Workspace, arguments: &VerifyArgs) -> Result<()> {
    let name = &arguments.name;
    letsesign_measurements::check_name(name).map_err(anyhow::Error::msg)?;
    ensure!(name != NEXT, "next is what is not released");
    let from = arguments.from.clone();
    let from = from.unwrap_or_else(|| workspace.root().as_os_str().to_owned());
    let fresh = Fresh::clone(&from)?;
    let head = git::git(fresh.workspace(), &["rev-parse", "HEAD"])?;
    fresh.checkout(head.trim())?;

    let mut page = Page::default();
    check(&fresh, name, arguments.without_packages, &mut page);
    let head = [
        ("cloned from", from.display().to_string()),
        ("at commit", head.trim().to_owned()),
        ("at", format!("{} seconds since 1970 (UTC)", now()?)),
        ("by", format!("cargo xtask {}", env!("CARGO_PKG_VERSION"))),
    ];
    let text = page.text(&format!("letsesign-enclave, release {name}"), &head);
    print!("{text}");
    if let Some(output) = &arguments.output {
        crate::files::write_atomically(output, text.as_bytes())?;
    }
    match page.failed().as_slice() {
        [] => Ok(()),
        failed => bail!("release {name} is not verified: {}", failed.join(", ")),
    }
}

/// All checks, in their order. A later one that needs an earlier one is not reached without it.
fn check(fresh: &Fresh, name: &str, without_packages: bool, page: &mut Page) {
    let tree = fresh.workspace();
    let later = [
        "ledger",
        "signature",
        "status",
        "source",
        "rebuild",
        "packages",
    ];
    let Some(history) = page.check("history", |lines| {
        let (_, history) = measurements::history(tree)?;
        let commits = git::only_grew(tree, &history)?.context("a clone without git")?;
        lines.push(format!(
            "{commits} commits, on all sides of every merge; LEDGER and status.json only grew"
        ));
        Ok(history)
    }) else {
        for later in later {
            page.not_reached(later, "the history is not what it must be");
        }
        return;
    };
    let Some(entry) = history.named(name) else {
        page.check("ledger", |_| -> Result<()> {
            bail!("the release {name} does not exist")
        });
        for later in later.into_iter().skip(1) {
            page.not_reached(later, "the release does not exist");
        }
        return;
    };
    // These checks are independent: the page shows every fault, not the first one alone.
    page.check("ledger", |lines| ledger(tree, &history, name, lines));
    page.check("signature", |lines| signature(tree, entry, lines));
    page.check("status", |lines| status(&history, entry, lines));
    let revision = page.check("source", |lines| source(tree, entry, lines));
    let built = revision.and_then(|revision| {
        page.check("rebuild", |lines| {
            fresh.checkout(&revision)?;
            rebuild(fresh, &entry.release, lines)
        })
    });
    if built.is_none() {
        if !page.failed().contains(&"rebuild") {
            page.not_reached("rebuild", "the source is not known");
        }
        page.not_reached("packages", "the source was not built");
        return;
    }
    if without_packages {
        page.left_out("packages", "--without-packages");
        return;
    }
    page.check("packages", |lines| {
        fresh.xtask(&["reproduce".as_ref()])?;
        lines.push("kernel, fonts and C runtime made again from Debian's pinned sources".into());
        lines.push("every file equal to the committed one".into());
        Ok(())
    });
}

/// The file is the ledger's (reading the history compared them), and the commit that entered it.
fn ledger(tree: &Workspace, history: &History, name: &str, lines: &mut Vec<String>) -> Result<()> {
    let names: Vec<&str> = history.ledger.names().collect();
    let place = names.iter().position(|other| *other == name);
    let place = place.context("the release is not in LEDGER")? + 1;
    let file = format!("measurements/{name}.json");
    let sum = crate::files::sha256(&tree.path(&file))?;
    lines.push(format!("{file} has SHA-256 {sum}"));
    lines.push(format!(
        "line {place} of {} of measurements/{LEDGER}",
        names.len()
    ));
    Ok(())
}

fn signature(tree: &Workspace, entry: &Entry, lines: &mut Vec<String>) -> Result<()> {
    match &entry.signature {
        SignatureState::Signed {
            key,
            trusted_comment,
        } => {
            let path = tree.path(&format!("measurements/keys/{key}.pub"));
            let text = std::fs::read_to_string(&path)
                .with_context(|| format!("cannot read {}", path.display()))?;
            let public = text.lines().nth(1).unwrap_or_default();
            lines.push(format!("signed with key {key}: {public}"));
            lines.push("compare that key with the one that is published elsewhere".to_owned());
            lines.push(format!("trusted comment: {trusted_comment}"));
            Ok(())
        }
        SignatureState::Unsigned => bail!("nobody signed it"),
        SignatureState::Invalid { reason } => bail!("the signature is wrong: {reason}"),
    }
}

fn status(history: &History, entry: &Entry, lines: &mut Vec<String>) -> Result<()> {
    match history.revocations() {
        Revocations::Signed { time } => {
            lines.push(format!(
                "status.json is signed, at {time} (seconds since 1970)"
            ));
        }
        Revocations::Missing => bail!("status.json is missing, so revocations are unknown"),
        Revocations::Unsigned => bail!("status.json is not signed"),
        Revocations::Undated => bail!("the signature of status.json has no time"),
        Revocations::Older { time, released } => {
            bail!("status.json was signed at {time}, before the newest release ({released})")
        }
        Revocations::Invalid { reason } => bail!("the signature of status.json is wrong: {reason}"),
    }
    let status = &entry.status;
    let reason = status.reason.as_deref().unwrap_or_default();
    let since = status.since.unwrap_or_default();
    match status.state {
        State::Current => lines.push("current".to_owned()),
        State::EndOfLife => lines.push(format!("end of life since {since}: {reason}")),
        State::Revoked => bail!("revoked since {since}: {reason}"),
    }
    Ok(())
}

/// The commit that the release names, when it is part of the history and records the same.
fn source(tree: &Workspace, entry: &Entry, lines: &mut Vec<String>) -> Result<String> {
    let release = &entry.release;
    let revision = release
        .source_revision
        .clone()
        .context("the release names no source, so nobody can rebuild it")?;
    let kind = git::git(tree, &["cat-file", "-t", &revision])
        .with_context(|| format!("commit {revision} is not in this repository"))?;
    ensure!(kind.trim() == "commit", "{revision} is not a commit");
    git::git(tree, &["merge-base", "--is-ancestor", &revision, "HEAD"])
        .with_context(|| format!("commit {revision} is not part of this history"))?;
    lines.push(format!("commit {revision}, part of this history"));
    let file = format!("{revision}:measurements/{NEXT}.json");
    let text = git::git(tree, &["show", &file])?;
    let next = Release::parse(NEXT, text.as_bytes())?;
    let found = record::differences(&next, release, Demand::All);
    ensure!(
        found.is_empty(),
        "measurements/next.json of that commit records something else\n{}",
        found.join("\n")
    );
    lines.push("its measurements/next.json records the same".to_owned());
    Ok(revision)
}

/// Builds the image of what is checked out and compares all that the release records.
fn rebuild(fresh: &Fresh, release: &Release, lines: &mut Vec<String>) -> Result<()> {
    let built = record::of(fresh.workspace(), &fresh.build()?)?;
    let found = record::differences(release, &built, Demand::All);
    ensure!(found.is_empty(), "{}", found.join("\n"));
    for (register, value) in built.pcrs.numbered() {
        lines.push(format!("PCR{register}         {value}"));
    }
    for (name, value) in [
        ("eifSha256", &built.eif_sha256),
        ("imageDigest", &built.image_digest),
        ("sbomSha256", &built.sbom_sha256),
        ("toolchain", &built.toolchain),
    ] {
        let value = value.as_deref().unwrap_or("absent");
        lines.push(format!("{name:<12} {value}"));
    }
    lines.push("built from a fresh clone, CARGO_HOME and target directory; all equal".to_owned());
    Ok(())
}
