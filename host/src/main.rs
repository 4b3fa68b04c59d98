//! `letsesign-host`: the parent instance of the signing enclave.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
