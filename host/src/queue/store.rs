//! The database as the rules ([`core`](super::core)) need it.
//!
//! Every method takes or gives many rows, so that a group of operations costs a database with a
//! network in between few round trips. Reads "for change" lock their rows until the transaction
//! ends.

use super::quota::Usage;
use super::types::{
    Asker, Filter, HistoryEntry, JobId, JobView, Millis, NewJob, OpenStart, StartId, State, Stats,
};

/// The senders with queued jobs, on both databases: one step of the index for each, however many
/// jobs each has.
pub(crate) const SENDERS: &str = "WITH RECURSIVE waiting (sender) AS ( \
     SELECT min(sender) FROM jobs WHERE state = 0 \
     UNION ALL \
     SELECT (SELECT min(sender) FROM jobs WHERE state = 0 AND sender > waiting.sender) \
     FROM waiting WHERE waiting.sender IS NOT NULL \
 ) SELECT sender FROM waiting WHERE sender IS NOT NULL";

/// A job as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Job {
    /// Order of submission.
    pub(crate) seq: i64,
    pub(crate) id: JobId,
    pub(crate) sender: String,
    pub(crate) task: Option<String>,
    pub(crate) name: String,
    /// Accepted PCR0s; empty: any.
    pub(crate) accepts: Vec<String>,
    pub(crate) state: State,
    /// The newest session. It stays when the job goes back to the queue, because its result is
    /// still welcome until the job is handed out under another.
    pub(crate) session: Option<String>,
    pub(crate) start: Option<StartId>,
    /// The host of `start`.
    pub(crate) host: Option<String>,
    /// The release of `start`.
    pub(crate) release: Option<i64>,
    /// Incremented with each session.
    pub(crate) fence: i64,
    /// How often this session was offered again.
    pub(crate) repeats: i64,
    /// How often the job went back because its result was gone.
    pub(crate) requeues: i64,
    pub(crate) code: Option<u16>,
    /// Length of the payload.
    pub(crate) bytes: i64,
    /// The payload was purged.
    pub(crate) purged: bool,
    pub(crate) created: Millis,
    /// When this session was made.
    pub(crate) session_at: Option<Millis>,
    /// When this session was offered last.
    pub(crate) offered: Option<Millis>,
    pub(crate) begun: Option<Millis>,
    pub(crate) ended: Option<Millis>,
}

impl Job {
    /// The row of a job that is submitted. The store numbers and dates it.
    pub(crate) fn queued(id: JobId, job: NewJob, bytes: i64) -> Self {
        Self {
            seq: 0,
            id,
            sender: job.sender,
            task: job.task,
            name: job.name,
            accepts: job.accepts,
            state: State::Queued,
            session: None,
            start: None,
            host: None,
            release: None,
            fence: 0,
            repeats: 0,
            requeues: 0,
            code: None,
            bytes,
            purged: false,
            created: 0,
            session_at: None,
            offered: None,
            begun: None,
            ended: None,
        }
    }

    pub(crate) fn view(&self) -> JobView {
        JobView {
            id: self.id.clone(),
            sender: self.sender.clone(),
            task: self.task.clone(),
            name: self.name.clone(),
            accepts: self.accepts.clone(),
            state: self.state,
            start: self.start.clone(),
            fence: self.fence,
            repeats: self.repeats,
            code: self.code,
            bytes: u64::try_from(self.bytes).unwrap_or(0),
            created: self.created,
            offered: self.offered,
            begun: self.begun,
            ended: self.ended,
        }
    }
}

/// Which body of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Kind {
    Payload = 0,
    Result = 1,
    /// A document of a task, which its jobs are made of.
    Document = 2,
    /// A record of the service. It is kept elsewhere.
    Record = 3,
}

impl Kind {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Kind::Payload => "payload",
            Kind::Result => "result",
            Kind::Document => "document",
            Kind::Record => "record",
        }
    }
}

/// Where the sealed bytes of a body are.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) enum Place {
    /// In the row.
    Inline(Vec<u8>),
    /// In the object of this name.
    Object(String),
}

/// A stored body: the length of its plain text, and where it is.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Body {
    pub(crate) bytes: i64,
    pub(crate) place: Place,
}

/// One row of history.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Event {
    pub(crate) job: JobId,
    pub(crate) at: Millis,
    pub(crate) what: &'static str,
    pub(crate) detail: String,
}

/// A failure of the database.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct StoreError(pub(crate) String);

pub(crate) type Stored<T> = Result<T, StoreError>;

