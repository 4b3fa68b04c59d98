//! The questions and changes of the rules. Rows travel as arrays: one statement for a whole group.

use super::{Postgres, get};
use crate::queue::faults::point;
use crate::queue::quota::Usage;
use crate::queue::store::{Body, Event, Job, Kind, Place, SENDERS, Store, Stored};
use crate::queue::types::{Asker, JobId, Millis, StartId};

/// A job that this asker may work: `$1` is its PCR0, `$2` its release.
const SUITS: &str = "(accepts = '' OR strpos(accepts, $1) > 0) AND (task IS NULL OR NOT EXISTS \
     (SELECT 1 FROM tasks WHERE tasks.task = jobs.task AND tasks.release > $2))";

fn column<'a, T, R>(rows: &'a [R], of: impl Fn(&'a R) -> T) -> Vec<T> {
    rows.iter().map(of).collect()
}

impl Store for Postgres {
    fn jobs(&mut self, ids: &[JobId]) -> Stored<Vec<Job>> {
        let ids = column(ids, JobId::as_str);
        self.select("jobs WHERE id = ANY ($1) ORDER BY id FOR UPDATE", &[&ids])
    }

    fn due(&mut self, start: &StartId, now: Millis, after: i64, limit: i64) -> Stored<Vec<Job>> {
        let (before, beyond) = (now.saturating_sub(after), now.saturating_add(after));
        self.select(
            "jobs WHERE start = $1 AND state IN (1, 2) AND (offered <= $2 OR offered >= $3) \
             ORDER BY offered LIMIT $4 FOR UPDATE SKIP LOCKED",
            &[&start.as_str(), &before, &beyond, &limit],
        )
    }

    fn stale(&mut self, asker: &Asker, now: Millis, after: i64, limit: i64) -> Stored<Vec<Job>> {
        let (before, beyond) = (now.saturating_sub(after), now.saturating_add(after));
        self.select(
            &format!(
                "jobs WHERE state = 1 AND (session_at <= $3 OR session_at >= $4) \
                 AND start <> $5 AND {SUITS} ORDER BY session_at LIMIT $6 \
                 FOR UPDATE OF jobs SKIP LOCKED"
            ),
            &[
                &asker.pcr0,
                &asker.release,
                &before,
                &beyond,
                &asker.start.as_str(),
                &limit,
            ],
        )
    }

    fn senders(&mut self) -> Stored<Vec<String>> {
        let rows = self.query(SENDERS, &[])?;
        rows.iter().map(|row| get(row, 0)).collect()
    }

    fn waiting(&mut self, asker: &Asker, sender: &str, limit: i64) -> Stored<Vec<Job>> {
        self.select(
            &format!(
                "jobs WHERE state = 0 AND sender = $3 AND {SUITS} ORDER BY seq LIMIT $4 \
                 FOR UPDATE OF jobs SKIP LOCKED"
            ),
            &[&asker.pcr0, &asker.release, &sender, &limit],
        )
    }

    fn of_start(&mut self, start: &StartId) -> Stored<Vec<Job>> {
        self.select(
            "jobs WHERE start = $1 AND state IN (1, 2) ORDER BY id FOR UPDATE",
            &[&start.as_str()],
        )
    }

    fn of_host(&mut self, host: &str) -> Stored<Vec<StartId>> {
        let rows = self.query(
            "SELECT DISTINCT start FROM jobs WHERE host = $1 AND state IN (1, 2) ORDER BY start",
            &[&host],
        )?;
        let starts = rows
            .iter()
            .map(|row| get::<String>(row, 0))
            .collect::<Stored<Vec<_>>>()?;
        Ok(starts
            .iter()
            .filter_map(|start| StartId::parse(start))
            .collect())
    }

    fn unfinished(&mut self) -> Stored<Vec<Job>> {
        self.select("jobs WHERE state IN (0, 1, 2) ORDER BY id FOR UPDATE", &[])
    }

    fn ended_of_task(&mut self, task: &str) -> Stored<Vec<Job>> {
        self.select(
            "jobs WHERE task = $1 AND state IN (3, 4) ORDER BY id FOR UPDATE",
            &[&task],
        )
    }

