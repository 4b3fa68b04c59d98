//! The queue as callers see it.

use super::body::{Bodies, keys::Keys, objects};
use super::clock::Clock;
use super::core::{Op, Outcome};
use super::error::{DecideError, Error};
use super::quota::{Allowance, Strides};
use super::settings::Settings;
use super::store::{Body, Job, Kind};
use super::threads::Threads;
use super::types::{
    Asker, BodyStream, Decision, Ended, Filter, HistoryEntry, JobId, JobView, Offer, OpenStart,
    StartId, State, Stats, random_hex,
};
use super::writer::{Alone, Shared, Task};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::{broadcast, oneshot, watch};

/// Results that a slow reader of [`Queue::results`] may lag behind.
const RESULTS: usize = 1024;

/// The queue. Clones are the same queue.
#[derive(Clone)]
pub struct Queue(Arc<Inner>);

struct Inner {
    threads: Threads,
    bodies: Bodies,
    shared: Arc<Shared>,
    /// The count of changes when an enclave last got no job.
    seen: AtomicU64,
    /// Jobs whose results arrive here.
    results: broadcast::Sender<JobId>,
}

impl Queue {
    /// Opens the queue: connects to its database, brings the schema up to date, reads the keys.
    pub async fn open(settings: Settings) -> Result<Self, Error> {
        if settings.host.is_empty() || settings.host.len() > 256 {
            return Err(Error::Setting(
                "the host's name is not 1 to 256 bytes long".into(),
            ));
        }
        // Files and connections; it must not hold up the runtime.
        let opened = tokio::task::spawn_blocking(move || {
            let bodies = Bodies {
                keys: Keys::load(&settings.keys)?,
                objects: objects::Store::open(&settings.objects)?,
            };
            let shared = Arc::new(Shared {
                host: settings.host,
                timing: settings.timing,
                allowances: RwLock::new(settings.quotas),
                strides: Mutex::new(Strides::default()),
                clock: Clock::new(),
                changes: watch::Sender::new(1),
                local: watch::Sender::new(1),
            });
            let threads = Threads::start(&settings.engine, &shared)?;
            Ok::<_, Error>(Inner {
                threads,
                bodies,
                shared,
                seen: AtomicU64::new(0),
                results: broadcast::Sender::new(RESULTS),
            })
        });
        let inner = opened.await.map_err(|_| Error::Closed)??;
        Ok(Self(Arc::new(inner)))
    }

    pub(super) fn bodies(&self) -> &Bodies {
        &self.0.bodies
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.0.shared
    }

    pub(super) fn threads(&self) -> &Threads {
        &self.0.threads
    }

    pub(super) async fn change(&self, op: Op) -> Result<Outcome, Error> {
        let (answer, answered) = oneshot::channel();
        self.0.threads.send(Task::Op(op, answer)).await?;
        Ok(answered.await.map_err(|_| Error::Closed)??)
    }

    pub(super) async fn alone(&self, work: Alone) -> Result<(), Error> {
        let (answer, answered) = oneshot::channel();
        self.0.threads.send(Task::Alone(work, answer)).await?;
        Ok(answered.await.map_err(|_| Error::Closed)??)
    }

    /// The next job for an enclave, or none. A dropped answer costs time and nothing else: the job
    /// is offered again.
    pub async fn offer(&self, asker: &Asker) -> Result<Option<Offer>, Error> {
        let changes = *self.0.shared.changes.borrow();
        let op = Op::Offer {
            asker: asker.clone(),
            nonce: random_hex(),
        };
        if let Outcome::Offered(job) = self.change(op).await? {
            return self.load(*job).await.map(Some);
        }
        if !asker.draining {
            self.0.seen.store(changes, Ordering::Relaxed);
        }
        Ok(None)
    }

    async fn load(&self, job: Job) -> Result<Offer, Error> {
        metrics::counter!("letsesign_host_queue_offers_total").increment(1);
        let body = self.body(&job.id, Kind::Payload).await?;
        let kind = Kind::Payload.word();
        let body = body.ok_or_else(|| Error::Purged {
            kind,
            job: job.id.clone(),
        })?;
        let bytes = u64::try_from(body.bytes).unwrap_or(0);
        let payload = self.0.bodies.read(&job.id, Kind::Payload, body);
        let session = job.session.ok_or(Error::Closed)?;
        Ok(Offer {
            job: job.id,
            session,
            name: job.name,
            bytes,
            payload,
        })
    }

