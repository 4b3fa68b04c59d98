//! `cargo xtask demo`: builds the programs of the demo and runs it. The demo is a package of its
//! own (tests/demo), so that other tasks do not wait for its dependencies.

use crate::programs;
use crate::workspace::Workspace;
use anyhow::{Context, Result, bail};
use std::env;
use std::process::Command;

/// The demo's own arguments: one file, so that help needs no build.
#[path = "../../tests/demo/src/args.rs"]
#[allow(unreachable_pub, dead_code, reason = "the demo reads them")]
pub(crate) mod args;

const PROGRAMS: [&str; 3] = ["letsesign-server", "letsesign-verify", "letsesign-demo"];

pub(crate) fn run(workspace: &Workspace, arguments: &args::DemoArgs) -> Result<()> {
    eprintln!("building the demo; the first time takes a few minutes");
    let [server, verifier, demo] = programs::build(workspace, PROGRAMS)?;
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
