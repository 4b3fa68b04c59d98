//! The rows that a group of operations works on: read once, changed in memory, written together.

mod flush;

use crate::queue::quota::Usage;
use crate::queue::store::{Body, Event, Job, Kind, Store, Stored};
use crate::queue::types::{Asker, JobId, Millis, StartId};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};

/// Jobs that an asker may take: whose and for which kind of asker.
type WaitingKey = (String, i64, String);

/// Candidates that were read and not given out yet.
struct Waiting {
    /// There are no more in the database.
    is_all: bool,
    ids: VecDeque<JobId>,
}

/// See the module.
pub(crate) struct Working<'a, S: ?Sized> {
    store: &'a mut S,
    jobs: BTreeMap<JobId, Option<Job>>,
    inserted: Vec<JobId>,
    changed: BTreeSet<JobId>,
    events: Vec<Event>,
    bodies: Vec<(JobId, Kind, Body)>,
    tasks: BTreeMap<String, i64>,
    raised: BTreeSet<String>,
    spent: BTreeMap<(String, i64), i64>,
    starts: BTreeMap<StartId, bool>,
    starts_ended: Vec<(StartId, Millis)>,
    releases: BTreeSet<i64>,
    usage: HashMap<String, Usage>,
    senders: Option<Vec<String>>,
    waiting: HashMap<WaitingKey, Waiting>,
    given: HashSet<JobId>,
    due: HashMap<StartId, VecDeque<JobId>>,
    stale: HashMap<Asker, VecDeque<JobId>>,
}

impl<'a, S: Store + ?Sized> Working<'a, S> {
    pub(crate) fn new(store: &'a mut S) -> Self {
        Self {
            store,
            jobs: BTreeMap::new(),
            inserted: Vec::new(),
            changed: BTreeSet::new(),
            events: Vec::new(),
            bodies: Vec::new(),
            tasks: BTreeMap::new(),
            raised: BTreeSet::new(),
            spent: BTreeMap::new(),
            starts: BTreeMap::new(),
            starts_ended: Vec::new(),
            releases: BTreeSet::new(),
            usage: HashMap::new(),
            senders: None,
            waiting: HashMap::new(),
            given: HashSet::new(),
            due: HashMap::new(),
            stale: HashMap::new(),
        }
    }

    /// Reads jobs and starts that the operations of a group name, in one question each.
    pub(crate) fn prefetch(&mut self, mut ids: Vec<JobId>, mut starts: Vec<StartId>) -> Stored<()> {
        ids.sort();
        ids.dedup();
        if !ids.is_empty() {
            let found = self.store.jobs(&ids)?;
            self.jobs.extend(ids.into_iter().map(|id| (id, None)));
            self.keep(found);
        }
        starts.sort();
        starts.dedup();
        if !starts.is_empty() {
            let ended = self.store.ended_starts(&starts)?;
            self.starts
                .extend(starts.into_iter().map(|start| (start, false)));
            self.starts
                .extend(ended.into_iter().map(|start| (start, true)));
        }
        Ok(())
    }

    /// Takes rows from the store; rows that are here already may be newer and stay.
    fn keep(&mut self, found: Vec<Job>) -> VecDeque<JobId> {
        let ids = found.iter().map(|job| job.id.clone()).collect();
        for job in found {
            let kept = self.jobs.entry(job.id.clone()).or_default();
            if kept.is_none() {
                *kept = Some(job);
            }
        }
        ids
    }

    pub(crate) fn job(&mut self, id: &JobId) -> Stored<Option<Job>> {
        if !self.jobs.contains_key(id) {
            let found = self.store.jobs(std::slice::from_ref(id))?;
            self.jobs.insert(id.clone(), None);
            self.keep(found);
        }
        Ok(self.jobs.get(id).cloned().flatten())
    }

    pub(crate) fn insert(&mut self, job: Job) {
        self.inserted.push(job.id.clone());
        self.jobs.insert(job.id.clone(), Some(job));
    }

    pub(crate) fn change(&mut self, job: Job) {
        self.changed.insert(job.id.clone());
        self.jobs.insert(job.id.clone(), Some(job));
    }

    pub(crate) fn event(&mut self, job: &JobId, at: Millis, what: &'static str, detail: String) {
        let job = job.clone();
        self.events.push(Event {
            job,
            at,
            what,
            detail,
        });
    }

    pub(crate) fn add_body(&mut self, job: &JobId, kind: Kind, body: Body) {
        self.bodies.push((job.clone(), kind, body));
    }

    pub(crate) fn drop_bodies(&mut self, bodies: &[(JobId, Kind)]) -> Stored<Vec<String>> {
        self.store.drop_bodies(bodies)
    }

