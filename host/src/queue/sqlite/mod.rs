//! The embedded engine: SQLite in WAL mode. Every commit is durable (`synchronous=FULL`).

mod read;
pub(crate) mod schema;
mod write;

use super::store::{Job, StoreError, Stored};
use super::types::{JobId, StartId, State};
use rusqlite::{Connection, OpenFlags, Row};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The columns of a job, in the order of [`job_of_row`].
pub(crate) const COLUMNS: &str = "seq, id, sender, task, name, accepts, state, session, start, \
     host, release, fence, repeats, requeues, code, bytes, purged, created, session_at, offered, \
     begun, ended";

/// Waits for a lock of another process, such as a backup.
const BUSY: Duration = Duration::from_secs(10);

/// See the module.
pub(crate) struct Sqlite {
    path: PathBuf,
    is_writer: bool,
    connection: Option<Connection>,
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        // Names of tables and files, never values.
        Self(error.to_string())
    }
}

/// Opens a database whose commits are durable; `create`: also one that does not exist.
pub(crate) fn connect(path: &Path, create: bool) -> rusqlite::Result<Connection> {
    let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    if create {
        flags |= OpenFlags::SQLITE_OPEN_CREATE;
    }
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    // Without a limit the log keeps the size of its largest moment.
    connection.pragma_update(None, "journal_size_limit", 64 << 20)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

impl Sqlite {
    /// Opens the database for the one that writes, and brings its schema up to date.
    pub(crate) fn writer(path: &Path) -> Result<Self, super::Error> {
        let mut new = Self {
            path: path.to_owned(),
            is_writer: true,
            connection: None,
        };
        let connection = new.connect().map_err(|error| new.opening(&error))?;
        schema::migrate(&connection)?;
        new.connection = Some(connection);
        Ok(new)
    }

    /// Opens the database for questions.
    pub(crate) fn reader(path: &Path) -> Result<Self, super::Error> {
        let mut new = Self {
            path: path.to_owned(),
            is_writer: false,
            connection: None,
        };
        new.connection = Some(new.connect().map_err(|error| new.opening(&error))?);
        Ok(new)
    }

    fn opening(&self, error: &rusqlite::Error) -> super::Error {
        super::Error::Database(format!("{}: {error}", self.path.display()))
    }

    fn connect(&self) -> rusqlite::Result<Connection> {
        connect(&self.path, self.is_writer)
    }

    fn db(&self) -> Stored<&Connection> {
        self.connection
            .as_ref()
            .ok_or_else(|| StoreError("no connection".into()))
    }

    fn select(&self, rest: &str, parameters: impl rusqlite::Params) -> Stored<Vec<Job>> {
        let mut statement = self
            .db()?
            .prepare_cached(&format!("SELECT {COLUMNS} FROM {rest}"))?;
        let mut rows = statement.query(parameters)?;
        let mut jobs = Vec::new();
        while let Some(row) = rows.next()? {
            jobs.push(job_of_row(row)?);
        }
        Ok(jobs)
    }
}

fn job_of_row(row: &Row<'_>) -> Stored<Job> {
    let id: String = row.get(1)?;
    let bad = |what: &str| StoreError(format!("job {id}: {what} is not one of this program"));
    let start: Option<String> = row.get(8)?;
    let code: Option<i64> = row.get(14)?;
    Ok(Job {
        seq: row.get(0)?,
        id: JobId::parse(&id).ok_or_else(|| bad("its id"))?,
        sender: row.get(2)?,
        task: row.get(3)?,
        name: row.get(4)?,
        accepts: row
            .get::<_, String>(5)?
            .split_whitespace()
            .map(str::to_owned)
            .collect(),
        state: State::from_number(row.get(6)?).ok_or_else(|| bad("its state"))?,
        session: row.get(7)?,
        start: match start {
            Some(start) => Some(StartId::parse(&start).ok_or_else(|| bad("its start"))?),
            None => None,
        },
        host: row.get(9)?,
        release: row.get(10)?,
        fence: row.get(11)?,
        repeats: row.get(12)?,
        requeues: row.get(13)?,
        code: match code {
            Some(code) => Some(u16::try_from(code).map_err(|_| bad("its code"))?),
            None => None,
        },
        bytes: row.get(15)?,
        purged: row.get(16)?,
        created: row.get(17)?,
        session_at: row.get(18)?,
        offered: row.get(19)?,
        begun: row.get(20)?,
        ended: row.get(21)?,
    })
}

impl Sqlite {
    /// Runs one statement without an answer.
    fn run(&self, sql: &str) -> Stored<()> {
        self.db()?.prepare_cached(sql)?.execute([])?;
        Ok(())
    }
}

/// Transactions, for [`Engine`].
impl Sqlite {
    fn start(&mut self) -> Stored<()> {
        self.run("BEGIN IMMEDIATE")
    }

    fn give_up(&mut self) {
        // After some errors SQLite has rolled back already.
        let is_open = self
            .connection
            .as_ref()
            .is_some_and(|db| !db.is_autocommit());
        if is_open && self.run("ROLLBACK").is_err() {
            self.connection = None;
        }
    }

    fn reconnect(&mut self) -> Stored<()> {
        if self.connection.is_none() {
            self.connection = Some(self.connect()?);
        }
        Ok(())
    }
}
