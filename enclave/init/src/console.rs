//! Messages to the console. The kernel opened it for us; a host sees it only for an enclave in
//! debug mode.

use std::fmt::Arguments;
use std::io::Write;

/// Writes one line. Failure is ignored: a broken console must not end the enclave.
pub(crate) fn write_line(message: Arguments<'_>) {
    // One write, so that lines of the kernel and of the server do not cut this one in two.
    let line = format!("init: {message}\n");
    let _ = std::io::stderr().write_all(line.as_bytes());
}

/// Writes a formatted line to the console.
macro_rules! log {
    ($($argument:tt)*) => { $crate::console::write_line(format_args!($($argument)*)) };
}
pub(crate) use log;
