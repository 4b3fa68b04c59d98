//! The rules of the queue, written once: every change of a job is an [`Op`] that [`apply`] carries
//! out over a [`Store`]. SQLite, PostgreSQL and the model of the tests run this very code.
//!
//! An operation either changes nothing or all that it has to, and carried out twice (because a
//! commit's answer was lost) it leaves the same state as once.

mod change;
mod offer;
mod result;
mod working;

pub(crate) use working::Working;

use super::error::Quota;
use super::quota::{Allowances, HOUR, HOURS, Strides};
use super::store::{Body, Job, Kind, Store, Stored};
use super::types::{Asker, Decision, Ended, Finished, JobId, Millis, StartId, State};
use std::time::Duration;

/// How long things wait. None of these decides whether a job may run twice: `begin` and the fence
/// do. A clock that jumps makes offers early or late.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Timing {
    /// An offered or begun job without a result is offered again, under the same session, to the
    /// start that has it.
    pub offer_timeout: Duration,
    /// An offered job that has not begun may go to another start.
    pub reoffer_other: Duration,
    /// Rows of ended jobs are removed.
    pub retention: Duration,
}

impl Default for Timing {
    /// 30 seconds; 5 minutes; 400 days.
    fn default() -> Self {
        Self {
            offer_timeout: Duration::from_secs(30),
            reoffer_other: Duration::from_mins(5),
            retention: Duration::from_hours(400 * 24),
        }
    }
}

pub(crate) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// How often a job whose result is gone, and that had no effect, is queued again.
pub(crate) const REQUEUES: i64 = 2;

/// Rules that the model's mutants switch off, to show that each is needed. All are on in a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Rule {
    /// `begin` asks for the current session.
    BeginNeedsSession,
    /// `begin` asks for a job that is offered.
    BeginNeedsOffer,
    /// A begun job of a start that ended is unknown.
    BegunIsUnknown,
    /// Only jobs that have not begun go to another start.
    BegunStays,
    /// A new session replaces the old one.
    NewSession,
    /// The first result stays.
    FirstResult,
    /// Results of old sessions are discarded.
    OldSession,
    /// A lost result of a begun job makes it unknown.
    LostIsUnknown,
    /// A lost result of a job that has not begun queues it again.
    LostIsQueued,
    /// Jobs of a start that ended go on.
    StartEnds,
    /// Restored jobs are unknown.
    RestoredIsUnknown,
}

/// The circumstances of an operation.
pub(crate) struct Context<'a> {
    pub(crate) now: Millis,
    pub(crate) host: &'a str,
    pub(crate) timing: Timing,
    pub(crate) allowances: &'a Allowances,
    /// How many jobs an offer may look at beyond its own; the number of operations of the group.
    pub(crate) group: i64,
    /// The rule that a mutant of the model switches off.
    pub(crate) without: Option<Rule>,
}

impl Context<'_> {
    pub(crate) fn has(&self, rule: Rule) -> bool {
        self.without != Some(rule)
    }
}

/// A change. Ids and sessions are made by the caller, so that an operation can be repeated.
#[derive(Clone)]
pub(crate) enum Op {
    Submit {
        job: Box<Job>,
        body: Body,
    },
    /// `nonce`: 32 hexadecimal digits for a new session.
    Offer {
        asker: Asker,
        nonce: String,
    },
    Begin {
        start: StartId,
        session: String,
    },
    Finish {
        session: String,
        code: u16,
        body: Body,
    },
    StartEnded(StartId),
    HostEnded(String),
    Decide {
        job: JobId,
        decision: Decision,
        who: String,
    },
    Restored,
    /// Purge the ended jobs of a task; results too when they are not needed any more.
    EndTask {
        task: String,
        results: bool,
    },
}

/// The outcome of an operation.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Outcome {
    Submitted,
    OverQuota {
        quota: Quota,
        limit: u64,
        until: Option<Millis>,
    },
    Offered(Box<Job>),
    NoJob,
    Begun(bool),
    Finished(Finished),
    Ended(Ended),
    Decided,
    NotUnknown(State),
    NoSuchJob,
    Purged,
    Restored(u64),
    /// The objects to be removed.
    TaskEnded(Vec<String>),
}

impl Outcome {
    /// Whether jobs wait that did not wait before.
    pub(crate) fn wakes(&self) -> bool {
        match self {
            Outcome::Submitted | Outcome::Decided => true,
            Outcome::Ended(ended) => ended.requeued > 0,
            _ => false,
        }
    }
}

/// The job of a session: sessions are its id, a hyphen and 32 digits. Whoever makes one up gains
/// nothing, because only the session in the job's row counts.
pub(crate) fn job_of_session(session: &str) -> Option<JobId> {
    let (job, nonce) = session.split_once('-')?;
    (nonce.len() == 32 && nonce.bytes().all(|b| b.is_ascii_hexdigit())).then_some(())?;
    JobId::parse(job)
}

/// Carries out one operation.
pub(crate) fn apply<S: Store + ?Sized>(
    op: &Op,
    working: &mut Working<'_, S>,
    strides: &mut Strides,
    context: &Context<'_>,
) -> Stored<Outcome> {
    match op {
        Op::Submit { job, body } => submit(job, body, working, context),
        Op::Offer { asker, nonce } => offer::offer(asker, nonce, working, strides, context),
        Op::Begin { start, session } => result::begin(start, session, working, context),
        Op::Finish {
            session,
            code,
            body,
        } => result::finish(session, *code, body, working, context),
        Op::StartEnded(start) => {
            change::starts_ended(std::slice::from_ref(start), working, context)
        }
        Op::HostEnded(host) => {
            let starts = working.of_host(host)?;
            change::starts_ended(&starts, working, context)
        }
        Op::Decide { job, decision, who } => change::decide(job, *decision, who, working, context),
        Op::Restored => change::restored(working, context),
        Op::EndTask { task, results } => change::end_task(task, *results, working, context),
    }
}

fn submit<S: Store + ?Sized>(
    job: &Job,
    body: &Body,
    working: &mut Working<'_, S>,
    context: &Context<'_>,
) -> Stored<Outcome> {
    if working.job(&job.id)?.is_some() {
        // The commit before this one was durable and its answer lost.
        return Ok(Outcome::Submitted);
    }
    let bytes = u64::try_from(body.bytes).unwrap_or(u64::MAX);
    let usage = working.usage(&job.sender, context.now / HOUR - HOURS)?;
    let allowance = context.allowances.of(&job.sender);
    if let Some((quota, limit, until)) = usage.exceeds(&allowance, bytes, context.now) {
        return Ok(Outcome::OverQuota {
            quota,
            limit,
            until,
        });
    }
    usage.jobs += 1;
    usage.bytes = usage.bytes.saturating_add(bytes);
    let mut job = job.clone();
    job.created = context.now;
    working.event(&job.id, context.now, "submitted", String::new());
    working.add_body(&job.id, Kind::Payload, body.clone());
    working.insert(job);
    Ok(Outcome::Submitted)
}
