//! Transactions, and questions outside of them.

use super::Sqlite;
use crate::queue::store::{Body, Engine, Job, Kind, Place, StoreError, Stored};
use crate::queue::types::{
    Filter, HistoryEntry, JobId, JobView, Millis, OpenStart, StartId, State, Stats,
};
use rusqlite::{OptionalExtension as _, params};

impl Engine for Sqlite {
    fn ready(&mut self) -> Stored<()> {
        self.reconnect()
    }

    fn begin(&mut self) -> Stored<()> {
        self.start()
    }

    fn commit(&mut self) -> Stored<()> {
        self.run("COMMIT")
    }

    fn rollback(&mut self) {
        self.give_up();
    }

    fn job(&mut self, id: &JobId) -> Stored<Option<JobView>> {
        Ok(self
            .select("jobs WHERE id = ?1", [id.as_str()])?
            .first()
            .map(Job::view))
    }

    fn list(&mut self, filter: &Filter) -> Stored<Vec<JobView>> {
        let limit = if filter.limit == 0 { 100 } else { filter.limit };
        let jobs = self.select(
            "jobs WHERE (?1 IS NULL OR sender = ?1) AND (?2 IS NULL OR task = ?2) \
             AND (?3 IS NULL OR state = ?3) ORDER BY seq DESC LIMIT ?4",
            params![
                filter.sender,
                filter.task,
                filter.state.map(State::number),
                limit
            ],
        )?;
        Ok(jobs.iter().map(Job::view).collect())
    }

    fn history(&mut self, id: &JobId) -> Stored<Vec<HistoryEntry>> {
        let mut statement = self
            .db()?
            .prepare_cached("SELECT at, event, detail FROM events WHERE job = ?1 ORDER BY seq")?;
        let rows = statement.query_map([id.as_str()], |row| {
            Ok(HistoryEntry {
                at: row.get(0)?,
                event: row.get(1)?,
                detail: row.get(2)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn body(&mut self, id: &JobId, kind: Kind) -> Stored<Option<Body>> {
        let mut statement = self.db()?.prepare_cached(
            "SELECT bytes, inline, object FROM bodies WHERE job = ?1 AND kind = ?2",
        )?;
        let row = statement
            .query_row(params![id.as_str(), kind as i16], |row| {
                Ok((row.get::<_, i64>(0)?, row.get(1)?, row.get(2)?))
            })
            .optional()?;
        match row {
            None => Ok(None),
            Some((bytes, Some(inline), None)) => Ok(Some(Body {
                bytes,
                place: Place::Inline(inline),
            })),
            Some((bytes, None, Some(object))) => Ok(Some(Body {
                bytes,
                place: Place::Object(object),
            })),
            Some(_) => Err(StoreError(format!("job {id}: a body has no place or two"))),
        }
    }

    fn open_starts(&mut self) -> Stored<Vec<OpenStart>> {
        let mut statement = self.db()?.prepare_cached(
            "SELECT start, host, count(*) FROM jobs WHERE state IN (1, 2) \
             GROUP BY start, host ORDER BY start",
        )?;
        let rows = statement.query_map([], |row| {
            Ok((
                row.get::<_, String>(0)?,
                row.get::<_, String>(1)?,
                row.get::<_, i64>(2)?,
            ))
        })?;
        let mut starts = Vec::new();
        for row in rows {
            let (start, host, jobs) = row?;
            if let Some(start) = StartId::parse(&start) {
                starts.push(OpenStart {
                    start,
                    host,
                    jobs: u64::try_from(jobs).unwrap_or(0),
                });
            }
        }
        Ok(starts)
    }

    fn stats(&mut self, now: Millis) -> Stored<Stats> {
        let mut stats = Stats::default();
        let mut statement = self
            .db()?
            .prepare_cached("SELECT state, count(*) FROM jobs GROUP BY state")?;
        let rows =
            statement.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))?;
        for row in rows {
            let (state, count) = row?;
            let place = usize::try_from(state)
                .ok()
                .and_then(|at| stats.by_state.get_mut(at));
            if let Some(place) = place {
                *place = u64::try_from(count).unwrap_or(0);
            }
        }
        let mut statement = self.db()?.prepare_cached(
            "SELECT min(created) FROM jobs INDEXED BY jobs_waiting WHERE state = 0",
        )?;
        let oldest: Option<i64> = statement.query_row([], |row| row.get(0))?;
        stats.oldest_queued_ms =
            oldest.map(|at| u64::try_from(now.saturating_sub(at)).unwrap_or(0));
        let mut statement = self
            .db()?
            .prepare_cached("SELECT coalesce(sum(bytes), 0) FROM jobs WHERE state IN (0, 1, 2)")?;
        let bytes: i64 = statement.query_row([], |row| row.get(0))?;
        stats.bytes = u64::try_from(bytes).unwrap_or(0);
        Ok(stats)
    }

    fn release_is_used(&mut self, release: i64) -> Stored<bool> {
        let mut statement = self.db()?.prepare_cached(
            "SELECT 1 FROM releases WHERE release = ?1
                 UNION ALL SELECT 1 FROM tasks WHERE release = ?1",
        )?;
        Ok(statement.exists([release])?)
    }

    fn known_objects(&mut self, names: &[String]) -> Stored<Vec<String>> {
        let mut statement = self
            .db()?
            .prepare_cached("SELECT 1 FROM bodies WHERE object = ?1")?;
        let mut known = Vec::new();
        for name in names {
            if statement.exists([name])? {
                known.push(name.clone());
            }
        }
        Ok(known)
    }

    fn ended_before(&mut self, before: Millis, limit: i64) -> Stored<Vec<JobId>> {
        let mut statement = self.db()?.prepare_cached(
            "SELECT id FROM jobs WHERE state IN (3, 4) AND ended < ?1 ORDER BY ended LIMIT ?2",
        )?;
        let rows = statement.query_map([before, limit], |row| row.get::<_, String>(0))?;
        let ids = rows.collect::<Result<Vec<_>, _>>()?;
        Ok(ids.iter().filter_map(|id| JobId::parse(id)).collect())
    }

    fn remove(&mut self, ids: &[JobId]) -> Stored<()> {
        for sql in [
            "DELETE FROM bodies WHERE job = ?1",
            "DELETE FROM events WHERE job = ?1",
            "DELETE FROM jobs WHERE id = ?1",
        ] {
            let mut statement = self.db()?.prepare_cached(sql)?;
            for id in ids {
                statement.execute([id.as_str()])?;
            }
        }
        Ok(())
    }

    fn forget(&mut self, hour: i64, before: Millis) -> Stored<()> {
        self.db()?
            .execute("DELETE FROM spent WHERE hour < ?1", [hour])?;
        self.db()?
            .execute("DELETE FROM starts WHERE ended < ?1", [before])?;
        Ok(())
    }
}