    fn tasks(&mut self, tasks: &[String]) -> Stored<Vec<(String, i64)>> {
        // A row for each, so that there is something to lock: two hosts may hand out the first
        // jobs of a task at once.
        let mut tasks = tasks.to_vec();
        tasks.sort();
        self.run(
            "INSERT INTO tasks (task, release) SELECT task, $2 FROM unnest($1::text[]) AS t (task) \
             ON CONFLICT (task) DO NOTHING",
            &[&tasks, &i64::MIN],
        )?;
        let rows = self.query(
            "SELECT task, release FROM tasks WHERE task = ANY ($1) ORDER BY task FOR UPDATE",
            &[&tasks],
        )?;
        rows.iter()
            .map(|row| Ok((get(row, 0)?, get(row, 1)?)))
            .collect()
    }

    fn ended_starts(&mut self, starts: &[StartId]) -> Stored<Vec<StartId>> {
        let starts = column(starts, StartId::as_str);
        let rows = self.query(
            "SELECT start FROM starts WHERE start = ANY ($1)",
            &[&starts],
        )?;
        let found = rows
            .iter()
            .map(|row| get::<String>(row, 0))
            .collect::<Stored<Vec<_>>>()?;
        Ok(found
            .iter()
            .filter_map(|start| StartId::parse(start))
            .collect())
    }

    fn usage(&mut self, sender: &str, since: i64) -> Stored<Usage> {
        let rows = self.query(
            "SELECT count(*), coalesce(sum(bytes), 0)::bigint FROM jobs \
             WHERE sender = $1 AND state IN (0, 1, 2)",
            &[&sender],
        )?;
        let mut usage = Usage::default();
        if let Some(row) = rows.first() {
            usage.jobs = u64::try_from(get::<i64>(row, 0)?).unwrap_or(0);
            usage.bytes = u64::try_from(get::<i64>(row, 1)?).unwrap_or(0);
        }
        let rows = self.query(
            "SELECT hour, ms FROM spent WHERE sender = $1 AND hour >= $2",
            &[&sender, &since],
        )?;
        for row in &rows {
            let ms = u64::try_from(get::<i64>(row, 1)?).unwrap_or(0);
            usage.spent.insert(get(row, 0)?, ms);
        }
        Ok(usage)
    }

    fn insert(&mut self, jobs: &[Job]) -> Stored<()> {
        let done = self.run(
            "INSERT INTO jobs (id, sender, task, name, accepts, state, fence, repeats, requeues, \
             bytes, purged, created) \
             SELECT id, sender, task, name, accepts, state, fence, 0, 0, bytes, false, created \
             FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], \
             $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[]) WITH ORDINALITY \
             AS j (id, sender, task, name, accepts, state, fence, bytes, created, place) \
             ORDER BY place ON CONFLICT (id) DO NOTHING",
            &[
                &column(jobs, |job| job.id.as_str()),
                &column(jobs, |job| job.sender.as_str()),
                &column(jobs, |job| job.task.as_deref()),
                &column(jobs, |job| job.name.as_str()),
                &column(jobs, |job| job.accepts.join(" ")),
                &column(jobs, |job| i64::from(job.state.number())),
                &column(jobs, |job| job.fence),
                &column(jobs, |job| job.bytes),
                &column(jobs, |job| job.created),
            ],
        );
        point("insert");
        done
    }

    fn update(&mut self, jobs: &[Job]) -> Stored<()> {
        let done = self.run(
            "UPDATE jobs SET state = j.state, session = j.session, start = j.start, \
             host = j.host, release = j.release, fence = j.fence, repeats = j.repeats, \
             requeues = j.requeues, code = j.code, purged = j.purged, \
             session_at = j.session_at, offered = j.offered, begun = j.begun, ended = j.ended \
             FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::text[], \
             $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], \
             $11::boolean[], $12::bigint[], $13::bigint[], $14::bigint[], $15::bigint[]) \
             AS j (id, state, session, start, host, release, fence, repeats, requeues, code, \
             purged, session_at, offered, begun, ended) WHERE jobs.id = j.id",
            &[
                &column(jobs, |job| job.id.as_str()),
                &column(jobs, |job| i64::from(job.state.number())),
                &column(jobs, |job| job.session.as_deref()),
                &column(jobs, |job| job.start.as_ref().map(StartId::as_str)),
                &column(jobs, |job| job.host.as_deref()),
                &column(jobs, |job| job.release),
                &column(jobs, |job| job.fence),
                &column(jobs, |job| job.repeats),
                &column(jobs, |job| job.requeues),
                &column(jobs, |job| job.code.map(i64::from)),
                &column(jobs, |job| job.purged),
                &column(jobs, |job| job.session_at),
                &column(jobs, |job| job.offered),
                &column(jobs, |job| job.begun),
                &column(jobs, |job| job.ended),
            ],
        );
        point("update");
        done
    }

