//! `cargo xtask`: the tasks of developers, operators and auditors of this repository.

mod base;
mod book;
mod boot;
mod check;
mod corpus;
mod demo;
mod emulator;
mod enclave;
mod files;
mod hermetic;
mod image;
mod kernel;
mod measurements;
mod nix;
mod packages;
mod programs;
mod rebuild;
mod release;
mod reproduce;
mod sbom;
mod schemas;
mod serve;
mod style;
mod test;
mod workspace;

use anyhow::Result;
use clap::{Parser, Subcommand};
use std::process::ExitCode;

#[derive(Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    about = "Builds, measures, reproduces, boots and tests the enclave, and shows it at work",
    after_help = "Examples:\n  cargo xtask serve             send, sign and verify in the browser, on this machine\n  \
                  cargo xtask demo              a document signed step by step, and what the host saw\n  \
                  cargo xtask eif               build the enclave image and print its measurements\n  \
                  cargo xtask eif --check       ... and compare them with measurements/next.json\n  \
                  cargo xtask test              everything that must hold\n  \
                  cargo xtask reproduce kernel  rebuild the kernel from source and compare bytes"
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
    /// Make the container image (canonical docker-archive), or a build context for Docker
    Image(enclave::ImageArgs),
    /// Build the enclave image (EIF), print its measurements
    Eif(enclave::EifArgs),
    /// Print or write the measurements of this tree, or check the files of measurements/
    Measure(enclave::MeasureArgs),
    /// Compare every JSON file of the tree with its schema
    Schemas(schemas::SchemasArgs),
    /// Compare the crates that the bill of materials lists with cargo's, or list them anew
    Sbom(sbom::SbomArgs),
    /// Make, sign, verify, end or revoke a release (docs/release.md)
    Release(release::ReleaseArgs),
    /// Run nix with test doubles of the flake's inputs, on a machine that cannot fetch them
    Nix(nix::NixArgs),
    /// Put the crates of Cargo.lock and the reproducers' packages into the Nix store
    Prefetch(nix::PrefetchArgs),
    /// Build the image again in other surroundings and compare bytes
    Rebuild(rebuild::RebuildArgs),
    /// Check formatting, style, lints, docs and unit tests of what changed, in about a minute
    Check(check::CheckArgs),
    /// Check the style of code comments and pages (docs/style.md)
    Style,
    /// Check the pages of docs/ and build them as a book with mdbook
    Book(book::BookArgs),
    /// Run all tests and checks
    Test(test::TestArgs),
    /// Stamp every PDF of a folder, and check the results with other readers
    Corpus(corpus::CorpusArgs),
    /// Boot an image in emulation, with its console and this machine as its parent
    Boot(boot::BootArgs),
    /// Sign a document on this machine and write a page that shows each step
    Demo(demo::args::DemoArgs),
    /// Run the whole service on this machine: send, sign and verify in the browser
    Serve(serve::args::ServeArgs),
    /// Build the emulator of the enclave machine, or print where it is
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
        Task::Sysroot => base::run(&workspace),
        Task::Build(arguments) => hermetic::run(&workspace, &arguments),
        Task::Image(arguments) => enclave::run_image(&workspace, &arguments),
        Task::Eif(arguments) => enclave::run_eif(&workspace, &arguments),
        Task::Measure(arguments) => enclave::run_measure(&workspace, &arguments),
        Task::Schemas(arguments) => schemas::run(&workspace, &arguments),
        Task::Sbom(arguments) => sbom::run(&workspace, &arguments),
        Task::Release(arguments) => release::run(&workspace, &arguments),
        Task::Nix(arguments) => nix::run(&workspace, &arguments),
        Task::Prefetch(arguments) => nix::prefetch(&workspace, &arguments),
        Task::Rebuild(arguments) => rebuild::run(&workspace, &arguments),
        Task::Check(arguments) => check::run(&workspace, &arguments),
        Task::Style => style::run(&workspace),
        Task::Book(arguments) => book::run(&workspace, &arguments),
        Task::Test(arguments) => test::run(&workspace, &arguments),
        Task::Corpus(arguments) => corpus::run(&workspace, &arguments),
        Task::Boot(arguments) => boot::run(&workspace, &arguments),
        Task::Demo(arguments) => demo::run(&workspace, &arguments),
        Task::Serve(_) => serve::run(&workspace),
        Task::Emulator(arguments) => emulator::run(&workspace, &arguments),
        Task::Kernel(arguments) => kernel::run(&workspace, &arguments),
        Task::Reproduce(arguments) => reproduce::run(&workspace, &arguments),
    }
}
