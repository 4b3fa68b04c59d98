//! The commands that a running host takes, as HTTP on a unix socket of its state folder.
//!
//! Whoever can open the socket is the operator: it has the mode 0600. No answer holds a payload or
//! a session, except the stored result of a job that was asked for.

mod client;
mod jobs;
mod server;

pub use client::{Client, ClientError, query};
pub use jobs::{JobLine, JobReport};
pub(crate) use server::READY;
pub use server::{Control, serve};

use crate::supervisor::Status;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// `GET /status`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusReport {
    /// The program's version.
    pub version: String,
    /// Whether an enclave that gets jobs was attested within the last minute.
    pub ready: bool,
    /// The enclaves.
    pub enclaves: Status,
    /// Jobs by state.
    pub jobs: BTreeMap<String, u64>,
    /// Seconds that the oldest queued job has waited.
    pub oldest_queued_seconds: Option<u64>,
}

/// `POST /upgrade`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Upgrade {
    /// The new image.
    pub image: std::path::PathBuf,
    /// Whether tasks that it cannot finish are given up.
    #[serde(default)]
    pub abandon_older_tasks: bool,
    /// Whether the older release goes on, for senders whose key policy does not accept the new one.
    #[serde(default)]
    pub keep_older: bool,
}

/// `POST /drain`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Drain {
    /// How long running jobs may take, in seconds.
    pub seconds: u64,
}

/// `POST /jobs/ID/decide`.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decide {
    /// Queue it again.
    Retry,
    /// Give it up.
    Fail,
}
