//! An enclave asks for a job.

use super::{Context, Outcome, Rule, Working, millis};
use crate::queue::quota::Strides;
use crate::queue::store::{Job, Store, Stored};
use crate::queue::types::{Asker, State};

/// First what the asker has already, then what others have had for too long, then what waits.
pub(super) fn offer<S: Store + ?Sized>(
    asker: &Asker,
    nonce: &str,
    working: &mut Working<'_, S>,
    strides: &mut Strides,
    context: &Context<'_>,
) -> Stored<Outcome> {
    if working.has_ended(&asker.start)? {
        return Ok(Outcome::NoJob);
    }
    let after = millis(context.timing.offer_timeout);
    while let Some(job) = working.next_due(&asker.start, context.now, after, context.group)? {
        let is_his = job.start.as_ref() == Some(&asker.start)
            && matches!(job.state, State::Offered | State::Begun)
            && job
                .offered
                .is_some_and(|at| context.now.abs_diff(at) >= after.unsigned_abs());
        if is_his {
            return Ok(repeat(job, working, context));
        }
    }
    if asker.draining {
        return Ok(Outcome::NoJob);
    }
    let after = millis(context.timing.reoffer_other);
    while let Some(job) = working.next_stale(asker, context.now, after, context.group)? {
        let may_move = job.state == State::Offered
            || (job.state == State::Begun && !context.has(Rule::BegunStays));
        let is_stale = may_move
            && job.start.as_ref() != Some(&asker.start)
            && job
                .session_at
                .is_some_and(|at| context.now.abs_diff(at) >= after.unsigned_abs());
        if is_stale && suits(&job, asker, working)? {
            return Ok(hand_out(job, asker, nonce, working, context));
        }
    }
    let mut senders = working.senders()?;
    strides.sort(&mut senders);
    for sender in senders {
        while let Some(job) = working.next_waiting(asker, &sender, context.group)? {
            if job.state == State::Queued && suits(&job, asker, working)? {
                strides.advance(&sender, context.allowances.of(&sender).weight);
                return Ok(hand_out(job, asker, nonce, working, context));
            }
        }
    }
    Ok(Outcome::NoJob)
}

/// Whether the sender accepts this image, and the task has not been with a newer release.
fn suits<S: Store + ?Sized>(
    job: &Job,
    asker: &Asker,
    working: &mut Working<'_, S>,
) -> Stored<bool> {
    if !job.accepts.is_empty() && !job.accepts.contains(&asker.pcr0) {
        return Ok(false);
    }
    let Some(task) = &job.task else {
        return Ok(true);
    };
    Ok(working
        .task_release(task)?
        .is_none_or(|least| asker.release >= least))
}

/// The same session again, to the start that has it.
fn repeat<S: Store + ?Sized>(
    mut job: Job,
    working: &mut Working<'_, S>,
    context: &Context<'_>,
) -> Outcome {
    if job.repeats == 0 {
        working.event(&job.id, context.now, "repeated", String::new());
    }
    job.repeats += 1;
    job.offered = Some(context.now);
    working.change(job.clone());
    Outcome::Offered(Box::new(job))
}

/// A new session, and with it a new fence: `begin` and results of the old session are refused.
fn hand_out<S: Store + ?Sized>(
    mut job: Job,
    asker: &Asker,
    nonce: &str,
    working: &mut Working<'_, S>,
    context: &Context<'_>,
) -> Outcome {
    if let Some(task) = &job.task {
        working.raise_task(task, asker.release);
    }
    if context.has(Rule::NewSession) || job.session.is_none() {
        job.session = Some(format!("{}-{nonce}", job.id));
    }
    job.state = State::Offered;
    job.start = Some(asker.start.clone());
    job.host = Some(context.host.to_owned());
    job.release = Some(asker.release);
    job.fence += 1;
    job.repeats = 0;
    job.session_at = Some(context.now);
    job.offered = Some(context.now);
    job.begun = None;
    let detail = format!("session {} to start {}", job.fence, asker.start);
    working.event(&job.id, context.now, "offered", detail);
    working.change(job.clone());
    Outcome::Offered(Box::new(job))
}
