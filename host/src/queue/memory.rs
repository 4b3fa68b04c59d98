//! A database in memory, for the model: small enough to be a part of its states.

use super::quota::Usage;
use super::store::{Body, Event, Job, Kind, Store, Stored};
use super::types::{Asker, JobId, Millis, StartId, State};
use std::collections::{BTreeMap, BTreeSet};

/// See the module. History and enclave time are left out: no rule reads them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Memory {
    pub(crate) jobs: BTreeMap<JobId, Job>,
    pub(crate) results: BTreeMap<JobId, Vec<u8>>,
    tasks: BTreeMap<String, i64>,
    ended: BTreeSet<StartId>,
}

impl Memory {
    fn all(&self, is: impl Fn(&Job) -> bool) -> Vec<Job> {
        let mut jobs: Vec<Job> = self.jobs.values().filter(|job| is(job)).cloned().collect();
        jobs.sort_by_key(|job| job.seq);
        jobs
    }

    fn suits(&self, job: &Job, asker: &Asker) -> bool {
        let least = job.task.as_ref().and_then(|task| self.tasks.get(task));
        (job.accepts.is_empty() || job.accepts.contains(&asker.pcr0))
            && least.is_none_or(|least| *least <= asker.release)
    }
}

impl Store for Memory {
    fn jobs(&mut self, ids: &[JobId]) -> Stored<Vec<Job>> {
        Ok(ids
            .iter()
            .filter_map(|id| self.jobs.get(id).cloned())
            .collect())
    }

    fn due(&mut self, start: &StartId, now: Millis, after: i64, _: i64) -> Stored<Vec<Job>> {
        Ok(self.all(|job| {
            job.start.as_ref() == Some(start)
                && matches!(job.state, State::Offered | State::Begun)
                && job
                    .offered
                    .is_some_and(|at| now.abs_diff(at) >= after.unsigned_abs())
        }))
    }

    fn stale(&mut self, asker: &Asker, now: Millis, after: i64, _: i64) -> Stored<Vec<Job>> {
        Ok(self.all(|job| {
            matches!(job.state, State::Offered | State::Begun)
                && job.start.as_ref() != Some(&asker.start)
                && job
                    .session_at
                    .is_some_and(|at| now.abs_diff(at) >= after.unsigned_abs())
                && self.suits(job, asker)
        }))
    }

    fn senders(&mut self) -> Stored<Vec<String>> {
        let queued = self.jobs.values().filter(|job| job.state == State::Queued);
        Ok(queued
            .map(|job| job.sender.clone())
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect())
    }

    fn waiting(&mut self, asker: &Asker, sender: &str, limit: i64) -> Stored<Vec<Job>> {
        let mut jobs = self.all(|job| {
            job.state == State::Queued && job.sender == sender && self.suits(job, asker)
        });
        jobs.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(jobs)
    }

    fn of_start(&mut self, start: &StartId) -> Stored<Vec<Job>> {
        Ok(self.all(|job| {
            job.start.as_ref() == Some(start) && matches!(job.state, State::Offered | State::Begun)
        }))
    }

    fn of_host(&mut self, host: &str) -> Stored<Vec<StartId>> {
        let jobs = self.all(|job| {
            job.host.as_deref() == Some(host) && matches!(job.state, State::Offered | State::Begun)
        });
        Ok(jobs.into_iter().filter_map(|job| job.start).collect())
    }

    fn unfinished(&mut self) -> Stored<Vec<Job>> {
        Ok(self.all(|job| job.state.is_unfinished()))
    }

    fn ended_of_task(&mut self, task: &str) -> Stored<Vec<Job>> {
        Ok(self.all(|job| job.state.has_ended() && job.task.as_deref() == Some(task)))
    }

    fn tasks(&mut self, tasks: &[String]) -> Stored<Vec<(String, i64)>> {
        let found = tasks
            .iter()
            .filter_map(|task| Some((task.clone(), *self.tasks.get(task)?)));
        Ok(found.collect())
    }

    fn ended_starts(&mut self, starts: &[StartId]) -> Stored<Vec<StartId>> {
        Ok(starts
            .iter()
            .filter(|start| self.ended.contains(start))
            .cloned()
            .collect())
    }

    fn usage(&mut self, _: &str, _: i64) -> Stored<Usage> {
        Ok(Usage::default())
    }

    fn insert(&mut self, jobs: &[Job]) -> Stored<()> {
        for job in jobs {
            let mut job = job.clone();
            job.seq = i64::try_from(self.jobs.len()).unwrap_or(i64::MAX);
            self.jobs.entry(job.id.clone()).or_insert(job);
        }
        Ok(())
    }

    fn update(&mut self, jobs: &[Job]) -> Stored<()> {
        self.jobs
            .extend(jobs.iter().map(|job| (job.id.clone(), job.clone())));
        Ok(())
    }

    fn add_events(&mut self, _: &[Event]) -> Stored<()> {
        Ok(())
    }

    fn add_bodies(&mut self, bodies: &[(JobId, Kind, Body)]) -> Stored<()> {
        for (job, kind, body) in bodies {
            if let (Kind::Result, super::store::Place::Inline(bytes)) = (kind, &body.place) {
                self.results
                    .entry(job.clone())
                    .or_insert_with(|| bytes.clone());
            }
        }
        Ok(())
    }

    fn drop_bodies(&mut self, _: &[(JobId, Kind)]) -> Stored<Vec<String>> {
        Ok(Vec::new())
    }

    fn raise_tasks(&mut self, tasks: &[(String, i64)]) -> Stored<()> {
        self.tasks.extend(tasks.iter().cloned());
        Ok(())
    }

    fn mark_starts_ended(&mut self, starts: &[(StartId, Millis)]) -> Stored<()> {
        self.ended
            .extend(starts.iter().map(|(start, _)| start.clone()));
        Ok(())
    }

    fn add_spent(&mut self, _: &[(String, i64, i64)]) -> Stored<()> {
        Ok(())
    }

    fn mark_releases(&mut self, _: &[i64]) -> Stored<()> {
        Ok(())
    }
}
