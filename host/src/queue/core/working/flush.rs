//! The changes of a group, written together.

use super::Working;
use crate::queue::store::{Job, Store, Stored};
use crate::queue::types::JobId;

impl<S: Store + ?Sized> Working<'_, S> {
    /// Writes everything that has changed. Always in the same order of tables and rows, so that two
    /// transactions cannot wait for each other.
    pub(crate) fn flush(&mut self) -> Stored<()> {
        let rows = |ids: Vec<&JobId>| -> Vec<Job> {
            ids.into_iter()
                .filter_map(|id| self.jobs.get(id).cloned().flatten())
                .collect()
        };
        let inserted = rows(self.inserted.iter().collect());
        let changed = rows(
            self.changed
                .iter()
                .filter(|id| !self.inserted.contains(id))
                .collect(),
        );
        if !inserted.is_empty() {
            self.store.insert(&inserted)?;
        }
        if !changed.is_empty() {
            self.store.update(&changed)?;
        }
        if !self.bodies.is_empty() {
            self.store.add_bodies(&self.bodies)?;
        }
        if !self.events.is_empty() {
            self.store.add_events(&self.events)?;
        }
        let raised: Vec<(String, i64)> = self
            .raised
            .iter()
            .filter_map(|task| Some((task.clone(), *self.tasks.get(task)?)))
            .collect();
        if !raised.is_empty() {
            self.store.raise_tasks(&raised)?;
        }
        if !self.spent.is_empty() {
            let spent: Vec<_> = self
                .spent
                .iter()
                .map(|((sender, hour), ms)| (sender.clone(), *hour, *ms))
                .collect();
            self.store.add_spent(&spent)?;
        }
        if !self.starts_ended.is_empty() {
            self.store.mark_starts_ended(&self.starts_ended)?;
        }
        if !self.releases.is_empty() {
            let releases: Vec<i64> = self.releases.iter().copied().collect();
            self.store.mark_releases(&releases)?;
        }
        self.inserted.clear();
        self.changed.clear();
        self.bodies.clear();
        self.events.clear();
        self.raised.clear();
        self.spent.clear();
        self.starts_ended.clear();
        self.releases.clear();
        Ok(())
    }
}
