//! The questions and changes of the rules.

use super::Sqlite;
use crate::queue::faults::point;
use crate::queue::quota::Usage;
use crate::queue::store::{Body, Event, Job, Kind, Place, SENDERS, Store, Stored};
use crate::queue::types::{Asker, JobId, Millis, StartId};
use rusqlite::{OptionalExtension as _, params};

/// A job that this asker may work: `?1` is its PCR0, `?2` its release.
const SUITS: &str = "(accepts = '' OR instr(accepts, ?1) > 0) AND (task IS NULL OR NOT EXISTS \
     (SELECT 1 FROM tasks WHERE tasks.task = jobs.task AND tasks.release > ?2))";

impl Store for Sqlite {
    fn jobs(&mut self, ids: &[JobId]) -> Stored<Vec<Job>> {
        let mut jobs = Vec::with_capacity(ids.len());
        for id in ids {
            jobs.extend(self.select("jobs WHERE id = ?1", [id.as_str()])?);
        }
        Ok(jobs)
    }

    fn due(&mut self, start: &StartId, now: Millis, after: i64, limit: i64) -> Stored<Vec<Job>> {
        self.select(
            "jobs WHERE start = ?1 AND state IN (1, 2) AND (offered <= ?2 OR offered >= ?3) \
             ORDER BY offered LIMIT ?4",
            params![
                start.as_str(),
                now.saturating_sub(after),
                now.saturating_add(after),
                limit
            ],
        )
    }

    fn stale(&mut self, asker: &Asker, now: Millis, after: i64, limit: i64) -> Stored<Vec<Job>> {
        self.select(
            &format!(
                "jobs WHERE state = 1 AND (session_at <= ?3 OR session_at >= ?4) \
                 AND start <> ?5 AND {SUITS} ORDER BY session_at LIMIT ?6"
            ),
            params![
                asker.pcr0,
                asker.release,
                now.saturating_sub(after),
                now.saturating_add(after),
                asker.start.as_str(),
                limit
            ],
        )
    }

