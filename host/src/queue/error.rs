//! Errors. None holds a payload, a session or a key.

use super::types::{JobId, Millis, State};

/// The queue cannot do its work.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The database does not answer, or refuses.
    #[error("the queue's database: {0}")]
    Database(String),
    /// The object store does not answer, or refuses.
    #[error("the queue's object store: {0}")]
    Objects(String),
    /// The database was written by a newer version of this program.
    #[error(
        "the queue's database has schema version {found}, this program knows up to {known}: \
         start the newer version again, or restore the backup that was made before its start"
    )]
    NewerSchema {
        /// The version in the database.
        found: i64,
        /// The newest version of this program.
        known: i64,
    },
    /// A master key cannot be used.
    #[error("{path}: {problem}")]
    Key {
        /// The key's file.
        path: String,
        /// The problem, and how to repair it.
        problem: String,
    },
    /// No key with this id is configured.
    #[error("a stored body needs the master key {0}, which is not configured")]
    KeyMissing(String),
    /// Stored bytes are not the ones that were written.
    #[error("the stored {kind} of job {job} is damaged: {problem}")]
    Damaged {
        /// `payload` or `result`.
        kind: &'static str,
        /// The job.
        job: JobId,
        /// How it shows.
        problem: &'static str,
    },
    /// The body was purged.
    #[error("the {kind} of job {job} is not stored any more")]
    Purged {
        /// `payload` or `result`.
        kind: &'static str,
        /// The job.
        job: JobId,
    },
    /// A setting is out of range.
    #[error("{0}")]
    Setting(String),
    /// The queue was closed.
    #[error("the queue is closed")]
    Closed,
}

impl From<object_store::Error> for Error {
    fn from(error: object_store::Error) -> Self {
        Self::Objects(error.to_string())
    }
}

/// A limit of a sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Quota {
    /// Unfinished jobs.
    Jobs,
    /// Payload bytes of unfinished jobs.
    Bytes,
    /// Milliseconds of enclave time within a day.
    EnclaveTime,
}

impl std::fmt::Display for Quota {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Quota::Jobs => "unfinished jobs",
            Quota::Bytes => "bytes of unfinished jobs",
            Quota::EnclaveTime => "milliseconds of enclave time a day",
        })
    }
}

/// A job was not queued.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SubmitError {
    /// A field of the job is not acceptable.
    #[error("{0}")]
    Invalid(&'static str),
    /// The payload is not acceptable JSON.
    #[error("the payload is not acceptable: {0}")]
    Payload(String),
    /// The payload is longer than a job may be.
    #[error("the payload is longer than {0} bytes")]
    TooLarge(u64),
    /// The upload broke off.
    #[error("the upload ended early: {0}")]
    Upload(String),
    /// The sender is over a quota.
    #[error("quota: at most {limit} {quota}")]
    OverQuota {
        /// Which.
        quota: Quota,
        /// Its limit.
        limit: u64,
        /// When it may work again; `None`: when jobs of the sender end.
        until: Option<Millis>,
    },
    /// The job could not be stored.
    #[error(transparent)]
    Storage(#[from] Error),
}

/// A result was not taken.
#[derive(Debug, Clone, thiserror::Error)]
pub enum FinishError {
    /// It does not follow the job protocol.
    #[error("the result is not acceptable: {0}")]
    Malformed(String),
    /// It is longer than a result may be.
    #[error("the result is longer than {0} bytes")]
    TooLarge(u64),
    /// The upload broke off.
    #[error("the upload ended early: {0}")]
    Upload(String),
    /// It could not be stored; the enclave offers it again.
    #[error(transparent)]
    Storage(#[from] Error),
}

/// A decision was not carried out.
#[derive(Debug, Clone, thiserror::Error)]
pub enum DecideError {
    /// There is no such job.
    #[error("there is no job {0}")]
    NoJob(JobId),
    /// Only unknown jobs are decided.
    #[error("job {job} is {state}, and only unknown jobs are decided")]
    NotUnknown {
        /// The job.
        job: JobId,
        /// Where it is.
        state: State,
    },
    /// The payload of the job was purged, so that it can only be given up.
    #[error("the payload of job {0} is not stored any more: it can only be given up")]
    Purged(JobId),
    /// The decision could not be stored.
    #[error(transparent)]
    Storage(#[from] Error),
}
