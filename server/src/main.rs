//! The signing server that runs inside the enclave.
//!
//! It asks the host for jobs over vsock, runs them and delivers the results. Nothing but its own measured files and the
//! host's jobs decides what it does: there are no options, and no environment variable is read (except in builds with the
//! feature `emulation`, which are for tests).

mod archive;
mod attested;
mod clock;
mod config;
#[cfg(feature = "emulation")]
mod emulation;
mod jobs;
mod kms;
mod log;
mod mailer;
mod memory;
mod nsm;
mod place;
mod refusals;
mod services;
mod sessions;
mod sms;
mod supervise;
mod task;
mod worker;

use std::alloc::System;
use std::process::ExitCode;
use zeroizing_alloc::ZeroAlloc;

/// Overwrites all that is freed. Types that zeroise themselves hold keys and secrets, but libraries between them and the wire do not: HTTP buffers, JSON texts, the
/// pieces of a document, the copies that growing leaves behind.
#[global_allocator]
static ALLOCATOR: ZeroAlloc<System> = ZeroAlloc(System);

fn main() -> ExitCode {
    memory::settle();
    log::start();
    match supervise::run() {
        Ok(code) => code,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}
