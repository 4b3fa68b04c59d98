//! `cargo xtask`: everything a developer, operator or auditor does with this repository.

mod base;
mod emulator;
mod files;
mod hermetic;
mod kernel;
mod packages;
mod reproduce;
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
    /// Build the emulator of the enclave machine, or tell where it is
    Emulator(emulator::EmulatorArgs),
    /// Check the prebuilt kernel's configuration against its rules
    Kernel(kernel::KernelArgs),
    /// Make the prebuilt packages again and compare bytes
    Reproduce(reproduce::ReproduceArgs),
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
        Task::Emulator(arguments) => emulator::run(&workspace, &arguments),
        Task::Kernel(arguments) => kernel::run(&workspace, &arguments),
        Task::Reproduce(arguments) => reproduce::run(&workspace, &arguments),
    }
}
