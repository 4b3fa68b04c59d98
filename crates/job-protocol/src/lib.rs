//! The job protocol between the enclave and its host: plain HTTP/1.1 with JSON bodies. The host is
//! hostile.
//!
//! * [`Client`] fetches jobs and delivers results over any [`Connect`], with limits on size and
//!   time.
//! * [`Envelope`] is the host's answer, checked; [`Job`] keeps the sender's text of its data
//!   ([`Job::data`]), because later hashes are over that very text.
//! * [`JobResult`] goes back to the host as a [`Delivery`]; [`Code`] lists the error codes.
//! * [`Stop`] signals work to end.
//! * [`fields`] reads typed members from job data.
//!
//! `docs/job-protocol.md` describes the wire format.
#![cfg_attr(any(doc, doctest), doc = include_str!("../README.md"))]
mod client;
mod code;
mod envelope;
pub mod fields;
mod result;
mod stop;

pub use client::{Begun, Client, ClientError, Timing};
pub use code::Code;
pub use envelope::{Envelope, Job};
pub use letsesign_net::{Backoff, Connect, HttpError, Tcp, Vsock};
pub use result::{Delivery, JobResult};
pub use stop::Stop;