    fn add_events(&mut self, events: &[Event]) -> Stored<()> {
        let done = self.run(
            "INSERT INTO events (job, at, event, detail) SELECT job, at, event, detail \
             FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[]) WITH ORDINALITY \
             AS e (job, at, event, detail, place) ORDER BY place",
            &[
                &column(events, |event| event.job.as_str()),
                &column(events, |event| event.at),
                &column(events, |event| event.what),
                &column(events, |event| event.detail.as_str()),
            ],
        );
        point("event");
        done
    }

    fn add_bodies(&mut self, bodies: &[(JobId, Kind, Body)]) -> Stored<()> {
        let inline = |(_, _, body): &'_ (JobId, Kind, Body)| match &body.place {
            Place::Inline(bytes) => Some(bytes.clone()),
            Place::Object(_) => None,
        };
        let object = |(_, _, body): &'_ (JobId, Kind, Body)| match &body.place {
            Place::Inline(_) => None,
            Place::Object(name) => Some(name.clone()),
        };
        let done = self.run(
            "INSERT INTO bodies (job, kind, bytes, inline, object) \
             SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bytea[], $5::text[]) \
             ON CONFLICT (job, kind) DO NOTHING",
            &[
                &column(bodies, |(job, _, _)| job.as_str()),
                &column(bodies, |(_, kind, _)| *kind as i64),
                &column(bodies, |(_, _, body)| body.bytes),
                &column(bodies, inline),
                &column(bodies, object),
            ],
        );
        point("body-row");
        done
    }

    fn drop_bodies(&mut self, bodies: &[(JobId, Kind)]) -> Stored<Vec<String>> {
        let rows = self.query(
            "DELETE FROM bodies USING unnest($1::text[], $2::bigint[]) AS b (job, kind) \
             WHERE bodies.job = b.job AND bodies.kind = b.kind RETURNING object",
            &[
                &column(bodies, |(job, _)| job.as_str()),
                &column(bodies, |(_, kind)| *kind as i64),
            ],
        )?;
        let objects = rows.iter().map(|row| get::<Option<String>>(row, 0));
        Ok(objects
            .collect::<Stored<Vec<_>>>()?
            .into_iter()
            .flatten()
            .collect())
    }

    fn raise_tasks(&mut self, tasks: &[(String, i64)]) -> Stored<()> {
        let done = self.run(
            "INSERT INTO tasks (task, release) SELECT * FROM unnest($1::text[], $2::bigint[]) \
             ON CONFLICT (task) DO UPDATE \
             SET release = greatest(tasks.release, excluded.release)",
            &[
                &column(tasks, |task| task.0.as_str()),
                &column(tasks, |task| task.1),
            ],
        );
        point("task");
        done
    }

    fn mark_starts_ended(&mut self, starts: &[(StartId, Millis)]) -> Stored<()> {
        let done = self.run(
            "INSERT INTO starts (start, ended) SELECT * FROM unnest($1::text[], $2::bigint[]) \
             ON CONFLICT (start) DO NOTHING",
            &[
                &column(starts, |start| start.0.as_str()),
                &column(starts, |start| start.1),
            ],
        );
        point("start");
        done
    }

    fn add_spent(&mut self, spent: &[(String, i64, i64)]) -> Stored<()> {
        let done = self.run(
            "INSERT INTO spent (sender, hour, ms) \
             SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[]) \
             ON CONFLICT (sender, hour) DO UPDATE SET ms = spent.ms + excluded.ms",
            &[
                &column(spent, |spent| spent.0.as_str()),
                &column(spent, |spent| spent.1),
                &column(spent, |spent| spent.2),
            ],
        );
        point("spent");
        done
    }

    fn mark_releases(&mut self, releases: &[i64]) -> Stored<()> {
        let done = self.run(
            "INSERT INTO releases (release) SELECT * FROM unnest($1::bigint[]) \
             ON CONFLICT (release) DO NOTHING",
            &[&releases],
        );
        point("release");
        done
    }
}
