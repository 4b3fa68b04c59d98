//! Options and what they do.

mod args;
mod canonicalise;
mod check;
mod diff;
mod input;
mod progress;
mod push;
mod shown;

use anyhow::{Context, Result};
use args::{Cli, Command};
use clap::{CommandFactory, Parser};
use std::io::Write;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

/// Set while a folder is being written that Ctrl-C must not leave half done.
static WRITING_FOLDER: AtomicBool = AtomicBool::new(false);
static STOP: AtomicBool = AtomicBool::new(false);

pub(crate) fn run() -> ExitCode {
    let cli = Cli::parse();
    // diff and check answer a question: 1 is an answer there, and trouble is 2.
    let trouble = if cli.command.is_some() { 2 } else { 1 };
    match answer(&cli) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("canoni: {}", letsesign_escape::lines(&format!("{error:#}")));
            ExitCode::from(trouble)
        }
    }
}

fn answer(cli: &Cli) -> Result<ExitCode> {
    if let Some(shell) = cli.options.completions {
        // Into memory first: clap_complete panics when its output is closed.
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut Cli::command(), "canoni", &mut script);
        print_raw(&script)?;
        return Ok(ExitCode::SUCCESS);
    }
    // Files have no name until they are finished, so only a folder needs to be tidied up.
    ctrlc::set_handler(|| {
        if !WRITING_FOLDER.load(Ordering::SeqCst) || STOP.swap(true, Ordering::SeqCst) {
            std::process::exit(130);
        }
    })
    .context("cannot catch signals")?;
    match &cli.command {
        Some(Command::Diff(options)) => diff::run(options),
        Some(Command::Check(options)) => check::run(options),
        None => canonicalise::run(&cli.options).map(|()| ExitCode::SUCCESS),
    }
}

/// Prints text to standard output. Images and their names come from strangers: nothing in them may
/// act on the terminal or reorder what it shows.
fn print(text: &str) -> Result<()> {
    print_raw(letsesign_escape::lines(text).as_bytes())
}

/// Prints a value as indented JSON.
fn print_json(value: &impl serde::Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(value).context("cannot print JSON")?;
    print_raw((letsesign_escape::json(&text) + "\n").as_bytes())
}

fn print_raw(bytes: &[u8]) -> Result<()> {
    std::io::stdout()
        .write_all(bytes)
        .context("cannot write standard output")
}
