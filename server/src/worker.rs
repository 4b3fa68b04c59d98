//! A worker: asks for a job, runs it, delivers the result, asks again.

use crate::jobs::{self, Tools};
use letsesign_job::{Backoff, Client, Code, Connect, Envelope, JobResult};
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::time::sleep;

/// How long a question that is under way when the server is told to stop may still bring a job.
const LAST_QUESTION: Duration = Duration::from_secs(1);

/// What a worker needs.
pub(crate) struct Worker<C> {
    pub(crate) client: Client<C>,
    pub(crate) tools: Tools,
    pub(crate) poll: Duration,
    pub(crate) poll_most: Duration,
    /// Becomes true when no new jobs are to be taken.
    pub(crate) stop: watch::Receiver<bool>,
}

impl<C: Connect> Worker<C> {
    /// Works until it is told to stop. A job that was taken is finished first.
    pub(crate) async fn run(mut self) {
        let mut backoff = Backoff::new(self.poll, self.poll_most);
        while !*self.stop.borrow() {
            let mut stop = self.stop.clone();
            let answer = tokio::select! {
                answer = self.client.get_job() => answer,
                () = stopped(&mut stop, LAST_QUESTION) => return,
            };
            let pause = match answer {
                Ok(Envelope::Job(job)) => {
                    backoff.reset();
                    let begun = Instant::now();
                    let session = job.session().to_owned();
                    let done = jobs::run(job, &self.tools).await;
                    let function = done.function.unwrap_or("unknown function");
                    let (code, ms) = (done.result.code(), millis(begun));
                    if let Some(reason) = done.reason {
                        tracing::warn!(function, code, ms, "job failed: {reason}");
                    } else {
                        tracing::info!(function, code, ms, "job done");
                    }
                    self.deliver(&session, done.result).await;
                    continue;
                }
                Ok(Envelope::None) => {
                    backoff.reset();
                    self.poll
                }
                Ok(Envelope::Unusable { session, reason }) => {
                    tracing::warn!(
                        answered = session.is_some(),
                        "the host's answer is no job: {reason}"
                    );
                    if let Some(session) = session {
                        let result = JobResult::failure(Code::InvalidParameter);
                        self.deliver(session.as_str(), result).await;
                    }
                    backoff.delay()
                }
                Err(error) => {
                    // The host may be away for long; that alone is no news.
                    tracing::debug!("no job: {error}");
                    backoff.delay()
                }
            };
            let mut stop = self.stop.clone();
            tokio::select! {
                () = sleep(pause) => {}
                () = stopped(&mut stop, Duration::ZERO) => return,
            }
        }
    }

    async fn deliver(&mut self, session: &str, result: JobResult) {
        let code = result.code();
        if let Err(error) = self.client.put_result(session, result).await {
            tracing::error!(code, "a result is lost: {error}");
        }
    }
}

/// Waits for the signal to stop, and then a little longer.
async fn stopped(stop: &mut watch::Receiver<bool>, longer: Duration) {
    // The sender lives as long as the program; if it went, that would mean to stop as well.
    let _ = stop.wait_for(|stop| *stop).await;
    sleep(longer).await;
}

fn millis(begun: Instant) -> u64 {
    u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX)
}
