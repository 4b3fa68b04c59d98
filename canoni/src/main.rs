//! The command `canoni`.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    match cli::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("canoni: {error:#}");
            ExitCode::FAILURE
        }
    }
}
