//! `cargo xtask serve`: builds the programs of the service and runs them. The program that starts
//! them is a package of its own (tests/serve), so that other tasks do not wait for its
//! dependencies.

use crate::programs;
use crate::workspace::Workspace;
use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use std::env;
use std::process::Command;

/// Its own arguments: one file, so that help needs no build.
#[path = "../../tests/serve/src/args.rs"]
#[allow(unreachable_pub, dead_code, reason = "the program reads them")]
pub(crate) mod args;

const PROGRAMS: [&str; 5] = [
    "letsesign-host",
    "letsesign-server",
    "letsesign",
    "letsesign-verify",
    "letsesign-serve",
];

pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    eprintln!("building the service; the first time takes a few minutes");
    let [host, server, client, verifier, serve] = programs::build(workspace, PROGRAMS)?;
    let mut child = Command::new(&serve)
        .arg("--host")
        .arg(host)
        .arg("--server")
        .arg(server)
        .arg("--client")
        .arg(client)
        .arg("--verifier")
        .arg(verifier)
        // As they were typed: clap has checked them.
        .args(env::args_os().skip(2))
        .spawn()
        .with_context(|| format!("cannot run {}", serve.display()))?;
    // A signal to this process alone ends the service, too, and this process waits until it has.
    // A terminal sends Ctrl-C to both; the program takes a second signal as the same one.
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    ctrlc::set_handler(move || {
        if let Some(pid) = pid {
            // A program that has ended already is as good.
            let _ = kill_process(pid, Signal::TERM);
        }
    })
    .context("cannot handle Ctrl-C")?;
    let status = child.wait().context("the service is lost")?;
    // Its message is on standard error already.
    match status.code() {
        Some(0) => Ok(()),
        Some(code) => std::process::exit(code),
        None => bail!("the service was ended by a signal"),
    }
}
