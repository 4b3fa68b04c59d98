//! The signing server that runs inside the enclave.
//!
//! It asks the host for jobs over vsock, runs them and delivers the results. Only its measured
//! files and the host's jobs decide what it does: it has neither options nor environment variables
//! (except in builds with the feature `emulation`, which are for tests).

mod archive;
mod clock;
mod config;
mod data_keys;
mod environment;
mod failure;
mod functions;
mod job_context;
mod kms;
mod log;
mod mailer;
mod memory;
mod nsm;
mod proof_verifier;
mod refusals;
mod service_clients;
mod sessions;
mod sms;
mod startup;
mod supervise;
mod task;
mod tools;
mod turns;
mod worker;

use std::alloc::System;
use std::process::ExitCode;
use zeroizing_alloc::ZeroAlloc;

/// Overwrites all memory that is freed. Types that zeroise themselves hold keys and secrets, but
/// libraries between them and the wire do not: HTTP buffers, JSON texts, the pieces of a document,
/// the copies that growing leaves behind.
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
