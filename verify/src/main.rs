//! The command `letsesign-verify`.

use std::process::ExitCode;

fn main() -> ExitCode {
    letsesign_verify::main()
}
