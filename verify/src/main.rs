//! The command `letsesign-verify`: tells a genuine signature and a genuine enclave from others, without a network.

mod args;
mod attested;
mod document;
mod image;
mod measurements;
mod page;
mod policy;
mod proof;
mod releases;
mod shown;
mod time;

use anyhow::Result;
use args::{Cli, Command};
use clap::{CommandFactory, Parser};
use std::io::Write;
use std::process::ExitCode;

/// The answer of a command, as its exit code. docs/verify.md lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    /// Genuine; no holes; done.
    Yes = 0,
    /// Not genuine; holes.
    No = 1,
    /// Usage, or something cannot be read. Nothing is known.
    Unknown = 2,
    /// Genuine, but of a release that was revoked or at its end.
    Ended = 3,
    /// Genuine AWS attestation of something that was compared with nothing.
    Inspected = 4,
}

impl From<Answer> for ExitCode {
    fn from(answer: Answer) -> Self {
        Self::from(answer as u8)
    }
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(&cli) {
        Ok(answer) => answer.into(),
        Err(error) => {
            if !broken_pipe(&error) {
                // Standard error may be closed; then there is nobody to tell.
                let text = shown::line(&format!("{error:#}"));
                let _ = writeln!(std::io::stderr(), "error: {text}");
            }
            Answer::Unknown.into()
        }
    }
}

fn run(cli: &Cli) -> Result<Answer> {
    match &cli.command {
        Command::Proof(args) => proof::run(args),
        Command::Document(args) => document::run(args),
        Command::Image(args) => image::run(args),
        Command::Measurements(args) => measurements::run(args),
        Command::Page(args) => page::run(args),
        Command::Policy(args) => policy::run(args),
        Command::Completions { shell } => {
            let mut out = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "letsesign-verify", &mut out);
            print(&out)?;
            Ok(Answer::Yes)
        }
    }
}

/// Prints to standard output.
fn print(text: impl AsRef<[u8]>) -> Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_ref())?;
    out.flush()?;
    Ok(())
}

/// Prints a value as indented JSON, in ASCII: a terminal may be what reads it.
fn print_json(value: &impl serde::Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(value)?;
    print(shown::json(&text) + "\n")
}

/// Whether whoever reads our output has gone away.
fn broken_pipe(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<std::io::Error>()
        .is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}
