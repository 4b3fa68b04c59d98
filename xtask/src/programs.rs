//! Programs of the workspace that a task runs, built by cargo.

use crate::workspace::{Workspace, cargo};
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Builds packages, each with a program of its own name, the server with the feature `emulation`,
/// and gives the programs' paths in their order.
///
/// In the dev profile: everything that computes is optimised there, and a first build takes half
/// the time of a release build.
pub(crate) fn build<const N: usize>(
    workspace: &Workspace,
    programs: [&str; N],
) -> Result<[PathBuf; N]> {
    let mut command = Command::new(cargo());
    command.args([
        "build",
        "--locked",
        "--message-format",
        "json-render-diagnostics",
    ]);
    if programs.contains(&"letsesign-server") {
        command.args(["--features", "letsesign-server/emulation"]);
    }
    for program in programs {
        command.args(["--package", package(program)]);
    }
    if !std::io::stderr().is_terminal() {
        command.arg("--quiet");
    }
    let output = command
        .current_dir(workspace.root())
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("cannot run cargo")?;
    ensure!(
        output.status.success(),
        "{} do not build (cargo ended with {})",
        programs.join(", "),
        output.status
    );
    // Where cargo has put them, whatever its configuration says.
    let messages: Vec<Value> = output
        .stdout
        .split(|byte| *byte == b'\n')
        .filter_map(|line| serde_json::from_slice(line).ok())
        .collect();
    let find = |name: &str| {
        messages
            .iter()
            .filter(|message| message.pointer("/target/name").and_then(Value::as_str) == Some(name))
            .find_map(|message| message.get("executable")?.as_str().map(PathBuf::from))
            .with_context(|| format!("cargo has built no {name}"))
    };
    let found = programs
        .iter()
        .map(|name| find(name))
        .collect::<Result<Vec<_>>>()?;
    found
        .try_into()
        .ok()
        .context("cargo has built another number of programs")
}

/// The package of a program.
fn package(program: &str) -> &str {
    match program {
        "letsesign" => "letsesign-client",
        program => program,
    }
}