/// A database within a transaction.
pub(crate) trait Store {
    /// The jobs with these ids, for change.
    fn jobs(&mut self, ids: &[JobId]) -> Stored<Vec<Job>>;
    /// Offered and begun jobs of `start` that were offered at least `after` ago (or as far in the
    /// future, where a clock was set back), for change; the oldest first.
    fn due(&mut self, start: &StartId, now: Millis, after: i64, limit: i64) -> Stored<Vec<Job>>;
    /// Jobs offered to another start than the asker's, at least `after` ago, that the asker may
    /// work. For change; rows that another transaction holds are left out.
    fn stale(&mut self, asker: &Asker, now: Millis, after: i64, limit: i64) -> Stored<Vec<Job>>;
    /// Senders with queued jobs.
    fn senders(&mut self) -> Stored<Vec<String>>;
    /// Queued jobs of `sender` that the asker may work, the oldest first. For change; rows that
    /// another transaction holds are left out.
    fn waiting(&mut self, asker: &Asker, sender: &str, limit: i64) -> Stored<Vec<Job>>;
    /// Offered and begun jobs of a start, for change.
    fn of_start(&mut self, start: &StartId) -> Stored<Vec<Job>>;
    /// Starts of `host` with offered or begun jobs.
    fn of_host(&mut self, host: &str) -> Stored<Vec<StartId>>;
    /// Unfinished jobs, for change.
    fn unfinished(&mut self) -> Stored<Vec<Job>>;
    /// Ended jobs of a task, for change.
    fn ended_of_task(&mut self, task: &str) -> Stored<Vec<Job>>;
    /// The least release that each of these tasks may go to, for change.
    fn tasks(&mut self, tasks: &[String]) -> Stored<Vec<(String, i64)>>;
    /// Which of these starts have ended.
    fn ended_starts(&mut self, starts: &[StartId]) -> Stored<Vec<StartId>>;
    /// The use that a sender has made of its quotas, enclave time from hour `since` on.
    fn usage(&mut self, sender: &str, since: i64) -> Stored<Usage>;

    /// Adds jobs; `seq` is the database's to choose. One that is there already stays.
    fn insert(&mut self, jobs: &[Job]) -> Stored<()>;
    /// Writes what can change of jobs.
    fn update(&mut self, jobs: &[Job]) -> Stored<()>;
    fn add_events(&mut self, events: &[Event]) -> Stored<()>;
    /// Adds bodies; one that is there already stays.
    fn add_bodies(&mut self, bodies: &[(JobId, Kind, Body)]) -> Stored<()>;
    /// Removes bodies, and gives the names of their objects.
    fn drop_bodies(&mut self, bodies: &[(JobId, Kind)]) -> Stored<Vec<String>>;
    /// Raises the least release of tasks.
    fn raise_tasks(&mut self, tasks: &[(String, i64)]) -> Stored<()>;
    fn mark_starts_ended(&mut self, starts: &[(StartId, Millis)]) -> Stored<()>;
    /// Adds enclave time: sender, hour, milliseconds.
    fn add_spent(&mut self, spent: &[(String, i64, i64)]) -> Stored<()>;
    /// Releases that have results.
    fn mark_releases(&mut self, releases: &[i64]) -> Stored<()>;
}

/// A database that can run transactions, and answer questions outside of them.
pub(crate) trait Engine: Store + Send {
    /// Connects again if the connection is gone.
    fn ready(&mut self) -> Stored<()>;
    fn begin(&mut self) -> Stored<()>;
    /// Durable when it returns. An error leaves open whether it is.
    fn commit(&mut self) -> Stored<()>;
    /// Gives up the transaction; an engine that cannot connects again.
    fn rollback(&mut self);
    /// Whether an error may be gone at the next attempt.
    fn is_passing(&self, _error: &StoreError) -> bool {
        false
    }

    fn job(&mut self, id: &JobId) -> Stored<Option<JobView>>;
    fn list(&mut self, filter: &Filter) -> Stored<Vec<JobView>>;
    fn history(&mut self, id: &JobId) -> Stored<Vec<HistoryEntry>>;
    fn body(&mut self, id: &JobId, kind: Kind) -> Stored<Option<Body>>;
    fn open_starts(&mut self) -> Stored<Vec<OpenStart>>;
    fn stats(&mut self, now: Millis) -> Stored<Stats>;
    fn release_is_used(&mut self, release: i64) -> Stored<bool>;
    /// Which of these objects a row names.
    fn known_objects(&mut self, names: &[String]) -> Stored<Vec<String>>;
    /// Ended jobs from before `before`, the oldest first.
    fn ended_before(&mut self, before: Millis, limit: i64) -> Stored<Vec<JobId>>;
    /// Removes ended jobs with all that belongs to them, but leaves objects to the sweep.
    fn remove(&mut self, ids: &[JobId]) -> Stored<()>;
    /// Forgets enclave time before `hour`, and starts that ended before `before`.
    fn forget(&mut self, hour: i64, before: Millis) -> Stored<()>;
}
