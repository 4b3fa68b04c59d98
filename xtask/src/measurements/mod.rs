//! The folder `measurements/`: one file per release, `next.json` for what this tree builds, and
//! what is made from them. docs/measurements.md describes the files; the crate
//! letsesign-measurements reads and checks them.

pub(crate) mod git;

use crate::workspace::Workspace;
use anyhow::{Context, Result};
use letsesign_measurements::{AGGREGATE, Files, History, KEYS, NEXT, Release};
use std::fs;
use std::path::{Path, PathBuf};

/// A file of `measurements/`.
pub(crate) fn path(workspace: &Workspace, file: &str) -> PathBuf {
    workspace.path("measurements").join(file)
}

/// Reads `measurements/NAME.json`.
pub(crate) fn read(workspace: &Workspace, name: &str) -> Result<Release> {
    let path = path(workspace, &format!("{name}.json"));
    let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(Release::parse(name, &bytes)?)
}

/// Reads and checks all files of the folder.
pub(crate) fn history(workspace: &Workspace) -> Result<(Files, History)> {
    let folder = workspace.path("measurements");
    let mut files = Files::new();
    collect(&folder, "", &mut files)?;
    let keys = folder.join(KEYS);
    if keys.is_dir() {
        collect(&keys, "keys/", &mut files)?;
    }
    let history = History::from_files(&files)?;
    Ok((files, history))
}

fn collect(folder: &Path, prefix: &str, files: &mut Files) -> Result<()> {
    let cannot = || format!("cannot list {}", folder.display());
    for entry in fs::read_dir(folder).with_context(cannot)? {
        let path = entry.with_context(cannot)?.path();
        if let Some(name) = path.file_name().and_then(|name| name.to_str())
            && path.is_file()
        {
            let bytes =
                fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
            files.insert(format!("{prefix}{name}"), bytes);
        }
    }
    Ok(())
}

/// Writes `measurements/next.json` and brings the aggregate up to date.
pub(crate) fn write_next(workspace: &Workspace, measurement: &Release) -> Result<()> {
    let text = measurement.to_json()?;
    let path = path(workspace, &format!("{NEXT}.json"));
    crate::files::write_atomically(&path, text.as_bytes())?;
    write_aggregate(workspace)
}

/// Writes `measurements/tcb-info.json` anew.
pub(crate) fn write_aggregate(workspace: &Workspace) -> Result<()> {
    let text = history(workspace)?.1.aggregate().to_json()?;
    crate::files::write_atomically(&path(workspace, AGGREGATE), text.as_bytes())
}

/// Checks every file, the ledger against git, and the aggregate; or writes the aggregate.
pub(crate) fn run(workspace: &Workspace, write: bool, require_history: bool) -> Result<()> {
    let (files, history) = history(workspace)?;
    let compared = git::only_grew(workspace, &history)?;
    if compared.is_none() && (require_history || crate::test::require_all()) {
        anyhow::bail!("this folder has no git history to compare LEDGER and status.json with");
    }
    if write {
        return write_aggregate(workspace);
    }
    let written = files
        .get(AGGREGATE)
        .with_context(|| format!("measurements/{AGGREGATE} is missing"))?;
    history.aggregate().check(written)?;
    // Builds elsewhere compare with next.sha256, releases with next.json: two answers would let
    // each pass with another image.
    if let (Some(next), Some(sum)) = (&history.next, crate::enclave::sum::of_next(workspace)?) {
        anyhow::ensure!(
            next.eif_sha256.as_ref() == Some(&sum),
            "next.json and next.sha256 record different files"
        );
    }
    let bad = history
        .releases
        .iter()
        .find_map(|entry| match &entry.signature {
            letsesign_measurements::SignatureState::Invalid { reason } => {
                Some((&entry.release.ver_name, reason))
            }
            _ => None,
        });
    if let Some((name, reason)) = bad {
        anyhow::bail!("{name}.json.minisig is not a valid signature: {reason}");
    }
    if let letsesign_measurements::SignatureState::Invalid { reason } = &history.status_signature {
        anyhow::bail!("status.json.minisig is not a valid signature: {reason}");
    }
    println!("{} releases, tcb-info.json agrees", history.releases.len());
    match compared {
        Some(commits) => println!("LEDGER and status.json only grew in {commits} commits"),
        None => println!("no git history here to compare LEDGER and status.json with"),
    }
    Ok(())
}