    async fn body(&self, job: &JobId, kind: Kind) -> Result<Option<Body>, Error> {
        let job = job.clone();
        self.0
            .threads
            .ask(move |engine| engine.body(&job, kind))
            .await
    }

    /// Returns when a job may be waiting, at the latest after `at_most`. It may return early, and
    /// says nothing about jobs whose time to be offered again has come.
    pub async fn changed(&self, at_most: Duration) {
        let mut changes = self.0.shared.changes.subscribe();
        let seen = self.0.seen.load(Ordering::Relaxed);
        let waited = changes.wait_for(|changes| *changes != seen);
        // The time that is over is an answer.
        let _ = tokio::time::timeout(at_most, waited).await;
    }

    /// Jobs whose results arrive at this host from now on, to be quick. A result that is missed
    /// here is found by asking.
    pub fn results(&self) -> broadcast::Receiver<JobId> {
        self.0.results.subscribe()
    }

    pub(super) fn ended_job(&self, job: &JobId) {
        // Without a reader it is for nobody.
        let _ = self.0.results.send(job.clone());
    }

    /// The master keys.
    pub(crate) fn keys(&self) -> super::Keys {
        self.0.bodies.keys.clone()
    }

    /// An enclave asks whether it may have the first effect of a session. `true` is durable: answer
    /// 2xx. `false`: the session is not the job's current one, or not this start's; answer 409.
    pub async fn begin(&self, start: &StartId, session: &str) -> Result<bool, Error> {
        let op = Op::Begin {
            start: start.clone(),
            session: session.to_owned(),
        };
        let begun = self.change(op).await? == Outcome::Begun(true);
        let answer = if begun { "yes" } else { "no" };
        metrics::counter!("letsesign_host_queue_begins_total", "begun" => answer).increment(1);
        Ok(begun)
    }

    /// The enclave of this start exists no more. Its jobs that had not begun are queued again, the
    /// others are unknown. Saying so of an enclave that runs is safe: its `begin` is refused.
    pub async fn start_ended(&self, start: &StartId) -> Result<Ended, Error> {
        self.ended(Op::StartEnded(start.clone())).await
    }

    /// All starts of a host exist no more: for a host that does not come back.
    pub async fn host_ended(&self, host: &str) -> Result<Ended, Error> {
        self.ended(Op::HostEnded(host.to_owned())).await
    }

    async fn ended(&self, op: Op) -> Result<Ended, Error> {
        match self.change(op).await? {
            Outcome::Ended(ended) => Ok(ended),
            _ => Err(Error::Closed),
        }
    }

    /// Starts with offered or begun jobs. A host that starts says [`Queue::start_ended`] for those
    /// of its name whose enclaves do not run any more.
    pub async fn starts(&self) -> Result<Vec<OpenStart>, Error> {
        self.0.threads.ask(|engine| engine.open_starts()).await
    }

    /// One job.
    pub async fn job(&self, id: &JobId) -> Result<Option<JobView>, Error> {
        let id = id.clone();
        self.0.threads.ask(move |engine| engine.job(&id)).await
    }

    /// Jobs, the newest first.
    pub async fn jobs(&self, filter: Filter) -> Result<Vec<JobView>, Error> {
        self.0.threads.ask(move |engine| engine.list(&filter)).await
    }

    /// The history of a job, in order.
    pub async fn history(&self, id: &JobId) -> Result<Vec<HistoryEntry>, Error> {
        let id = id.clone();
        self.0.threads.ask(move |engine| engine.history(&id)).await
    }

    /// The stored result of a job: the body of `put-job-result`, byte for byte.
    pub async fn result(&self, id: &JobId) -> Result<Option<BodyStream>, Error> {
        let body = self.body(id, Kind::Result).await?;
        Ok(body.map(|body| self.0.bodies.read(id, Kind::Result, body)))
    }

