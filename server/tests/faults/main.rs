//! The server as a program while the services, the host, the NSM and the clock show every
//! fault. Every test ends with a job that succeeds, unless the server had to end.
#![cfg(test)]
#![allow(unreachable_pub, reason = "tests")]

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