    pub(crate) fn has_ended(&mut self, start: &StartId) -> Stored<bool> {
        if let Some(ended) = self.starts.get(start) {
            return Ok(*ended);
        }
        let ended = !self
            .store
            .ended_starts(std::slice::from_ref(start))?
            .is_empty();
        self.starts.insert(start.clone(), ended);
        Ok(ended)
    }

    pub(crate) fn end_start(&mut self, start: &StartId, now: Millis) {
        self.starts.insert(start.clone(), true);
        self.starts_ended.push((start.clone(), now));
    }

    /// The least release that a task may go to.
    pub(crate) fn task_release(&mut self, task: &str) -> Stored<Option<i64>> {
        if let Some(release) = self.tasks.get(task) {
            return Ok(Some(*release));
        }
        let found = self.store.tasks(&[task.to_owned()])?;
        self.tasks.extend(found);
        Ok(self.tasks.get(task).copied())
    }

    pub(crate) fn raise_task(&mut self, task: &str, release: i64) {
        if self.tasks.get(task).is_none_or(|least| *least < release) {
            self.tasks.insert(task.to_owned(), release);
            self.raised.insert(task.to_owned());
        }
    }

    pub(crate) fn usage(&mut self, sender: &str, since: i64) -> Stored<&mut Usage> {
        if !self.usage.contains_key(sender) {
            let usage = self.store.usage(sender, since)?;
            self.usage.insert(sender.to_owned(), usage);
        }
        Ok(self.usage.entry(sender.to_owned()).or_default())
    }

    pub(crate) fn spend(&mut self, sender: &str, hour: i64, ms: i64) {
        *self.spent.entry((sender.to_owned(), hour)).or_default() += ms;
    }

    pub(crate) fn mark_release(&mut self, release: i64) {
        self.releases.insert(release);
    }

    pub(crate) fn senders(&mut self) -> Stored<Vec<String>> {
        if self.senders.is_none() {
            self.senders = Some(self.store.senders()?);
        }
        Ok(self.senders.clone().unwrap_or_default())
    }

    /// The next job of `sender` that may suit the asker; each is given once in a group.
    pub(crate) fn next_waiting(
        &mut self,
        asker: &Asker,
        sender: &str,
        group: i64,
    ) -> Stored<Option<Job>> {
        let key = (sender.to_owned(), asker.release, asker.pcr0.clone());
        if let Some(waiting) = self.waiting.get_mut(&key) {
            if let Some(id) = waiting.ids.pop_front() {
                return self.job(&id);
            }
            if waiting.is_all {
                return Ok(None);
            }
        }
        // Jobs that this group was given already are still queued in the database, and come first.
        let given = self.given.len();
        let limit = group
            .max(1)
            .saturating_add(i64::try_from(given).unwrap_or(i64::MAX));
        let found = self.store.waiting(asker, sender, limit)?;
        let is_all = i64::try_from(found.len()).is_ok_and(|found| found < limit);
        let mut ids = self.keep(found);
        ids.retain(|id| self.given.insert(id.clone()));
        let next = ids.pop_front();
        self.waiting.insert(key, Waiting { is_all, ids });
        match next {
            Some(id) => self.job(&id),
            None => Ok(None),
        }
    }

    pub(crate) fn next_due(
        &mut self,
        start: &StartId,
        now: Millis,
        after: i64,
        group: i64,
    ) -> Stored<Option<Job>> {
        if !self.due.contains_key(start) {
            let found = self.store.due(start, now, after, group)?;
            let ids = self.keep(found);
            self.due.insert(start.clone(), ids);
        }
        match self.due.get_mut(start).and_then(VecDeque::pop_front) {
            Some(id) => self.job(&id),
            None => Ok(None),
        }
    }

    pub(crate) fn next_stale(
        &mut self,
        asker: &Asker,
        now: Millis,
        after: i64,
        group: i64,
    ) -> Stored<Option<Job>> {
        if !self.stale.contains_key(asker) {
            let found = self.store.stale(asker, now, after, group)?;
            let ids = self.keep(found);
            self.stale.insert(asker.clone(), ids);
        }
        match self.stale.get_mut(asker).and_then(VecDeque::pop_front) {
            Some(id) => self.job(&id),
            None => Ok(None),
        }
    }

    pub(crate) fn of_start(&mut self, start: &StartId) -> Stored<Vec<Job>> {
        self.flush()?;
        self.store.of_start(start)
    }

    pub(crate) fn of_host(&mut self, host: &str) -> Stored<Vec<StartId>> {
        self.flush()?;
        self.store.of_host(host)
    }

    pub(crate) fn unfinished(&mut self) -> Stored<Vec<Job>> {
        self.flush()?;
        self.store.unfinished()
    }

    pub(crate) fn ended_of_task(&mut self, task: &str) -> Stored<Vec<Job>> {
        self.flush()?;
        self.store.ended_of_task(task)
    }
}
