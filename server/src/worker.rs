//! A worker: asks for a job, runs it, delivers the result, asks again.

use crate::config::Limits;
use crate::functions::{self, Done};
use crate::job_context::JobContext;
use crate::memory::{Budget, Share};
use crate::sessions::{Claim, Place, Sessions, Ticket};
use crate::tools::Tools;
use letsesign_job_protocol::{
    Backoff, Client, Code, Connect, Delivery, Envelope, Job, JobResult, Stop,
};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, Notify, Semaphore, watch};
use tokio::time::{sleep, timeout, timeout_at};

/// Time that a pending `get-job` request may still bring a job after the server was asked to stop.
const LAST_QUESTION: Duration = Duration::from_secs(1);

/// State that all workers share.
pub(crate) struct Shared {
    pub(crate) tools: Tools,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) budget: Budget,
    /// Workers that may wait for jobs of other workers.
    pub(crate) waiting: Semaphore,
    /// Notified when no more sessions can be remembered.
    pub(crate) full: Notify,
    pub(crate) limits: Limits,
}

/// A worker.
pub(crate) struct Worker<C> {
    /// Lent to the running job.
    client: Arc<Mutex<Client<C>>>,
    shared: Arc<Shared>,
    /// Becomes true when the worker must take no new jobs.
    stop: watch::Receiver<bool>,
}

impl<C: Connect> Worker<C> {
    /// Each worker gets its own client of the job API.
    pub(crate) fn new(client: Client<C>, shared: Arc<Shared>, stop: watch::Receiver<bool>) -> Self {
        Self {
            client: Arc::new(Mutex::new(client)),
            shared,
            stop,
        }
    }

    /// Runs jobs until it is asked to stop; finishes a job that it has taken.
    pub(crate) async fn run(self) {
        let shared = Arc::clone(&self.shared);
        let limits = &shared.limits;
        let mut backoff = Backoff::new(limits.poll(), limits.poll_most());
        while !*self.stop.borrow() {
            let Some(place) = shared.sessions.reserve() else {
                shared.full.notify_one();
                return;
            };
            // Reserve memory for a job of full size before asking for one.
            let mut stop = self.stop.clone();
            let share = tokio::select! {
                share = shared.budget.full() => share,
                () = stopped(&mut stop, Duration::ZERO) => return,
            };
            let mut client = self.client.lock().await;
            let answer = tokio::select! {
                answer = client.get_job() => answer,
                () = stopped(&mut stop, LAST_QUESTION) => return,
            };
            drop(client);
            let pause = match answer {
                Ok(Envelope::Job(job)) => {
                    backoff.reset();
                    self.job(job, place, share).await;
                    continue;
                }
                Ok(Envelope::None) => {
                    backoff.reset();
                    limits.poll()
                }
                Ok(Envelope::Unusable { session, reason }) => {
                    tracing::warn!(
                        answered = session.is_some(),
                        "the host's answer is not a job: {reason}"
                    );
                    share.shrink(0);
                    if let Some(session) = session {
                        self.refuse(session.as_str()).await;
                    }
                    backoff.delay()
                }
                Err(error) => {
                    // The host may be unreachable for long; that alone does not deserve a warning.
                    tracing::debug!("no job: {error}");
                    backoff.delay()
                }
            };
            drop((place, share));
            tokio::select! {
                () = sleep(pause) => {}
                () = stopped(&mut stop, Duration::ZERO) => return,
            }
        }
    }

    async fn job(&self, job: Job, place: Place, share: Share) {
        let session = job.session().to_owned();
        match self.shared.sessions.claim(&job, place) {
            Claim::Work(ticket) => self.work(job, ticket, share).await,
            Claim::Wait(result) => {
                drop((job, share));
                self.wait(&session, result).await;
            }
            Claim::Again(delivery) => {
                drop((job, share));
                tracing::info!("a job came again and gets its result");
                self.deliver(&session, &delivery).await;
            }
            Claim::Refused(reason) => {
                drop((job, share));
                tracing::warn!("a job is refused: {reason}");
                self.refuse(&session).await;
            }
        }
    }

    async fn work(&self, job: Job, ticket: Ticket, share: Share) {
        let limits = &self.shared.limits;
        let begun = Instant::now();
        let session = job.session().to_owned();
        let stop = Stop::after(limits.job());
        share.shrink(limits.job_memory().of(job.size()));
        let share = Arc::new(share);
        let (client, named) = (Arc::clone(&self.client), session.clone());
        let begin = Box::new(move || -> futures_util::future::BoxFuture<'static, _> {
            let (client, session) = (Arc::clone(&client), named.clone());
            Box::pin(async move { client.lock().await.begin(&session).await.map(drop) })
        });
        let context = JobContext::new(begin, ticket.begun(), stop.clone(), Arc::clone(&share));
        let tools = self.shared.tools.for_job(Arc::new(context));
        let run = functions::run(job, &tools);
        let done = timeout_at(stop.deadline().into(), run).await;
        // Stop computations that are left over from this job: its result is final.
        stop.stop();
        drop(tools);
        let done = done.unwrap_or_else(|_| Done::late());
        let function = done.function.unwrap_or("unknown function");
        let (code, ms) = (done.result.code(), millis(begun));
        if let Some(reason) = done.reason {
            tracing::warn!(function, code, ms, "job failed: {reason}");
        } else {
            tracing::info!(function, code, ms, "job done");
        }
        let delivery = Delivery::new(&session, &done.result);
        drop(done.result);
        ticket.finish(delivery.clone());
        if Arc::strong_count(&share) == 1 {
            share.shrink(delivery.size());
        }
        self.deliver(&session, &delivery).await;
    }

    /// Another worker runs this job and delivers its result in any case, so giving up the wait
    /// loses nothing.
    async fn wait(&self, session: &str, mut result: watch::Receiver<Option<Delivery>>) {
        let Ok(_turn) = self.shared.waiting.try_acquire() else {
            tracing::info!("a job came again while it runs");
            return;
        };
        let done = timeout(
            self.shared.limits.repeat(),
            result.wait_for(Option::is_some),
        );
        let delivery = match done.await {
            Ok(Ok(delivery)) => delivery.clone(),
            _ => None,
        };
        tracing::info!(done = delivery.is_some(), "a job came again while it ran");
        if let Some(delivery) = delivery {
            self.deliver(session, &delivery).await;
        }
    }

    async fn refuse(&self, session: &str) {
        let result = JobResult::failure(Code::InvalidParameter);
        let delivery = Delivery::new(session, &result);
        if let Err(error) = self.client.lock().await.put_result(&delivery).await {
            tracing::warn!("a refusal is lost: {error}");
        }
    }

    async fn deliver(&self, session: &str, delivery: &Delivery) {
        match self.client.lock().await.put_result(delivery).await {
            Ok(()) => self.shared.sessions.taken(session),
            Err(error) => tracing::error!("a result waits for its job to come again: {error}"),
        }
    }
}

/// Waits for the signal to stop, and then a little longer.
async fn stopped(stop: &mut watch::Receiver<bool>, longer: Duration) {
    // The sender lives as long as the program; if it is dropped, the worker stops too.
    let _ = stop.wait_for(|stop| *stop).await;
    sleep(longer).await;
}

fn millis(begun: Instant) -> u64 {
    u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX)
}
