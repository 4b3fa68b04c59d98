//! `cargo xtask emulator`: a QEMU that emulates the Nitro Enclave machine, and the vsock device
//! that it needs.
//!
//! No distribution builds QEMU with the machine type `nitro-enclave`, so it is built here, once,
//! into the user's cache. The files beside this one alone determine the result; their hash
//! names the folder.

mod build;
mod locate;
mod needs;

use crate::workspace::Workspace;
use anyhow::{Result, bail};
use clap::Args;
use letsesign_tests::boot::Emulator;
use std::path::PathBuf;

#[derive(Args)]
#[command(
    after_help = "Environment:\n  LETSESIGN_QEMU            a qemu-system-x86_64 that knows -M nitro-enclave\n  \
                  LETSESIGN_QEMU_FIRMWARE   the folder with its bios-microvm.bin, if it does not know by itself\n  \
                  LETSESIGN_VHOST_VSOCK     a vhost-device-vsock that takes CID 3 for the host\n\n\
                  Examples:\n  cargo xtask emulator              build it if need be, print where it is\n  \
                  cargo xtask emulator --no-build   fail instead of building"
)]
pub(crate) struct EmulatorArgs {
    /// Fail if the emulator is not built yet
    #[arg(long)]
    no_build: bool,
    /// Take the pinned Debian packages from this folder instead of downloading them
    #[arg(long, value_name = "DIR")]
    packages: Option<PathBuf>,
    /// Print the paths as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(workspace: &Workspace, arguments: &EmulatorArgs) -> Result<()> {
    let emulator = match locate::find()?.whole() {
        Some(emulator) => emulator,
        None if arguments.no_build => {
            bail!("the emulator is not built yet; build it with: cargo xtask emulator")
        }
        None => build::build(workspace, arguments.packages.as_deref())?,
    };
    if arguments.json {
        println!("{}", serde_json::to_string(&emulator)?);
    } else {
        println!("{}\n{}", emulator.qemu.display(), emulator.vsock.display());
    }
    Ok(())
}

/// The emulator, built first if there is none.
pub(crate) fn obtain(workspace: &Workspace) -> Result<Emulator> {
    match locate::find()?.whole() {
        Some(emulator) => Ok(emulator),
        None => build::build(workspace, None),
    }
}

/// The folder of the emulator that was built before, if it is whole: `qemu/` and `vsock/`.
pub(crate) fn built() -> Result<Option<PathBuf>> {
    let folder = locate::folder()?;
    Ok(locate::in_folder(&folder).whole().map(|_| folder))
}
