//! The command `letsesign`.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
