//! The demo's program, which `cargo xtask demo` builds and runs.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "that is its work"
)]

use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use letsesign_demo::Programs;
use letsesign_demo::args::DemoArgs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// Signs a document on this machine and writes a page that shows each step
#[derive(Debug, Parser)]
#[command(name = "letsesign-demo")]
struct Cli {
    /// letsesign-server, built with the feature emulation
    #[arg(long, value_name = "FILE")]
    server: PathBuf,
    /// letsesign-verify
    #[arg(long, value_name = "FILE")]
    verifier: PathBuf,
    /// Folder to write unless --output names another
    #[arg(long, value_name = "DIR", default_value = "target/demo")]
    default_output: PathBuf,
    #[command(flatten)]
    demo: DemoArgs,
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let programs = Programs {
        server: cli.server,
        verifier: cli.verifier,
        output: cli.default_output,
    };
    // Hidden unless standard error is a terminal; indicatif's console respects NO_COLOR.
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner:.cyan} {msg}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(80));
    let progress = |text: &str| bar.set_message(text.to_owned());
    let outcome = tokio::select! {
        outcome = letsesign_demo::run(&cli.demo, &programs, &progress) => outcome,
        _ = tokio::signal::ctrl_c() => {
            bar.finish_and_clear();
            eprintln!("interrupted; nothing was written");
            return ExitCode::from(130);
        }
    };
    bar.finish_and_clear();
    let outcome = match outcome {
        Ok(outcome) => outcome,
        Err(error) => {
            eprintln!("error: {error:#}");
            return ExitCode::FAILURE;
        }
    };
    if cli.demo.json {
        println!("{:#}", outcome.summary);
    } else {
        print!("{}", outcome.text);
    }
    if cli.demo.open
        && let Err(error) = letsesign_demo::open(&outcome.folder)
    {
        eprintln!("error: {error:#}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
