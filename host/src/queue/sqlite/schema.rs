//! The tables, and how older ones become newer ones.

use crate::queue::error::Error;
use rusqlite::Connection;

/// Each brings the schema from the version of its place to the next one.
const MIGRATIONS: [&str; 1] = [r"
    CREATE TABLE jobs (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        sender TEXT NOT NULL,
        task TEXT,
        name TEXT NOT NULL,
        accepts TEXT NOT NULL,
        state INTEGER NOT NULL,
        session TEXT,
        start TEXT,
        host TEXT,
        release INTEGER,
        fence INTEGER NOT NULL,
        repeats INTEGER NOT NULL,
        requeues INTEGER NOT NULL,
        code INTEGER,
        bytes INTEGER NOT NULL,
        purged INTEGER NOT NULL,
        created INTEGER NOT NULL,
        session_at INTEGER,
        offered INTEGER,
        begun INTEGER,
        ended INTEGER
    ) STRICT;
    CREATE INDEX jobs_waiting ON jobs (sender, seq) WHERE state = 0;
    CREATE INDEX jobs_of_start ON jobs (start, offered) WHERE state IN (1, 2);
    CREATE INDEX jobs_stale ON jobs (session_at) WHERE state = 1;
    CREATE INDEX jobs_usage ON jobs (sender, bytes) WHERE state IN (0, 1, 2);
    CREATE INDEX jobs_state ON jobs (state);
    CREATE INDEX jobs_task ON jobs (task) WHERE task IS NOT NULL;
    CREATE INDEX jobs_ended ON jobs (ended) WHERE state IN (3, 4);
    CREATE TABLE bodies (
        job TEXT NOT NULL,
        kind INTEGER NOT NULL,
        bytes INTEGER NOT NULL,
        inline BLOB,
        object TEXT,
        PRIMARY KEY (job, kind)
    ) STRICT;
    CREATE INDEX bodies_object ON bodies (object) WHERE object IS NOT NULL;
    CREATE TABLE events (
        seq INTEGER PRIMARY KEY,
        job TEXT NOT NULL,
        at INTEGER NOT NULL,
        event TEXT NOT NULL,
        detail TEXT NOT NULL
    ) STRICT;
    CREATE INDEX events_job ON events (job);
    CREATE TABLE tasks (task TEXT PRIMARY KEY, release INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE starts (start TEXT PRIMARY KEY, ended INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE spent (
        sender TEXT NOT NULL,
        hour INTEGER NOT NULL,
        ms INTEGER NOT NULL,
        PRIMARY KEY (sender, hour)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE releases (release INTEGER PRIMARY KEY) STRICT;
"];

/// Brings the queue's schema up to date.
pub(super) fn migrate(db: &Connection) -> Result<(), Error> {
    migrate_by(db, &MIGRATIONS)
}

/// Brings a schema up to date, in one transaction; refuses a newer one. Each of `migrations` brings
/// it from the version of its place to the next one.
pub(crate) fn migrate_by(db: &Connection, migrations: &[&str]) -> Result<(), Error> {
    let database = |error: rusqlite::Error| Error::Database(error.to_string());
    db.execute_batch("BEGIN IMMEDIATE").map_err(database)?;
    match steps(db, migrations) {
        Ok(()) => db.execute_batch("COMMIT").map_err(database),
        Err(error) => {
            // The first error is the one to tell.
            let _ = db.execute_batch("ROLLBACK");
            Err(error)
        }
    }
}

fn steps(db: &Connection, migrations: &[&str]) -> Result<(), Error> {
    let database = |error: rusqlite::Error| Error::Database(error.to_string());
    let found: i64 = db
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(database)?;
    let known = i64::try_from(migrations.len()).unwrap_or(i64::MAX);
    if found > known {
        return Err(Error::NewerSchema { found, known });
    }
    let done = usize::try_from(found).unwrap_or(0);
    for step in migrations.iter().skip(done) {
        db.execute_batch(step).map_err(database)?;
    }
    db.pragma_update(None, "user_version", known)
        .map_err(database)
}
