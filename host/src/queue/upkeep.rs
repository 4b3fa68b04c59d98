//! Removes rows and objects that are not needed any more.

use super::core::{Op, Outcome, millis};
use super::error::Error;
use super::handle::Queue;
use super::quota::{HOUR, HOURS};
use futures_util::StreamExt as _;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};

/// The counts of a sweep.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Rows of jobs that ended longer ago than the retention.
    pub jobs: u64,
    /// Objects that no row names, and temporary files of uploads that were cut.
    pub objects: u64,
}

/// Rows that are removed in one transaction.
const ROWS: i64 = 500;

impl Queue {
    /// A task has ended: the payloads of its ended jobs go, and their results too when `results`
    /// says that they were fetched, or are not wanted. Their rows and histories stay, which hold
    /// no secret.
    pub async fn end_task(&self, task: &str, results: bool) -> Result<(), Error> {
        let op = Op::EndTask {
            task: task.to_owned(),
            results,
        };
        if let Outcome::TaskEnded(objects) = self.change(op).await? {
            for object in objects {
                self.bodies().objects.delete(&object).await?;
            }
        }
        Ok(())
    }

    /// Removes ended jobs beyond the retention, and objects without a row that are older than an
    /// hour. To be called about once an hour.
    pub async fn sweep(&self) -> Result<Swept, Error> {
        let mut swept = Swept::default();
        let now = self.shared().now();
        let before = now.saturating_sub(millis(self.shared().timing.retention));
        loop {
            let removed = Arc::new(Mutex::new(0u64));
            let count = removed.clone();
            self.alone(Box::new(move |engine| {
                let ids = engine.ended_before(before, ROWS)?;
                engine.remove(&ids)?;
                *count.lock().unwrap_or_else(PoisonError::into_inner) =
                    u64::try_from(ids.len()).unwrap_or(u64::MAX);
                Ok(())
            }))
            .await?;
            let removed = *removed.lock().unwrap_or_else(PoisonError::into_inner);
            if removed == 0 {
                break;
            }
            swept.jobs += removed;
        }
        let hour = now / HOUR - HOURS;
        self.alone(Box::new(move |engine| engine.forget(hour, before)))
            .await?;
        let objects = self.bodies().objects.clone();
        let mut old = pin!(objects.old());
        while let Some(names) = old.next().await {
            let names = names?;
            let asked = names.clone();
            let known = self
                .threads()
                .ask(move |engine| engine.known_objects(&asked))
                .await?;
            for name in names.iter().filter(|name| !known.contains(name)) {
                objects.delete(name).await?;
                swept.objects += 1;
            }
        }
        let objects = self.bodies().objects.clone();
        let cut = tokio::task::spawn_blocking(move || objects.sweep_cut_uploads()).await;
        let cut = cut.map_err(|_| Error::Closed)?;
        swept.objects += cut.map_err(|error| Error::Objects(error.to_string()))?;
        Ok(swept)
    }
}
