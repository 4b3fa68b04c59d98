//! Transactions, and questions outside of them.

use super::{Postgres, get};
use crate::queue::store::{Body, Engine, Job, Kind, Place, StoreError, Stored};
use crate::queue::types::{
    Filter, HistoryEntry, JobId, JobView, Millis, OpenStart, StartId, Stats,
};

impl Engine for Postgres {
    fn ready(&mut self) -> Stored<()> {
        self.reconnect()
    }

    fn begin(&mut self) -> Stored<()> {
        self.run("BEGIN", &[])
    }

    fn commit(&mut self) -> Stored<()> {
        self.run("COMMIT", &[])
    }

    fn rollback(&mut self) {
        self.give_up();
    }

    fn is_passing(&self, _error: &StoreError) -> bool {
        self.is_passing
    }

    fn job(&mut self, id: &JobId) -> Stored<Option<JobView>> {
        Ok(self
            .select("jobs WHERE id = $1", &[&id.as_str()])?
            .first()
            .map(Job::view))
    }

    fn list(&mut self, filter: &Filter) -> Stored<Vec<JobView>> {
        let limit = i64::from(if filter.limit == 0 { 100 } else { filter.limit });
        let state = filter.state.map(|state| i64::from(state.number()));
        let jobs = self.select(
            "jobs WHERE ($1::text IS NULL OR sender = $1) AND ($2::text IS NULL OR task = $2) \
             AND ($3::bigint IS NULL OR state = $3) ORDER BY seq DESC LIMIT $4",
            &[&filter.sender, &filter.task, &state, &limit],
        )?;
        Ok(jobs.iter().map(Job::view).collect())
    }

    fn history(&mut self, id: &JobId) -> Stored<Vec<HistoryEntry>> {
        let rows = self.query(
            "SELECT at, event, detail FROM events WHERE job = $1 ORDER BY seq",
            &[&id.as_str()],
        )?;
        let entry = |row| {
            Ok(HistoryEntry {
                at: get(row, 0)?,
                event: get(row, 1)?,
                detail: get(row, 2)?,
            })
        };
        rows.iter().map(entry).collect()
    }

    fn body(&mut self, id: &JobId, kind: Kind) -> Stored<Option<Body>> {
        let rows = self.query(
            "SELECT bytes, inline, object FROM bodies WHERE job = $1 AND kind = $2",
            &[&id.as_str(), &(kind as i64)],
        )?;
        let Some(row) = rows.first() else {
            return Ok(None);
        };
        let place = match (
            get::<Option<Vec<u8>>>(row, 1)?,
            get::<Option<String>>(row, 2)?,
        ) {
            (Some(inline), None) => Place::Inline(inline),
            (None, Some(object)) => Place::Object(object),
            _ => return Err(StoreError(format!("job {id}: a body has no place or two"))),
        };
        Ok(Some(Body {
            bytes: get(row, 0)?,
            place,
        }))
    }

    fn open_starts(&mut self) -> Stored<Vec<OpenStart>> {
        let rows = self.query(
            "SELECT start, host, count(*) FROM jobs WHERE state IN (1, 2) \
             GROUP BY start, host ORDER BY start",
            &[],
        )?;
        let mut starts = Vec::new();
        for row in &rows {
            if let Some(start) = StartId::parse(&get::<String>(row, 0)?) {
                let jobs = u64::try_from(get::<i64>(row, 2)?).unwrap_or(0);
                starts.push(OpenStart {
                    start,
                    host: get(row, 1)?,
                    jobs,
                });
            }
        }
        Ok(starts)
    }

    fn stats(&mut self, now: Millis) -> Stored<Stats> {
        let mut stats = Stats::default();
        for row in &self.query("SELECT state, count(*) FROM jobs GROUP BY state", &[])? {
            let state = usize::try_from(get::<i64>(row, 0)?).ok();
            if let Some(place) = state.and_then(|at| stats.by_state.get_mut(at)) {
                *place = u64::try_from(get::<i64>(row, 1)?).unwrap_or(0);
            }
        }
        let rows = self.query(
            "SELECT min(created) FILTER (WHERE state = 0), coalesce(sum(bytes), 0)::bigint \
             FROM jobs WHERE state IN (0, 1, 2)",
            &[],
        )?;
        if let Some(row) = rows.first() {
            stats.oldest_queued_ms = get::<Option<i64>>(row, 0)?
                .map(|at| u64::try_from(now.saturating_sub(at)).unwrap_or(0));
            stats.bytes = u64::try_from(get::<i64>(row, 1)?).unwrap_or(0);
        }
        Ok(stats)
    }

    fn release_is_used(&mut self, release: i64) -> Stored<bool> {
        let rows = self.query(
            "SELECT 1 FROM releases WHERE release = $1
             UNION ALL (SELECT 1 FROM tasks WHERE release = $1 LIMIT 1)",
            &[&release],
        )?;
        Ok(!rows.is_empty())
    }

    fn known_objects(&mut self, names: &[String]) -> Stored<Vec<String>> {
        let rows = self.query(
            "SELECT object FROM bodies WHERE object = ANY ($1)",
            &[&names],
        )?;
        rows.iter().map(|row| get(row, 0)).collect()
    }

    fn ended_before(&mut self, before: Millis, limit: i64) -> Stored<Vec<JobId>> {
        let rows = self.query(
            "SELECT id FROM jobs WHERE state IN (3, 4) AND ended < $1 ORDER BY ended LIMIT $2",
            &[&before, &limit],
        )?;
        let ids = rows
            .iter()
            .map(|row| get::<String>(row, 0))
            .collect::<Stored<Vec<_>>>()?;
        Ok(ids.iter().filter_map(|id| JobId::parse(id)).collect())
    }

    fn remove(&mut self, ids: &[JobId]) -> Stored<()> {
        let ids: Vec<&str> = ids.iter().map(JobId::as_str).collect();
        self.run("DELETE FROM bodies WHERE job = ANY ($1)", &[&ids])?;
        self.run("DELETE FROM events WHERE job = ANY ($1)", &[&ids])?;
        self.run("DELETE FROM jobs WHERE id = ANY ($1)", &[&ids])
    }

    fn forget(&mut self, hour: i64, before: Millis) -> Stored<()> {
        self.run("DELETE FROM spent WHERE hour < $1", &[&hour])?;
        self.run("DELETE FROM starts WHERE ended < $1", &[&before])
    }
}
