//! Proof of law 1: builds the image again in surroundings that differ in everything that must not
//! matter.

mod surroundings;

use crate::workspace::Workspace;
use anyhow::{Context, Result, bail};
use clap::Args;
use std::fs;
use std::path::PathBuf;
use surroundings::Surroundings;

/// Arguments of `cargo xtask rebuild`.
#[derive(Args, Debug)]
#[command(
    after_help = "The second build runs in a copy of this tree: another directory with a blank in its name, files created in \
    reverse order, another CARGO_HOME, umask 077, another time zone and locale, SOURCE_DATE_EPOCH set, one core, \
    a clock 1500 days ahead. As root, also as another user with the toolchain in another place.\n\nExamples:\n  \
    cargo xtask rebuild\n  cargo xtask rebuild --keep     leave the copy for a look"
)]
pub(crate) struct RebuildArgs {
    /// Keep the copy and its target directory
    #[arg(long)]
    keep: bool,
}

/// The files that both builds must give, byte for byte.
const ARTIFACTS: &[&str] = &[
    "bin/letsesign-init",
    "bin/letsesign-server",
    "letsesign-enclave.tar",
    "letsesign-enclave.eif",
    "letsesign-enclave.json",
    "letsesign-enclave.cdx.json",
];

pub(crate) fn run(workspace: &Workspace, arguments: &RebuildArgs) -> Result<()> {
    crate::enclave::build(workspace)?;
    let surroundings = Surroundings::prepare(workspace)?;
    for line in surroundings.describe() {
        println!("other: {line}");
    }
    surroundings.build()?;
    let result = compare(&workspace.artifacts()?, &surroundings.artifacts());
    if arguments.keep {
        println!("kept: {}", surroundings.keep().display());
    }
    result
}

fn compare(ours: &std::path::Path, theirs: &std::path::Path) -> Result<()> {
    let mut different: Vec<(PathBuf, PathBuf)> = Vec::new();
    for name in ARTIFACTS {
        let (here, there) = (ours.join(name), theirs.join(name));
        let read = |path: &PathBuf| {
            fs::read(path).with_context(|| format!("cannot read {}", path.display()))
        };
        let (a, b) = (read(&here)?, read(&there)?);
        if a == b {
            println!(
                "equal: {name} ({} bytes, SHA-256 {})",
                a.len(),
                crate::files::sha256(&here)?
            );
        } else {
            // All artefacts are compared, so that the report shows which stages differ.
            let offset = a
                .iter()
                .zip(&b)
                .position(|(x, y)| x != y)
                .unwrap_or_else(|| a.len().min(b.len()));
            println!(
                "DIFFERENT: {name}: {} and {} bytes, first difference at {offset:#x}",
                a.len(),
                b.len()
            );
            different.push((here, there));
        }
    }
    if let Some((here, there)) = different.first() {
        bail!(
            "the two builds differ in {} of {} files (law 1); compare {} with {} (cargo xtask rebuild --keep keeps the second)",
            different.len(),
            ARTIFACTS.len(),
            here.display(),
            there.display()
        );
    }
    Ok(())
}
