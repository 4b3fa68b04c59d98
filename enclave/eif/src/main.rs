//! The command `eif`: builds, measures, checks, signs and takes apart enclave images.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
