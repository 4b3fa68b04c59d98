//! The signing server that runs inside the enclave.
//!
//! It asks the host for jobs over vsock, runs them and delivers the results. Nothing but its own measured files and the
//! host's jobs decides what it does: there are no options, and no environment variable is read (except in builds with the
//! feature `emulation`, which are for tests).

mod config;
#[cfg(feature = "emulation")]
mod emulation;
mod jobs;
mod log;
mod nsm;
mod place;
mod supervise;
mod worker;

use std::process::ExitCode;

fn main() -> ExitCode {
    log::start();
    match supervise::run() {
        Ok(code) => code,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}