    fn senders(&mut self) -> Stored<Vec<String>> {
        let mut statement = self.db()?.prepare_cached(SENDERS)?;
        let rows = statement.query_map([], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn waiting(&mut self, asker: &Asker, sender: &str, limit: i64) -> Stored<Vec<Job>> {
        self.select(
            &format!("jobs WHERE state = 0 AND sender = ?3 AND {SUITS} ORDER BY seq LIMIT ?4"),
            params![asker.pcr0, asker.release, sender, limit],
        )
    }

    fn of_start(&mut self, start: &StartId) -> Stored<Vec<Job>> {
        self.select(
            "jobs WHERE start = ?1 AND state IN (1, 2) ORDER BY id",
            [start.as_str()],
        )
    }

    fn of_host(&mut self, host: &str) -> Stored<Vec<StartId>> {
        let mut statement = self.db()?.prepare_cached(
            "SELECT DISTINCT start FROM jobs WHERE host = ?1 AND state IN (1, 2) ORDER BY start",
        )?;
        let rows = statement.query_map([host], |row| row.get::<_, String>(0))?;
        let starts = rows.collect::<Result<Vec<_>, _>>()?;
        Ok(starts
            .iter()
            .filter_map(|start| StartId::parse(start))
            .collect())
    }

    fn unfinished(&mut self) -> Stored<Vec<Job>> {
        self.select("jobs WHERE state IN (0, 1, 2) ORDER BY id", [])
    }

    fn ended_of_task(&mut self, task: &str) -> Stored<Vec<Job>> {
        self.select(
            "jobs WHERE task = ?1 AND state IN (3, 4) ORDER BY id",
            [task],
        )
    }

    fn tasks(&mut self, tasks: &[String]) -> Stored<Vec<(String, i64)>> {
        let mut found = Vec::new();
        let mut statement = self
            .db()?
            .prepare_cached("SELECT task, release FROM tasks WHERE task = ?1")?;
        for task in tasks {
            let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
            found.extend(statement.query_row([task], row).optional()?);
        }
        Ok(found)
    }

    fn ended_starts(&mut self, starts: &[StartId]) -> Stored<Vec<StartId>> {
        let mut ended = Vec::new();
        let mut statement = self
            .db()?
            .prepare_cached("SELECT 1 FROM starts WHERE start = ?1")?;
        for start in starts {
            if statement.exists([start.as_str()])? {
                ended.push(start.clone());
            }
        }
        Ok(ended)
    }

    fn usage(&mut self, sender: &str, since: i64) -> Stored<Usage> {
        let mut statement = self.db()?.prepare_cached(
            "SELECT count(*), coalesce(sum(bytes), 0) FROM jobs \
             WHERE sender = ?1 AND state IN (0, 1, 2)",
        )?;
        let (jobs, bytes) = statement.query_row([sender], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
        })?;
        let mut statement = self
            .db()?
            .prepare_cached("SELECT hour, ms FROM spent WHERE sender = ?1 AND hour >= ?2")?;
        let rows = statement.query_map(params![sender, since], |row| {
            Ok((
                row.get(0)?,
                u64::try_from(row.get::<_, i64>(1)?).unwrap_or(0),
            ))
        })?;
        Ok(Usage {
            jobs: u64::try_from(jobs).unwrap_or(0),
            bytes: u64::try_from(bytes).unwrap_or(0),
            spent: rows.collect::<Result<_, _>>()?,
        })
    }

    fn insert(&mut self, jobs: &[Job]) -> Stored<()> {
        let mut statement = self.db()?.prepare_cached(
            "INSERT INTO jobs (id, sender, task, name, accepts, state, fence, repeats, requeues, \
             bytes, purged, created) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, 0, ?8, 0, ?9) \
             ON CONFLICT (id) DO NOTHING",
        )?;
        for job in jobs {
            statement.execute(params![
                job.id.as_str(),
                job.sender,
                job.task,
                job.name,
                job.accepts.join(" "),
                job.state.number(),
                job.fence,
                job.bytes,
                job.created
            ])?;
            point("insert");
        }
        Ok(())
    }

    fn update(&mut self, jobs: &[Job]) -> Stored<()> {
        let mut statement = self.db()?.prepare_cached(
            "UPDATE jobs SET state = ?2, session = ?3, start = ?4, host = ?5, release = ?6, \
             fence = ?7, repeats = ?8, requeues = ?9, code = ?10, purged = ?11, session_at = ?12, \
             offered = ?13, begun = ?14, ended = ?15 WHERE id = ?1",
        )?;
        for job in jobs {
            statement.execute(params![
                job.id.as_str(),
                job.state.number(),
                job.session,
                job.start.as_ref().map(StartId::as_str),
                job.host,
                job.release,
                job.fence,
                job.repeats,
                job.requeues,
                job.code,
                job.purged,
                job.session_at,
                job.offered,
                job.begun,
                job.ended
            ])?;
            point("update");
        }
        Ok(())
    }

    fn add_events(&mut self, events: &[Event]) -> Stored<()> {
        let mut statement = self.db()?.prepare_cached(
            "INSERT INTO events (job, at, event, detail) VALUES (?1, ?2, ?3, ?4)",
        )?;
        for event in events {
            let job = event.job.as_str();
            statement.execute(params![job, event.at, event.what, event.detail])?;
            point("event");
        }
        Ok(())
    }

    fn add_bodies(&mut self, bodies: &[(JobId, Kind, Body)]) -> Stored<()> {
        let mut statement = self.db()?.prepare_cached(
            "INSERT INTO bodies (job, kind, bytes, inline, object) VALUES (?1, ?2, ?3, ?4, ?5) \
             ON CONFLICT (job, kind) DO NOTHING",
        )?;
        for (job, kind, body) in bodies {
            let (inline, object) = match &body.place {
                Place::Inline(bytes) => (Some(bytes), None),
                Place::Object(name) => (None, Some(name)),
            };
            statement.execute(params![
                job.as_str(),
                *kind as i16,
                body.bytes,
                inline,
                object
            ])?;
            point("body-row");
        }
        Ok(())
    }

    fn drop_bodies(&mut self, bodies: &[(JobId, Kind)]) -> Stored<Vec<String>> {
        let mut objects = Vec::new();
        let mut statement = self
            .db()?
            .prepare_cached("DELETE FROM bodies WHERE job = ?1 AND kind = ?2 RETURNING object")?;
        for (job, kind) in bodies {
            let mut rows = statement.query(params![job.as_str(), *kind as i16])?;
            while let Some(row) = rows.next()? {
                objects.extend(row.get::<_, Option<String>>(0)?);
            }
        }
        Ok(objects)
    }

    fn raise_tasks(&mut self, tasks: &[(String, i64)]) -> Stored<()> {
        let mut statement = self.db()?.prepare_cached(
            "INSERT INTO tasks (task, release) VALUES (?1, ?2) \
             ON CONFLICT (task) DO UPDATE SET release = max(release, excluded.release)",
        )?;
        for (task, release) in tasks {
            statement.execute(params![task, release])?;
            point("task");
        }
        Ok(())
    }

    fn mark_starts_ended(&mut self, starts: &[(StartId, Millis)]) -> Stored<()> {
        let mut statement = self.db()?.prepare_cached(
            "INSERT INTO starts (start, ended) VALUES (?1, ?2) ON CONFLICT (start) DO NOTHING",
        )?;
        for (start, ended) in starts {
            statement.execute(params![start.as_str(), ended])?;
            point("start");
        }
        Ok(())
    }

    fn add_spent(&mut self, spent: &[(String, i64, i64)]) -> Stored<()> {
        let mut statement = self.db()?.prepare_cached(
            "INSERT INTO spent (sender, hour, ms) VALUES (?1, ?2, ?3) \
             ON CONFLICT (sender, hour) DO UPDATE SET ms = ms + excluded.ms",
        )?;
        for (sender, hour, ms) in spent {
            statement.execute(params![sender, hour, ms])?;
            point("spent");
        }
        Ok(())
    }

    fn mark_releases(&mut self, releases: &[i64]) -> Stored<()> {
        let mut statement = self.db()?.prepare_cached(
            "INSERT INTO releases (release) VALUES (?1) ON CONFLICT (release) DO NOTHING",
        )?;
        for release in releases {
            statement.execute([release])?;
            point("release");
        }
        Ok(())
    }
}
