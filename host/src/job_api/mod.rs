//! The job API: what enclaves ask (docs/job-protocol.md).
//!
//! One [`JobApi`] serves one start of an enclave, on the connections that a
//! [`Listener`](crate::transport::Listener) hands it. An enclave is trusted no more than a stranger
//! with its CID: every request is bounded in size, time and number, and the queue checks its
//! sessions and results.
//!
//! Every answer has a JSON body and a `Content-Length`: the reference enclave reads both.

mod answer;
mod jobs;
mod own;
mod serve;

pub use jobs::Jobs;
pub use own::{OwnJobs, TimedOut};
pub use serve::{JobApi, Limits};

#[cfg(test)]
mod tests;