    /// A person (`who`: a name for the history) decides about an unknown job.
    pub async fn decide(
        &self,
        id: &JobId,
        decision: Decision,
        who: &str,
    ) -> Result<(), DecideError> {
        let who = who.chars().take(256).collect();
        let op = Op::Decide {
            job: id.clone(),
            decision,
            who,
        };
        match self.change(op).await? {
            Outcome::Decided => Ok(()),
            Outcome::NotUnknown(state) => Err(DecideError::NotUnknown {
                job: id.clone(),
                state,
            }),
            Outcome::Purged => Err(DecideError::Purged(id.clone())),
            _ => Err(DecideError::NoJob(id.clone())),
        }
    }

    /// The database was restored from a backup: all unfinished jobs become unknown. Returns how
    /// many.
    pub async fn restored(&self) -> Result<u64, Error> {
        match self.change(Op::Restored).await? {
            Outcome::Restored(count) => Ok(count),
            _ => Err(Error::Closed),
        }
    }

    /// Whether a release has a result, or a task has been with it: then there is no way back to an
    /// older one.
    pub async fn release_is_used(&self, release: i64) -> Result<bool, Error> {
        self.0
            .threads
            .ask(move |engine| engine.release_is_used(release))
            .await
    }

    /// Sets what a sender may take, until the queue is closed.
    pub fn set_allowance(&self, sender: &str, allowance: Allowance) {
        let allowances = &self.0.shared.allowances;
        let mut allowances = allowances.write().unwrap_or_else(PoisonError::into_inner);
        allowances.senders.insert(sender.to_owned(), allowance);
    }

    /// Numbers, for `status` and metrics; sets the gauges, too.
    pub async fn stats(&self) -> Result<Stats, Error> {
        let now = self.0.shared.now();
        let stats = self.0.threads.ask(move |engine| engine.stats(now)).await?;
        for state in State::ALL {
            metrics::gauge!("letsesign_host_queue_jobs", "state" => state.word())
                .set(as_f64(stats.count(state)));
        }
        metrics::gauge!("letsesign_host_queue_oldest_seconds")
            .set(as_f64(stats.oldest_queued_ms.unwrap_or(0)) / 1000.0);
        metrics::gauge!("letsesign_host_queue_bytes").set(as_f64(stats.bytes));
        Ok(stats)
    }

    /// Whether database and object store answer.
    pub async fn check(&self) -> Result<(), Error> {
        self.alone(Box::new(|_| Ok(()))).await?;
        self.0
            .threads
            .ask(|engine| engine.open_starts().map(drop))
            .await?;
        self.0.bodies.objects.check().await
    }

    /// Sets the clock of this queue forth or back, in milliseconds: for tests.
    #[cfg(feature = "faults")]
    pub fn shift_clock(&self, by: i64) {
        self.0.shared.clock.offset.fetch_add(by, Ordering::Relaxed);
    }
}

#[expect(clippy::cast_precision_loss, reason = "a metric")]
fn as_f64(count: u64) -> f64 {
    count as f64
}

/// Describes the queue's metrics.
pub fn describe() {
    use metrics::{describe_counter, describe_gauge, describe_histogram};
    describe_gauge!("letsesign_host_queue_jobs", "Jobs in each state.");
    describe_gauge!(
        "letsesign_host_queue_oldest_seconds",
        "How long the oldest job has waited."
    );
    describe_gauge!(
        "letsesign_host_queue_bytes",
        "Payload bytes of unfinished jobs."
    );
    describe_counter!(
        "letsesign_host_queue_submitted_total",
        "Jobs that were queued."
    );
    describe_counter!("letsesign_host_queue_refused_total", "Jobs over a quota.");
    describe_counter!(
        "letsesign_host_queue_offers_total",
        "Answers with a job, repeats included."
    );
    describe_counter!("letsesign_host_queue_begins_total", "Answers to begin-job.");
    describe_counter!(
        "letsesign_host_queue_results_total",
        "Results, by what became of them."
    );
    describe_counter!(
        "letsesign_host_queue_errors_total",
        "Transactions that failed."
    );
    describe_histogram!(
        "letsesign_host_queue_group",
        "Operations in one transaction."
    );
}
