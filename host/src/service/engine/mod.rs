//! The task engine: from a sealed task to its signed document, over the queue.
//!
//! [`task`] is what is stored, [`advance`] and [`outcome`] are the rules, as pure functions, and
//! this module drives them: it reads a task, looks at the jobs that it waits for, applies the
//! rules, stores the task if nobody else has changed it, and submits what it wants. Any number of
//! hosts do so at the same time. A job's id follows from its step, so a crash between storing and
//! submitting is repaired by doing it again.

pub(crate) mod advance;
mod job;
pub(crate) mod outcome;
pub(crate) mod task;
#[cfg(test)]
mod tests;
pub(crate) mod view;

use super::access::Access;
use super::accounts::Account;
use super::records::{Change, Event, Kind, Record, Records};
use super::{now, webhooks};
use crate::queue::{Error, JobId, Millis, NewJob, Queue, State, SubmitError};
use advance::Events;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use futures_util::StreamExt as _;
use letsesign_proof::Hash;
use outcome::{Ended, JobResult};
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use task::{Place, Task};
use tokio::sync::{Semaphore, watch};
use tracing::{debug, warn};

/// Between two looks for tasks that are due.
const LOOK: Duration = Duration::from_millis(500);
/// Tasks that are looked at at a time.
const AT_A_TIME: usize = 16;
/// The longest result that is read as a whole. Only that of `attachEsig` is longer, and it is not
/// read here.
const RESULT: usize = 1 << 20;
/// Attempts to change a task that others change, too.
const RACES: u32 = 100;

/// Which task and signer a request is of: the body of a [`Kind::Request`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Request {
    pub(crate) task: String,
    pub(crate) signer: usize,
    pub(crate) round: u32,
}

/// The engine. Clones are the same one.
#[derive(Clone)]
pub(crate) struct Engine(Arc<Inner>);

struct Inner {
    records: Records,
    queue: Queue,
    access: Access,
    /// How long ended tasks are kept, in milliseconds.
    keep: Millis,
    /// Tasks whose jobs this host waits for.
    waiting: Mutex<HashMap<JobId, String>>,
    /// Tasks that are being looked at here, and whether to look again.
    busy: Mutex<HashMap<String, bool>>,
    places: Arc<Semaphore>,
    changes: watch::Sender<u64>,
}

/// A task could not be changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ChangeError {
    /// There is none.
    #[error("there is no such task")]
    Missing,
    /// The store or the queue does not answer.
    #[error(transparent)]
    Storage(#[from] Error),
    /// The rules do not allow it.
    #[error("refused")]
    Refused(advance::Refused),
}

impl From<advance::Refused> for ChangeError {
    fn from(refused: advance::Refused) -> Self {
        Self::Refused(refused)
    }
}

fn parse(record: &Record) -> Result<Task, Error> {
    serde_json::from_slice(&record.body)
        .map_err(|error| Error::Database(format!("task {}: {error}", record.id)))
}

/// The record of a task.
fn record(task: &Task, version: i64, now: Millis, keep: Millis) -> Result<Record, Error> {
    Ok(Record {
        kind: Kind::Task,
        id: key(&task.sender, &task.name),
        owner: task.sender.clone(),
        state: task.state_of().word().to_owned(),
        due: Some(task.due(now, keep)),
        created: task.created,
        version,
        body: serde_json::to_vec(task).map_err(|error| Error::Database(error.to_string()))?,
    })
}

/// The id of a task's record, and of the task in the queue. Senders choose names: the same name of
/// two senders is two tasks.
pub(crate) fn key(sender: &str, name: &str) -> String {
    Hash::of(format!("letsesign-host task\n{sender}\n{name}").as_bytes()).to_string()
}

impl Engine {
    pub(crate) fn new(records: Records, queue: Queue, access: Access, keep: Duration) -> Self {
        Self(Arc::new(Inner {
            records,
            queue,
            access,
            keep: Millis::try_from(keep.as_millis()).unwrap_or(Millis::MAX),
            waiting: Mutex::default(),
            busy: Mutex::default(),
            places: Arc::new(Semaphore::new(AT_A_TIME)),
            changes: watch::Sender::new(0),
        }))
    }

