//! Running cargo, and other tasks with this very program.

use crate::workspace::{Workspace, cargo};
use anyhow::{Context, Result, bail};
use std::path::PathBuf;
use std::process::Command;

/// The program that runs.
///
/// Its file may be gone: the step that runs the tests builds xtask with all features, and cargo
/// replaces it. On Linux the kernel's link leads to it nevertheless.
pub(super) fn this_program() -> Result<PathBuf> {
    if cfg!(target_os = "linux") {
        Ok(PathBuf::from("/proc/self/exe"))
    } else {
        std::env::current_exe().context("cannot find this program")
    }
}

/// Runs another task as its users would, with this very program.
pub(super) fn run_xtask(workspace: &Workspace, arguments: &[&str]) -> Result<()> {
    let status = Command::new(this_program()?)
        .args(arguments)
        .current_dir(workspace.root())
        .status()
        .context("cannot run this program")?;
    if !status.success() {
        bail!("cargo xtask {} failed ({status})", arguments.join(" "));
    }
    Ok(())
}

/// Runs cargo in the workspace and fails with it.
pub(crate) fn run_cargo(
    workspace: &Workspace,
    arguments: &[&str],
    variables: &[(&str, &str)],
) -> Result<()> {
    let status = Command::new(cargo())
        .args(arguments)
        .envs(variables.iter().copied())
        .current_dir(workspace.root())
        .status()
        .context("cannot run cargo")?;
    if !status.success() {
        bail!("cargo {} failed ({status})", arguments.join(" "));
    }
    Ok(())
}
