//! The job protocol between the enclave and its host: plain HTTP/1.1, JSON bodies, a hostile other side.
//!
//! * [`Client`] fetches jobs and delivers results over any [`Connect`], with limits on size and time.
//! * [`Envelope`] is the host's answer, checked; [`Job`] keeps the sender's text of its data ([`Job::data`]), because
//!   later hashes are over that very text.
//! * [`JobResult`] is what goes back, as a [`Delivery`]; [`Code`] lists the error codes.
//! * [`Stop`] tells work that its time is over.
//! * [`fields`] helps handlers to take typed members out of job data.
//!
//! `docs/job-protocol.md` describes the wire format.

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
