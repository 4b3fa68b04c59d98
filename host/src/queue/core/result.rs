//! An enclave says that a job begins, or delivers its result.

use super::{Context, Outcome, REQUEUES, Rule, Working, job_of_session};
use crate::queue::quota::HOUR;
use crate::queue::store::{Body, Job, Kind, Store, Stored};
use crate::queue::types::{Finished, StartId, State};
use letsesign_job_protocol::Code;

/// True once this start may have the first effect of this session's job.
pub(super) fn begin<S: Store + ?Sized>(
    start: &StartId,
    session: &str,
    working: &mut Working<'_, S>,
    context: &Context<'_>,
) -> Stored<Outcome> {
    let Some(id) = job_of_session(session) else {
        return Ok(Outcome::Begun(false));
    };
    let Some(mut job) = working.job(&id)? else {
        return Ok(Outcome::Begun(false));
    };
    let is_current = job.session.as_deref() == Some(session) && job.start.as_ref() == Some(start);
    let is_current = is_current || !context.has(Rule::BeginNeedsSession);
    let is_offered = job.state == State::Offered || !context.has(Rule::BeginNeedsOffer);
    if is_current && job.state == State::Begun {
        return Ok(Outcome::Begun(true));
    }
    if !is_current || !is_offered || working.has_ended(start)? {
        return Ok(Outcome::Begun(false));
    }
    job.state = State::Begun;
    job.begun = Some(context.now);
    working.event(
        &job.id,
        context.now,
        "begun",
        format!("session {}", job.fence),
    );
    working.change(job);
    Ok(Outcome::Begun(true))
}

/// A session is known to one start alone, so whoever has the current one has the result: the start
/// does not matter. A host that restarted may know its enclave by another name.
pub(super) fn finish<S: Store + ?Sized>(
    session: &str,
    code: u16,
    body: &Body,
    working: &mut Working<'_, S>,
    context: &Context<'_>,
) -> Stored<Outcome> {
    let discarded = Ok(Outcome::Finished(Finished::Discarded));
    let Some(id) = job_of_session(session) else {
        return discarded;
    };
    let Some(mut job) = working.job(&id)? else {
        return discarded;
    };
    if job.session.as_deref() != Some(session) && context.has(Rule::OldSession) {
        working.event(
            &id,
            context.now,
            "discarded",
            format!("code {code} of an old session"),
        );
        return discarded;
    }
    if job.state.has_ended() && context.has(Rule::FirstResult) {
        // Without a code a person gave it up, and that stands.
        return match job.code {
            Some(_) => Ok(Outcome::Finished(Finished::Repeated { job: id })),
            None => discarded,
        };
    }
    if code == Code::InvalidParameter.number() && job.repeats > 0 {
        return Ok(lost(job, working, context));
    }
    let at_queue = job.state == State::Queued && code != Code::Success.number();
    if at_queue {
        // It goes to an enclave again, and had no effect: that is better than a late failure.
        return discarded;
    }
    job.state = if code == Code::Success.number() {
        State::Done
    } else {
        State::Failed
    };
    job.code = Some(code);
    end(&mut job, working, context);
    working.add_body(&id, Kind::Result, body.clone());
    working.event(&id, context.now, job.state.word(), format!("code {code}"));
    if let Some(release) = job.release {
        working.mark_release(release);
    }
    working.change(job);
    Ok(Outcome::Finished(Finished::Taken { job: id, code }))
}

/// 2001 to a session that was offered again: the enclave worked it and has lost the result
/// (docs/job-protocol.md, "Sessions"). Of a first offer it is a result like any other.
fn lost<S: Store + ?Sized>(
    mut job: Job,
    working: &mut Working<'_, S>,
    context: &Context<'_>,
) -> Outcome {
    let id = job.id.clone();
    match job.state {
        State::Begun if context.has(Rule::LostIsUnknown) => {
            job.state = State::Unknown;
            working.event(
                &id,
                context.now,
                "unknown",
                "the enclave lost the result".into(),
            );
        }
        State::Begun | State::Offered if job.requeues < REQUEUES => {
            if !context.has(Rule::LostIsQueued) {
                return Outcome::Finished(Finished::Discarded);
            }
            job.state = State::Queued;
            job.requeues += 1;
            working.event(
                &id,
                context.now,
                "queued",
                "the enclave lost the result".into(),
            );
        }
        State::Begun | State::Offered => {
            let code = Code::InvalidParameter.number();
            job.state = State::Failed;
            job.code = Some(code);
            end(&mut job, working, context);
            working.event(
                &id,
                context.now,
                "failed",
                "no enclave kept its result".into(),
            );
            working.change(job);
            return Outcome::Finished(Finished::Taken { job: id, code });
        }
        // Unknown stays unknown, and queued stays queued.
        _ => return Outcome::Finished(Finished::Discarded),
    }
    working.change(job);
    Outcome::Finished(Finished::Discarded)
}

/// The time that the enclave worked counts for the sender.
pub(super) fn end<S: Store + ?Sized>(
    job: &mut Job,
    working: &mut Working<'_, S>,
    context: &Context<'_>,
) {
    job.ended = Some(context.now);
    if let Some(since) = job.session_at {
        let worked = context.now.saturating_sub(since).max(0);
        working.spend(&job.sender, context.now / HOUR, worked);
    }
}
