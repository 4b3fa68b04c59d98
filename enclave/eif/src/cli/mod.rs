//! Command line: arguments in, exit code out. 0 is success, 1 a negative answer of `verify` or
//! `diff`, 2 an error.

mod args;
mod blobs;
mod build;
mod build_enclave;
mod build_enclave_args;
mod describe;
mod diff;
mod extract;
mod input;
mod process;
mod progress;
mod sign;
mod signals;
mod values;
mod verify;

use anyhow::Result;
use args::{Cli, Command};
use clap::{CommandFactory, Parser};
use std::io::Write;
use std::process::ExitCode;

/// Negative answer.
const NO: u8 = 1;
/// The command could not do its work.
const FAILED: u8 = 2;

pub(crate) fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli.command) {
        Ok(code) => code,
        Err(error) if broken_pipe(&error) => ExitCode::from(FAILED),
        Err(error) => {
            if let Some(code) = signals::exit_code() {
                return ExitCode::from(code);
            }
            // Standard error may be closed; then the message is lost.
            let text = letsesign_escape::line(&format!("{error:#}"));
            let _ = writeln!(std::io::stderr(), "error: {text}");
            ExitCode::from(FAILED)
        }
    }
}

fn run(command: Command) -> Result<ExitCode> {
    signals::watch()?;
    match command {
        Command::Build(args) => build::build(&args),
        Command::BuildEnclave(args) => build_enclave::run(&args),
        Command::Measure(args) => build::measure(&args),
        Command::Describe(args) => describe::run(&args),
        Command::Verify(args) => verify::run(&args),
        Command::Extract(args) => extract::run(&args),
        Command::Sign(args) => sign::run(&args),
        Command::Diff(args) => diff::run(&args),
        Command::Completions { shell } => {
            let mut out = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "eif", &mut out);
            print_raw(&out)
        }
    }
}

/// Prints lines to standard output; the exit code is success. Images and their names come from
/// strangers: nothing in them may steer the terminal or reorder what it shows. Values that could
/// hold line breaks are escaped by whoever makes the lines.
fn print(text: impl AsRef<str>) -> Result<ExitCode> {
    print_raw(letsesign_escape::lines(text.as_ref()))
}

/// Prints bytes of our own making as they are.
fn print_raw(bytes: impl AsRef<[u8]>) -> Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    out.write_all(bytes.as_ref())?;
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

/// Prints a value as indented JSON.
fn print_json(value: &impl serde::Serialize) -> Result<ExitCode> {
    let text = serde_json::to_string_pretty(value)?;
    print_raw(letsesign_escape::json(&text) + "\n")
}

/// Whether whoever reads our output has gone away, as in `eif describe ... | head -1`.
fn broken_pipe(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<std::io::Error>()
        .is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}
