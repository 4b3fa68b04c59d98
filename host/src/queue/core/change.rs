//! A start ends, a person decides, a backup was restored, a task ends.

use super::{Context, Outcome, Rule, Working, result};
use crate::queue::store::{Kind, Store, Stored};
use crate::queue::types::{Decision, Ended, JobId, StartId, State};

/// The enclaves of these starts exist no more: what had not begun goes back to the queue, what had
/// begun is unknown.
pub(super) fn starts_ended<S: Store + ?Sized>(
    starts: &[StartId],
    working: &mut Working<'_, S>,
    context: &Context<'_>,
) -> Stored<Outcome> {
    let mut ended = Ended::default();
    for start in starts {
        if !working.has_ended(start)? {
            working.end_start(start, context.now);
        }
        if !context.has(Rule::StartEnds) {
            continue;
        }
        for mut job in working.of_start(start)? {
            if job.state == State::Begun && context.has(Rule::BegunIsUnknown) {
                job.state = State::Unknown;
                ended.unknown += 1;
            } else {
                job.state = State::Queued;
                ended.requeued += 1;
            }
            let detail = format!("start {start} has ended");
            working.event(&job.id, context.now, job.state.word(), detail);
            working.change(job);
        }
    }
    Ok(Outcome::Ended(ended))
}

pub(super) fn decide<S: Store + ?Sized>(
    id: &JobId,
    decision: Decision,
    who: &str,
    working: &mut Working<'_, S>,
    context: &Context<'_>,
) -> Stored<Outcome> {
    let Some(mut job) = working.job(id)? else {
        return Ok(Outcome::NoSuchJob);
    };
    if job.state != State::Unknown {
        return Ok(Outcome::NotUnknown(job.state));
    }
    match decision {
        Decision::Retry if job.purged => return Ok(Outcome::Purged),
        // A late result of the old session is still welcome until an enclave has the new one.
        Decision::Retry => job.state = State::Queued,
        Decision::Fail => {
            job.state = State::Failed;
            result::end(&mut job, working, context);
        }
    }
    let detail = format!("decided by {}", who.escape_default());
    working.event(id, context.now, job.state.word(), detail);
    working.change(job);
    Ok(Outcome::Decided)
}

/// A backup may be older than what enclaves did since: nothing of it goes on by itself.
pub(super) fn restored<S: Store + ?Sized>(
    working: &mut Working<'_, S>,
    context: &Context<'_>,
) -> Stored<Outcome> {
    let jobs = working.unfinished()?;
    let count = u64::try_from(jobs.len()).unwrap_or(u64::MAX);
    for mut job in jobs {
        if !context.has(Rule::RestoredIsUnknown) && job.state == State::Begun {
            job.state = State::Queued;
        } else {
            job.state = State::Unknown;
        }
        let detail = "a backup was restored".to_owned();
        working.event(&job.id, context.now, job.state.word(), detail);
        working.change(job);
    }
    Ok(Outcome::Restored(count))
}

pub(super) fn end_task<S: Store + ?Sized>(
    task: &str,
    results: bool,
    working: &mut Working<'_, S>,
    context: &Context<'_>,
) -> Stored<Outcome> {
    let jobs = working.ended_of_task(task)?;
    let mut bodies = Vec::new();
    for mut job in jobs {
        bodies.push((job.id.clone(), Kind::Payload));
        if results {
            bodies.push((job.id.clone(), Kind::Result));
        }
        if !job.purged {
            job.purged = true;
            working.event(&job.id, context.now, "purged", String::new());
            working.change(job);
        }
    }
    working.flush()?;
    Ok(Outcome::TaskEnded(working.drop_bodies(&bodies)?))
}
