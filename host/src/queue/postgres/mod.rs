//! The engine of many hosts: PostgreSQL.
//!
//! Each connection has a thread and a runtime of its own, so that the rules run as they do over
//! SQLite. Transactions are READ COMMITTED: rows that change are locked when they are read, in the
//! order of their ids, and queued jobs that another host holds are passed over (SKIP LOCKED).

mod listen;
mod read;
pub(crate) mod schema;
mod server;
mod write;

pub(crate) use server::Server;

use super::store::{Job, StoreError, Stored};
use super::types::{JobId, StartId, State};
use std::collections::HashMap;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row, Statement};

/// Connections of one host that change the database.
pub(super) const WRITERS: usize = 3;
/// One statement, or connecting, altogether; then the connection counts as lost.
const STATEMENT: Duration = Duration::from_secs(30);

type Parameters<'a> = &'a [&'a (dyn ToSql + Sync)];

/// See the module.
pub(crate) struct Postgres {
    server: Server,
    runtime: Runtime,
    session: Option<Session>,
    /// The last error may be gone at the next attempt.
    is_passing: bool,
}

struct Session {
    client: Client,
    statements: HashMap<String, Statement>,
}

impl Session {
    async fn statement(&mut self, sql: &str) -> Result<Statement, tokio_postgres::Error> {
        if let Some(statement) = self.statements.get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.client.prepare(sql).await?;
        self.statements.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }
}

/// The error without values of rows: the server's message and code, not its details.
pub(crate) fn describe(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(db) => format!(
            "{} (SQLSTATE {})",
            db.message().escape_debug(),
            db.code().code()
        ),
        None => error.to_string(),
    }
}

impl Postgres {
    fn reconnect(&mut self) -> Stored<()> {
        if self
            .session
            .as_ref()
            .is_some_and(|session| session.client.is_closed())
        {
            self.session = None;
        }
        if self.session.is_none() {
            self.is_passing = false;
            let client = self
                .runtime
                .block_on(self.server.client())
                .map_err(StoreError)?;
            self.session = Some(Session {
                client,
                statements: HashMap::new(),
            });
        }
        Ok(())
    }

    fn query(&mut self, sql: &str, parameters: Parameters<'_>) -> Stored<Vec<Row>> {
        let Some(session) = &mut self.session else {
            self.is_passing = true;
            return Err(StoreError("the connection is lost".into()));
        };
        let work = async {
            let statement = session.statement(sql).await?;
            session.client.query(&statement, parameters).await
        };
        let done = self
            .runtime
            .block_on(async { tokio::time::timeout(STATEMENT, work).await });
        match done {
            Ok(Ok(rows)) => Ok(rows),
            Ok(Err(error)) => {
                let passing = [
                    SqlState::T_R_SERIALIZATION_FAILURE,
                    SqlState::T_R_DEADLOCK_DETECTED,
                ];
                self.is_passing =
                    error.is_closed() || error.code().is_some_and(|code| passing.contains(code));
                Err(StoreError(describe(&error)))
            }
            Err(_) => {
                self.session = None;
                self.is_passing = false;
                Err(StoreError(format!(
                    "no answer within {} s",
                    STATEMENT.as_secs()
                )))
            }
        }
    }

    fn run(&mut self, sql: &str, parameters: Parameters<'_>) -> Stored<()> {
        self.query(sql, parameters).map(drop)
    }

    fn select(&mut self, rest: &str, parameters: Parameters<'_>) -> Stored<Vec<Job>> {
        let sql = format!("SELECT {} FROM {rest}", crate::queue::sqlite::COLUMNS);
        self.query(&sql, parameters)?
            .iter()
            .map(job_of_row)
            .collect()
    }

    fn give_up(&mut self) {
        let passing = self.is_passing;
        if self.run("ROLLBACK", &[]).is_err() {
            self.session = None;
        }
        self.is_passing = passing;
    }
}

/// A column, by its place.
fn get<'a, T: tokio_postgres::types::FromSql<'a>>(row: &'a Row, at: usize) -> Stored<T> {
    row.try_get(at)
        .map_err(|error| StoreError(error.to_string()))
}

fn job_of_row(row: &Row) -> Stored<Job> {
    let id: String = get(row, 1)?;
    let bad = |what: &str| StoreError(format!("job {id}: {what} is not one of this program"));
    let start: Option<String> = get(row, 8)?;
    let code: Option<i64> = get(row, 14)?;
    let state = i16::try_from(get::<i64>(row, 6)?)
        .ok()
        .and_then(State::from_number);
    Ok(Job {
        seq: get(row, 0)?,
        id: JobId::parse(&id).ok_or_else(|| bad("its id"))?,
        sender: get(row, 2)?,
        task: get(row, 3)?,
        name: get(row, 4)?,
        accepts: get::<String>(row, 5)?
            .split_whitespace()
            .map(str::to_owned)
            .collect(),
        state: state.ok_or_else(|| bad("its state"))?,
        session: get(row, 7)?,
        start: match start {
            Some(start) => Some(StartId::parse(&start).ok_or_else(|| bad("its start"))?),
            None => None,
        },
        host: get(row, 9)?,
        release: get(row, 10)?,
        fence: get(row, 11)?,
        repeats: get(row, 12)?,
        requeues: get(row, 13)?,
        code: match code {
            Some(code) => Some(u16::try_from(code).map_err(|_| bad("its code"))?),
            None => None,
        },
        bytes: get(row, 15)?,
        purged: get(row, 16)?,
        created: get(row, 17)?,
        session_at: get(row, 18)?,
        offered: get(row, 19)?,
        begun: get(row, 20)?,
        ended: get(row, 21)?,
    })
}
