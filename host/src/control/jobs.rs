//! Jobs, as the control socket shows them.

use crate::queue::{HistoryEntry, JobView};
use serde::{Deserialize, Serialize};

/// One job. Times are in milliseconds since 1970 (UTC).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobLine {
    /// Its ID, 32 hexadecimal digits.
    pub id: String,
    /// Whose it is.
    pub sender: String,
    /// Its task.
    pub task: Option<String>,
    /// Its function, such as `sendReq`.
    pub name: String,
    /// `queued`, `offered`, `begun`, `done`, `failed` or `unknown`.
    pub state: String,
    /// The code of its result.
    pub code: Option<u16>,
    /// Length of its payload.
    pub bytes: u64,
    /// How many sessions it has had.
    pub sessions: i64,
    /// When it was submitted.
    pub created: i64,
    /// When it was handed out last.
    pub offered: Option<i64>,
    /// When it began.
    pub begun: Option<i64>,
    /// When it ended.
    pub ended: Option<i64>,
}

impl From<JobView> for JobLine {
    fn from(job: JobView) -> Self {
        Self {
            id: job.id.to_string(),
            sender: job.sender,
            task: job.task,
            name: job.name,
            state: job.state.word().to_owned(),
            code: job.code,
            bytes: job.bytes,
            sessions: job.fence,
            created: job.created,
            offered: job.offered,
            begun: job.begun,
            ended: job.ended,
        }
    }
}

/// One event of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// When, in milliseconds since 1970 (UTC).
    pub at: i64,
    /// The event.
    #[serde(rename = "event")]
    pub name: String,
    /// More about it.
    pub detail: String,
}

impl From<HistoryEntry> for Event {
    fn from(entry: HistoryEntry) -> Self {
        Self {
            at: entry.at,
            name: entry.event,
            detail: entry.detail,
        }
    }
}

/// A job with its history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobReport {
    /// The job.
    pub job: JobLine,
    /// Its events, in order.
    pub history: Vec<Event>,
}
