//! The server as a program while the services, the host, the NSM and the clock do everything wrong that they can. Every test ends with a job that
//! succeeds, unless the server was to end.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod clock;
mod crowd;
mod host;
mod hostile;
mod kms;
mod log;
mod mails;
mod memory;
mod nsm;
mod once;
mod sendgrid;
mod ses;
mod stage;
mod stop;
mod zeroised;
