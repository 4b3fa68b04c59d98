//! Threads that change the database. Each takes the operations that wait and carries them out in
//! one transaction, so that many share the cost of one durable commit.

use super::core::{Context, Op, Outcome, Timing, Working, apply, job_of_session};
use super::faults::point;
use super::quota::{Allowances, Strides};
use super::store::{Engine, StoreError, Stored};
use super::types::{JobId, Millis, StartId};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use tokio::sync::{mpsc, oneshot, watch};

/// Operations in one transaction.
const GROUP: usize = 256;

/// Something to be done in a transaction of its own.
pub(crate) type Alone = Box<dyn FnOnce(&mut dyn Engine) -> Stored<()> + Send>;

/// Work that waits for a writer.
pub(crate) enum Task {
    Op(Op, oneshot::Sender<Stored<Outcome>>),
    Alone(Alone, oneshot::Sender<Stored<()>>),
}

/// The state that writers share.
pub(crate) struct Shared {
    pub(crate) host: String,
    pub(crate) timing: Timing,
    pub(crate) allowances: RwLock<Allowances>,
    pub(crate) strides: Mutex<Strides>,
    pub(crate) clock: super::clock::Clock,
    /// Counts what makes jobs wait.
    pub(crate) changes: watch::Sender<u64>,
    /// Those of them that happened on this host.
    pub(crate) local: watch::Sender<u64>,
}

impl Shared {
    pub(crate) fn now(&self) -> Millis {
        self.clock.now()
    }

    pub(crate) fn wake(&self) {
        self.remote_wake();
        self.local
            .send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Jobs wait, as another host says.
    pub(crate) fn remote_wake(&self) {
        self.changes
            .send_modify(|count| *count = count.wrapping_add(1));
    }
}

/// Works until the queue is dropped.
pub(crate) fn run(
    mut engine: Box<dyn Engine>,
    tasks: &Mutex<mpsc::Receiver<Task>>,
    shared: &Arc<Shared>,
) {
    loop {
        let mut group = Vec::new();
        {
            let mut tasks = tasks.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(first) = tasks.blocking_recv() else {
                return;
            };
            group.push(first);
            while group.len() < GROUP {
                let Ok(next) = tasks.try_recv() else {
                    break;
                };
                group.push(next);
            }
        }
        let mut ops = Vec::new();
        for task in group {
            match task {
                Task::Op(op, answer) => ops.push((op, answer)),
                Task::Alone(work, answer) => {
                    let done = alone(engine.as_mut(), work);
                    let _ = answer.send(done);
                }
            }
        }
        metrics::histogram!("letsesign_host_queue_group").record(as_f64(ops.len()));
        work(engine.as_mut(), ops, shared);
    }
}

#[expect(clippy::cast_precision_loss, reason = "a metric")]
fn as_f64(count: usize) -> f64 {
    count as f64
}

fn alone(engine: &mut dyn Engine, work: Alone) -> Stored<()> {
    engine.ready()?;
    engine.begin()?;
    let done = work(engine).and_then(|()| engine.commit());
    if done.is_err() {
        engine.rollback();
    }
    done
}

fn work(
    engine: &mut dyn Engine,
    ops: Vec<(Op, oneshot::Sender<Stored<Outcome>>)>,
    shared: &Arc<Shared>,
) {
    let only: Vec<&Op> = ops.iter().map(|(op, _)| op).collect();
    let done = transaction(engine, &only, shared);
    match done {
        Ok(outcomes) => {
            for ((_, answer), outcome) in ops.into_iter().zip(outcomes) {
                // Who asked may be gone; what was done is done.
                let _ = answer.send(Ok(outcome));
            }
        }
        Err(error) if ops.len() == 1 => {
            tracing::warn!(error = %error, "the queue's database refused a change");
            for (_, answer) in ops {
                let _ = answer.send(Err(error.clone()));
            }
        }
        // An operation that fails must not harm the others.
        Err(_) => {
            for (op, answer) in ops {
                let outcome = transaction(engine, &[&op], shared);
                let outcome = outcome.map(|outcomes| outcomes.into_iter().next());
                let _ = answer.send(match outcome {
                    Ok(Some(outcome)) => Ok(outcome),
                    Ok(None) => Err(StoreError("an operation without an outcome".into())),
                    Err(error) => Err(error),
                });
            }
        }
    }
}

/// Attempts for a transaction that another one made fail (a deadlock, a lost connection).
const ATTEMPTS: u32 = 3;

fn transaction(engine: &mut dyn Engine, ops: &[&Op], shared: &Arc<Shared>) -> Stored<Vec<Outcome>> {
    let mut failed = 0;
    loop {
        let done = catch_unwind(AssertUnwindSafe(|| attempt(engine, ops, shared)));
        let done = done.unwrap_or_else(|_| Err(StoreError("an operation panicked".into())));
        match done {
            Ok(outcomes) => {
                point("answer");
                if outcomes.iter().any(Outcome::wakes) {
                    shared.wake();
                }
                return Ok(outcomes);
            }
            Err(error) => {
                engine.rollback();
                metrics::counter!("letsesign_host_queue_errors_total").increment(1);
                failed += 1;
                if failed >= ATTEMPTS || !engine.is_passing(&error) {
                    return Err(error);
                }
            }
        }
    }
}

fn attempt(engine: &mut dyn Engine, ops: &[&Op], shared: &Arc<Shared>) -> Stored<Vec<Outcome>> {
    engine.ready()?;
    point("begin");
    engine.begin()?;
    let allowances = shared
        .allowances
        .read()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    let context = Context {
        now: shared.now(),
        host: &shared.host,
        timing: shared.timing,
        allowances: &allowances,
        group: i64::try_from(ops.len()).unwrap_or(i64::MAX),
        without: None,
    };
    let mut strides = shared
        .strides
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    let mut working = Working::new(&mut *engine);
    let (ids, starts) = named(ops);
    working.prefetch(ids, starts)?;
    let mut outcomes = Vec::with_capacity(ops.len());
    for op in ops {
        outcomes.push(apply(op, &mut working, &mut strides, &context)?);
    }
    drop(strides);
    point("applied");
    working.flush()?;
    drop(working);
    point("commit");
    engine.commit()?;
    point("committed");
    Ok(outcomes)
}

/// Jobs and starts that the operations name.
fn named(ops: &[&Op]) -> (Vec<JobId>, Vec<StartId>) {
    let (mut ids, mut starts) = (Vec::new(), Vec::new());
    for op in ops {
        match op {
            Op::Submit { job, .. } => ids.push(job.id.clone()),
            Op::Offer { asker, .. } => starts.push(asker.start.clone()),
            Op::Begin { start, session } => {
                ids.extend(job_of_session(session));
                starts.push(start.clone());
            }
            Op::Finish { session, .. } => ids.extend(job_of_session(session)),
            Op::Decide { job, .. } => ids.push(job.clone()),
            Op::StartEnded(start) => starts.push(start.clone()),
            Op::HostEnded(_) | Op::Restored | Op::EndTask { .. } => {}
        }
    }
    (ids, starts)
}
