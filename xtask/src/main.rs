//! `cargo xtask`: everything a developer, operator or auditor does with this repository.

mod base;
mod files;
mod hermetic;
mod workspace;

use anyhow::Result;
use clap::{Parser, Subcommand};
use std::process::ExitCode;

#[derive(Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    about = "Builds, measures, reproduces, boots and tests the enclave",
    after_help = "Examples:\n  cargo xtask build             the measured programs: server and init\n  \
                  cargo xtask sysroot           unpack enclave/base"
)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Unpack enclave/base into the sysroot that the measured programs link against
    Sysroot,
    /// Build the measured programs (server and init) hermetically and check them
    Build(hermetic::BuildArgs),
}

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> Result<()> {
    let workspace = workspace::Workspace::find()?;
    match cli.task {
        Task::Sysroot => {
            let sysroot = base::Sysroot::prepare(&workspace)?;
            println!("{}", sysroot.path().display());
            Ok(())
        }
        Task::Build(arguments) => hermetic::run(&workspace, &arguments),
    }
}
