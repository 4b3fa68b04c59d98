//! Jobs of the host itself, such as the self-test. They are not in the queue: a job whose answer
//! nobody waits for any more is worth nothing.

use crate::queue::JobId;
use serde_json::Value;
use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use thiserror::Error;
use tokio::sync::{Notify, oneshot};

/// The prefix of sessions of the host's own jobs. Those of the queue are hexadecimal.
const PREFIX: &str = "host-";

/// The enclave did not answer in time.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("no answer to {name} within {} s", .after.as_secs())]
pub struct TimedOut {
    /// The job's name.
    pub name: String,
    /// How long the host waited.
    pub after: Duration,
}

/// A job that waits for an enclave that asks.
#[derive(Debug)]
pub(super) struct OwnJob {
    pub(super) session: String,
    pub(super) name: String,
    pub(super) data: Value,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<OwnJob>,
    answers: HashMap<String, oneshot::Sender<Value>>,
}

/// The host's own jobs for one start of an enclave.
#[derive(Debug, Default)]
pub struct OwnJobs {
    state: Mutex<State>,
    added: Notify,
}

impl OwnJobs {
    /// Has the enclave work a job, before those of the queue, and returns its `jobResult`.
    ///
    /// # Errors
    /// When there is no answer within `limit`. A later one is dropped.
    pub async fn run(&self, name: &str, data: Value, limit: Duration) -> Result<Value, TimedOut> {
        let session = format!("{PREFIX}{}", JobId::new());
        let (sender, receiver) = oneshot::channel();
        {
            let mut state = self.state();
            state.answers.insert(session.clone(), sender);
            state.waiting.push_back(OwnJob {
                session: session.clone(),
                name: name.to_owned(),
                data,
            });
        }
        self.added.notify_one();
        // Dropped with this future, too, so that nothing stays for an answer that nobody awaits.
        let _forget = Forget {
            jobs: self,
            session: &session,
        };
        match tokio::time::timeout(limit, receiver).await {
            Ok(Ok(result)) => Ok(result),
            Ok(Err(_)) | Err(_) => Err(TimedOut {
                name: name.to_owned(),
                after: limit,
            }),
        }
    }

    /// The next job, if there is one.
    pub(super) fn take(&self) -> Option<OwnJob> {
        self.state().waiting.pop_front()
    }

    /// Waits until there may be a job.
    pub(super) async fn added(&self) {
        self.added.notified().await;
    }

    /// Whether this is a session of the host's own jobs, answered or not.
    pub(super) fn owns(session: &str) -> bool {
        session.starts_with(PREFIX)
    }

    /// Whether a result may be of such a session, by a look that costs little. The server writes
    /// sessions without escapes.
    pub(super) fn may_own(body: &[u8]) -> bool {
        memchr::memmem::find(body, PREFIX.as_bytes()).is_some()
    }

    /// Delivers a result; false when nobody waits for it.
    pub(super) fn answer(&self, session: &str, result: Value) -> bool {
        let sender = self.state().answers.remove(session);
        sender.is_some_and(|sender| sender.send(result).is_ok())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Removes a session when its waiter ends.
struct Forget<'a> {
    jobs: &'a OwnJobs,
    session: &'a str,
}

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        let mut state = self.jobs.state();
        state.answers.remove(self.session);
        state.waiting.retain(|job| job.session != self.session);
    }
}
