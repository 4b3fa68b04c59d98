//! Each service of the world answers as its original is documented to, seen by a plain client.

#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod faults;
mod jobs;
mod kms;
mod nsm;
mod sender;
mod sendgrid;
mod smtp;
mod support;
mod twilio;