    /// Works until it is dropped.
    pub(crate) async fn run(self) {
        let mut results = self.0.queue.results();
        let mut look = tokio::time::interval(LOOK);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                result = results.recv() => {
                    // One that was missed is found when its task is due.
                    if let Ok(job) = result
                        && let Some(task) = self.waiting().remove(&job)
                    {
                        self.look_at(task);
                    }
                }
                _ = look.tick() => self.look_for_due().await,
            }
        }
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, HashMap<JobId, String>> {
        self.0
            .waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn busy(&self) -> std::sync::MutexGuard<'_, HashMap<String, bool>> {
        self.0.busy.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn look_for_due(&self) {
        match self.0.records.due(Kind::Task, now(), 256).await {
            Ok(due) => {
                for record in due {
                    self.look_at(record.id);
                }
            }
            Err(error) => warn!(%error, "cannot look for tasks that are due"),
        }
    }

    /// Looks at a task soon, in the background. While somebody looks at it here, once more after.
    pub(crate) fn look_at(&self, task: String) {
        {
            let mut busy = self.busy();
            if let Some(again) = busy.get_mut(&task) {
                *again = true;
                return;
            }
            busy.insert(task.clone(), false);
        }
        let engine = self.clone();
        tokio::spawn(async move {
            let _place = Arc::clone(&engine.0.places).acquire_owned().await;
            loop {
                if let Err(error) = engine.step(&task).await {
                    // Task and job are the way to it; the error names neither sealed bytes nor
                    // secrets.
                    warn!(task, %error, "a task does not go on; trying again");
                }
                let mut busy = engine.busy();
                match busy.get_mut(&task) {
                    Some(again) if *again => *again = false,
                    _ => {
                        busy.remove(&task);
                        return;
                    }
                }
            }
        });
    }

    /// Returns when a task may have changed, at the latest after `at_most`.
    pub(crate) async fn changed(&self, seen: &mut watch::Receiver<u64>, at_most: Duration) {
        // The time that is over is an answer.
        let _ = tokio::time::timeout(at_most, seen.changed()).await;
    }

    /// A view of changes that happen on this host.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.0.changes.subscribe()
    }

    /// The record of a new task.
    pub(crate) fn new_record(&self, task: &Task) -> Result<Record, Error> {
        record(task, 1, task.created, self.0.keep)
    }

    /// The records.
    pub(crate) fn records(&self) -> &Records {
        &self.0.records
    }

    /// The queue.
    pub(crate) fn queue(&self) -> &Queue {
        &self.0.queue
    }

    /// A task, by the id of its record.
    pub(crate) async fn task(&self, id: &str) -> Result<Option<Task>, Error> {
        let record = self.0.records.get(Kind::Task, id).await?;
        record.as_ref().map(parse).transpose()
    }

    /// Changes a task by `change`, and looks at it then. `change` runs again when somebody else was
    /// faster.
    pub(crate) async fn change<T>(
        &self,
        id: &str,
        mut change: impl FnMut(&mut Task, Millis, &mut Events) -> Result<T, ChangeError>,
    ) -> Result<T, ChangeError> {
        for _ in 0..RACES {
            let stored = self.0.records.get(Kind::Task, id).await?;
            let stored = stored.ok_or(ChangeError::Missing)?;
            let mut task = parse(&stored)?;
            let (before, now) = (task.clone(), now());
            let mut events = Events::new();
            let answer = change(&mut task, now, &mut events)?;
            task.advance(now, &mut events);
            if self
                .store(&before, &task, &stored, Vec::new(), events, now)
                .await?
            {
                self.look_at(id.to_owned());
                return Ok(answer);
            }
        }
        Err(Error::Database("the task is changed too often".into()).into())
    }

    /// Stores a task that was read as `stored`. `false`: somebody else was faster.
    async fn store(
        &self,
        before: &Task,
        task: &Task,
        stored: &Record,
        mut add: Vec<Record>,
        events: Vec<Event>,
        now: Millis,
    ) -> Result<bool, Error> {
        let new = record(task, stored.version, now, self.0.keep)?;
        if before == task && events.is_empty() && stored.due.is_some_and(|due| due > now) {
            return Ok(true);
        }
        if !events.is_empty() {
            add.extend(webhooks::deliveries(&self.0.records, task, &events, now).await?);
        }
        let change = Change {
            update: Some(&new),
            add,
            events: events.into_iter().map(|event| (&*new.id, event)).collect(),
            ..Change::default()
        };
        let written = self.0.records.write(change).await?;
        if written {
            self.0.changes.send_modify(|count| *count += 1);
        }
        Ok(written)
    }

    /// One look at a task: takes the ends of its jobs, applies the rules, submits what it wants.
    async fn step(&self, id: &str) -> Result<(), Error> {
        for _ in 0..RACES {
            let Some(stored) = self.0.records.get(Kind::Task, id).await? else {
                return Ok(());
            };
            let mut task = parse(&stored)?;
            let (before, now) = (task.clone(), now());
            if task.cleared && task.ended_at.is_some_and(|at| now >= at + self.0.keep) {
                return self.forget(&task).await;
            }
            if task.outcome.is_some() && !task.cleared {
                self.clear_away(&task).await?;
                task.cleared = true;
            }
            let mut events = Events::new();
            let mut add = Vec::new();
            let mut wanted = Vec::new();
            for place in task.steps() {
                let Some(step) = task.step(place).cloned() else {
                    // An end that came before has ended the task.
                    continue;
                };
                let job = step.job(&task);
                match self.look(&job, place).await? {
                    Look::Absent => wanted.push(place),
                    Look::Open => {
                        self.waiting().insert(job, id.to_owned());
                        set_unknown(&mut task, place, false);
                    }
                    Look::Unknown => {
                        if !step.unknown {
                            let key = format!("{}/{}/unknown", step.name, step.attempt);
                            let (_, signer) = task.function(place);
                            events.push(advance::event(key, now, "needsDecision", signer));
                        }
                        set_unknown(&mut task, place, true);
                    }
                    Look::Ended(ended) => {
                        // Its result may have come to another host.
                        self.waiting().remove(&job);
                        let made = task.ended(place, &ended, now, &mut events);
                        add.extend(
                            made.map(|por| request(&task, place, por, now))
                                .transpose()?,
                        );
                    }
                }
            }
            task.advance(now, &mut events);
            if !self
                .store(&before, &task, &stored, add, events, now)
                .await?
            {
                continue;
            }
            if before == task {
                self.submit(id, &task, &wanted, now).await?;
            } else if !task.cleared {
                // The new state is stored: now what follows from it is done.
                self.look_at(id.to_owned());
            }
            return Ok(());
        }
        Err(Error::Database("the task is changed too often".into()))
    }

    async fn look(&self, job: &JobId, place: Place) -> Result<Look, Error> {
        let Some(view) = self.0.queue.job(job).await? else {
            return Ok(Look::Absent);
        };
        match view.state {
            State::Queued | State::Offered | State::Begun => Ok(Look::Open),
            State::Unknown => Ok(Look::Unknown),
            State::Done | State::Failed => {
                let result = match (place, view.code) {
                    // The sender fetches it as it is.
                    (Place::Attach, _) | (_, None) => None,
                    (_, Some(code)) if code == 0 || code == 2203 => self.result(job).await?,
                    _ => None,
                };
                Ok(Look::Ended(Ended {
                    code: view.code,
                    begun: view.begun.is_some(),
                    result,
                }))
            }
        }
    }

    async fn result(&self, job: &JobId) -> Result<Option<JobResult>, Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Body {
            job_result: JobResult,
        }
        let Some(mut stream) = self.0.queue.result(job).await? else {
            return Ok(None);
        };
        let mut text = Vec::new();
        while let Some(piece) = stream.next().await {
            text.extend_from_slice(&piece?);
            if text.len() > RESULT {
                return Ok(None);
            }
        }
        // An enclave that gives something else has not done its work: the step fails.
        Ok(serde_json::from_slice::<Body>(&text)
            .ok()
            .map(|body| body.job_result))
    }

    /// Submits the jobs of steps. Each is of the stored task, so whoever else does it submits the
    /// same.
    async fn submit(
        &self,
        id: &str,
        task: &Task,
        places: &[Place],
        now: Millis,
    ) -> Result<(), Error> {
        let mut seen = HashSet::new();
        for place in places {
            let Some(step) = task.step(*place) else {
                continue;
            };
            let is_held = task.is_voided() && *place != Place::Void;
            if step.at > now || is_held || !seen.insert(step.name.clone()) {
                continue;
            }
            let job = step.job(task);
            let Some(parts) = self.parts(task, *place).await? else {
                // The account was removed, or a document is missing: the task waits.
                warn!(task = %task.name, "a task's account or document is missing");
                continue;
            };
            let (name, _) = task.function(*place);
            let new = NewJob {
                sender: task.sender.clone(),
                task: Some(id.to_owned()),
                name: name.to_owned(),
                accepts: task.accepts.clone(),
            };
            let data = job::data(task, *place, step, parts);
            self.waiting().insert(job.clone(), id.to_owned());
            match self.0.queue.submit_as(job.clone(), new, data).await {
                Ok(_) => debug!(task = %task.name, job = %job, name, "submitted"),
                Err(SubmitError::OverQuota { .. }) => {
                    debug!(task = %task.name, "over a quota; trying again");
                }
                Err(error) => return Err(Error::Database(error.to_string())),
            }
        }
        Ok(())
    }

    async fn parts(&self, task: &Task, place: Place) -> Result<Option<job::Parts>, Error> {
        let account = self.0.records.get(Kind::Account, &task.sender).await?;
        let Some(account) = account.and_then(|record| Account::read(&record)) else {
            return Ok(None);
        };
        let Some((_, mut stream)) = self.0.queue.document(&task.configuration_id()).await? else {
            return Ok(None);
        };
        let mut configuration = Vec::new();
        while let Some(piece) = stream.next().await {
            configuration.extend_from_slice(&piece?);
        }
        let document = if job::needs_document(place) {
            match self.0.queue.document(&task.document_id()).await? {
                Some((_, stream)) => Some(stream),
                None => return Ok(None),
            }
        } else {
            None
        };
        let access = self.0.access.current().await.map_err(Error::Setting)?;
        Ok(Some(job::Parts {
            account: (account.wrapped_key, account.sealed),
            configuration,
            document,
            access,
        }))
    }

    /// Forgets a task beyond the retention, with its history and requests.
    async fn forget(&self, task: &Task) -> Result<(), Error> {
        for proof in &task.proofs {
            if proof.kind == task::ProofKind::Por
                && let Ok(por) = BASE64_STANDARD.decode(&proof.text)
            {
                let id = request_key(Hash::of(&por));
                self.0.records.remove(Kind::Request, &id).await?;
            }
        }
        let id = key(&task.sender, &task.name);
        self.0.records.remove(Kind::Task, &id).await?;
        Ok(())
    }

    /// A task has ended: its boxes and the payloads of its jobs go. Results and proofs stay.
    async fn clear_away(&self, task: &Task) -> Result<(), Error> {
        self.0.queue.drop_document(&task.document_id()).await?;
        self.0.queue.drop_document(&task.configuration_id()).await?;
        self.0
            .queue
            .end_task(&key(&task.sender, &task.name), false)
            .await
    }
}

fn set_unknown(task: &mut Task, place: Place, unknown: bool) {
    if let Some(step) = task.step_mut(place) {
        step.unknown = unknown;
    }
}

/// The outcome of a look at a job.
enum Look {
    Absent,
    Open,
    Unknown,
    Ended(Ended),
}

/// The id of a request's record: ids are in clear at rest, and the PoR's hash is what a signer's
/// page shows to be let in.
pub(crate) fn request_key(por: Hash) -> String {
    Hash::of(format!("letsesign-host request\n{por}").as_bytes()).to_string()
}

/// The record of a request that was made.
fn request(task: &Task, place: Place, por: Hash, now: Millis) -> Result<Record, Error> {
    let signer = match place {
        Place::Request(signer) => signer,
        _ => 0,
    };
    let request = Request {
        task: key(&task.sender, &task.name),
        signer,
        round: task.signers.get(signer).map_or(1, |one| one.round),
    };
    Ok(Record {
        kind: Kind::Request,
        id: request_key(por),
        owner: task.sender.clone(),
        state: String::new(),
        due: None,
        created: now,
        version: 1,
        body: serde_json::to_vec(&request).map_err(|error| Error::Database(error.to_string()))?,
    })
}
