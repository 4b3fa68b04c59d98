//! `cargo xtask demo`: builds the programs of the demo and runs it. The demo is a package of its
//! own (tests/demo), so that other tasks do not wait for its dependencies.

use crate::workspace::{Workspace, cargo};
use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use std::env;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// The demo's own arguments: one file, so that help needs no build.
#[path = "../../tests/demo/src/args.rs"]
#[allow(unreachable_pub, dead_code, reason = "the demo reads them")]
pub(crate) mod args;

const PROGRAMS: [&str; 3] = ["letsesign-server", "letsesign-verify", "letsesign-demo"];

pub(crate) fn run(workspace: &Workspace, arguments: &args::DemoArgs) -> Result<()> {
    let [server, verifier, demo] = build(workspace)?;
    let output = workspace.target()?.join("demo");
    let status = Command::new(&demo)
        .arg("--server")
        .arg(server)
        .arg("--verifier")
        .arg(verifier)
        .arg("--default-output")
        .arg(output)
        // As they were typed: clap has checked them, and paths are relative to the current
        // directory.
        .args(env::args_os().skip(2))
        .status()
        .with_context(|| format!("cannot run {}", demo.display()))?;
    // Its message is on standard error already.
    match status.code() {
        Some(0) => Ok(()),
        Some(code) => std::process::exit(code),
        None => bail!(
            "the demo was ended by a signal{}",
            if arguments.json {
                " and printed no JSON"
            } else {
                ""
            }
        ),
    }
}

/// Builds the programs in the dev profile: everything that computes is optimised there, and a first
/// build takes half the time of a release build.
fn build(workspace: &Workspace) -> Result<[PathBuf; 3]> {
    eprintln!("building the demo; the first time takes a few minutes");
    let mut command = Command::new(cargo());
    command.args([
        "build",
        "--locked",
        "--message-format",
        "json-render-diagnostics",
    ]);
    command.args(["--features", "letsesign-server/emulation"]);
    for program in PROGRAMS {
        command.args(["--package", program]);
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
        "the demo does not build (cargo ended with {})",
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
    let [server, verifier, demo] = PROGRAMS;
    Ok([find(server)?, find(verifier)?, find(demo)?])
}
