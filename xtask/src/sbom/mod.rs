//! The bill of materials (SBOM): what is inside an image, and where each part comes from.
//!
//! Every build writes one beside the image, `letsesign-enclave.cdx.json`, in CycloneDX 1.6. Its
//! bytes follow from the image and this tree, so all ways to build give the same; its SHA-256 is
//! recorded with the image's. It needs no cargo: the Nix build writes it without one. Which crates
//! a program is made of, and their licences, is a file of the tree, `enclave/sbom/crates.json`,
//! which the cargo build compares with what cargo says.

mod crates;
mod document;
mod runtime;

use crate::workspace::Workspace;
use anyhow::Result;
use clap::Args;

pub(crate) use crates::checksums;
pub(crate) use document::{Parts, write};

/// Arguments of `cargo xtask sbom`.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  cargo xtask sbom           compare the list of crates with cargo's\n  \
    cargo xtask sbom --write   after a change of dependencies"
)]
pub(crate) struct SbomArgs {
    /// Write enclave/sbom/crates.json anew instead of comparing it
    #[arg(long)]
    write: bool,
}

pub(crate) fn run(workspace: &Workspace, arguments: &SbomArgs) -> Result<()> {
    if arguments.write {
        return crates::write(workspace);
    }
    check(workspace)?;
    println!("enclave/sbom/crates.json lists the crates of the measured programs");
    Ok(())
}

/// Fails when the list of crates is not what cargo builds the measured programs of.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    crates::check(workspace)
}
