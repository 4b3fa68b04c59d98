//! Programs on a terminal.

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// Runs a program whose standard error is a terminal. What it writes there, control sequences
/// included, is the output's `stderr`.
///
/// # Errors
/// Where there are no pseudo-terminals, and where the program cannot be run.
pub fn run(command: &mut Command) -> io::Result<Output> {
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY)?;
    grantpt(&terminal)?;
    unlockpt(&terminal)?;
    let name = ptsname(&terminal, Vec::new())?;
    let end = File::options()
        .read(true)
        .write(true)
        .open(Path::new(std::ffi::OsStr::from_bytes(name.to_bytes())))?;
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(end)
        .spawn();
    // The command holds the terminal's other end, which must close for the reader to see an end.
    command.stderr(Stdio::null());
    let child = child?;
    let reader = std::thread::spawn(move || {
        let (mut terminal, mut text) = (File::from(terminal), Vec::new());
        // Linux ends a terminal that nobody has open by an error (EIO).
        let _ = terminal.read_to_end(&mut text);
        text
    });
    let mut output = child.wait_with_output()?;
    output.stderr = reader.join().unwrap_or_default();
    Ok(output)
}
