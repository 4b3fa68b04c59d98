//! Verifies signatures and enclaves without a network: the command `letsesign-verify`, and
//! [`Trust`], which the sender's client uses.
#![cfg_attr(doctest, doc = include_str!("../README.md"))]

mod args;
mod attested;
mod document;
mod image;
mod measurements;
mod page;
mod paper;
mod policy;
mod proof;
mod releases;
mod time;
mod trust;

pub use trust::{Trust, Verdict};

use anyhow::Result;
use args::{Cli, Command};
use clap::{CommandFactory, Parser};
use letsesign_escape as escape;
use std::io::Write;
use std::process::ExitCode;

/// The result of a command; its value is the exit code. docs/verify.md lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    /// Genuine; a policy without holes; done.
    Yes = 0,
    /// Not genuine; a policy with holes.
    No = 1,
    /// A usage error, or an input cannot be read. Nothing is decided.
    Unknown = 2,
    /// Genuine, but the release is revoked or past its end of life.
    Ended = 3,
    /// A genuine AWS attestation whose measurements were not compared.
    Inspected = 4,
}

impl From<Answer> for ExitCode {
    fn from(answer: Answer) -> Self {
        Self::from(answer as u8)
    }
}

/// Parses the arguments of the command and does what they say.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(&cli) {
        Ok(answer) => answer.into(),
        Err(error) => {
            if !broken_pipe(&error) {
                // Standard error may be closed; a failure to write to it has no one left to report
                // to.
                let text = escape::line(&format!("{error:#}"));
                let _ = writeln!(std::io::stderr(), "error: {text}");
            }
            Answer::Unknown.into()
        }
    }
}

fn run(cli: &Cli) -> Result<Answer> {
    match &cli.command {
        Command::Proof(args) => proof::run(args),
        Command::Report(args) => proof::report(args),
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

/// Prints a value as indented JSON, in ASCII because it may go to a terminal.
fn print_json(value: &impl serde::Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(value)?;
    print(escape::json(&text) + "\n")
}

/// Whether an error means that the reader of our output has closed it.
fn broken_pipe(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<std::io::Error>()
        .is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}
