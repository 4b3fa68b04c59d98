//! The store in a file: SQLite in WAL mode, every commit durable (`synchronous=FULL`).

use super::{EVENT, EVENTS, Event, FORGET, INSERT, MIGRATIONS, REMOVE, Row, Sealed, UPDATE, Value};
use crate::queue::Error;
use crate::queue::sqlite::connect;
use crate::queue::sqlite::schema::migrate_by;
use rusqlite::types::ToSqlOutput;
use rusqlite::{Connection, ToSql, TransactionBehavior, params, params_from_iter};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// See the module. One connection: a transaction here is small and local.
#[derive(Clone)]
pub(super) struct Sqlite(Arc<Mutex<Connection>>);

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        match self {
            Self::Text(text) => text.to_sql(),
            Self::Number(number) => number.to_sql(),
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn database(error: rusqlite::Error) -> Error {
    // Names of tables and files, never values.
    Error::Database(error.to_string())
}

impl Sqlite {
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let opening =
            |error: rusqlite::Error| Error::Database(format!("{}: {error}", path.display()));
        let connection = connect(path, true).map_err(opening)?;
        let steps = MIGRATIONS.map(|step| step.replace("BYTES", "BLOB"));
        migrate_by(&connection, &steps.each_ref().map(String::as_str))?;
        Ok(Self(Arc::new(Mutex::new(connection))))
    }

    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Error> {
        let connection = Arc::clone(&self.0);
        let done = tokio::task::spawn_blocking(move || {
            // A panic in between drops its transaction, which rolls it back.
            work(&mut connection.lock().unwrap_or_else(PoisonError::into_inner))
        });
        done.await.map_err(|_| Error::Closed)?.map_err(database)
    }

    pub(super) async fn select(&self, sql: String, values: Vec<Value>) -> Result<Vec<Row>, Error> {
        self.with(move |db| {
            let mut statement = db.prepare_cached(&sql)?;
            let rows = statement.query_map(params_from_iter(values), |row| {
                Ok(Row {
                    kind: row.get(0)?,
                    id: row.get(1)?,
                    owner: row.get(2)?,
                    state: row.get(3)?,
                    due: row.get(4)?,
                    created: row.get(5)?,
                    version: row.get(6)?,
                    body: row.get(7)?,
                })
            })?;
            rows.collect()
        })
        .await
    }

    pub(super) async fn write(&self, change: Sealed) -> Result<bool, Error> {
        self.with(move |db| {
            let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
            if let Some(row) = &change.update {
                let mut statement = transaction.prepare_cached(UPDATE)?;
                let changed = statement.execute(params![
                    row.owner,
                    row.state,
                    row.due,
                    row.body,
                    row.kind,
                    row.id,
                    row.version
                ])?;
                if changed == 0 {
                    return Ok(false);
                }
            }
            let insert = |row: &Row| {
                transaction.prepare_cached(INSERT)?.execute(params![
                    row.kind,
                    row.id,
                    row.owner,
                    row.state,
                    row.due,
                    row.created,
                    row.version,
                    row.body
                ])
            };
            if let Some(row) = &change.insert
                && insert(row)? == 0
            {
                return Ok(false);
            }
            for row in &change.add {
                insert(row)?;
            }
            for (kind, id) in &change.remove {
                transaction
                    .prepare_cached(REMOVE)?
                    .execute(params![kind, id])?;
            }
            for (record, event) in &change.events {
                transaction.prepare_cached(EVENT)?.execute(params![
                    record,
                    event.key,
                    event.at,
                    event.word,
                    event.signer.map(i64::from),
                    event.detail
                ])?;
            }
            transaction.commit()?;
            Ok(true)
        })
        .await
    }

    pub(super) async fn remove(&self, kind: &str, id: &str) -> Result<bool, Error> {
        let (kind, id) = (kind.to_owned(), id.to_owned());
        self.with(move |db| {
            let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let removed = transaction.execute(REMOVE, params![kind, id])?;
            transaction.execute(FORGET, params![id])?;
            transaction.commit()?;
            Ok(removed > 0)
        })
        .await
    }

    pub(super) async fn events(&self, record: &str) -> Result<Vec<Event>, Error> {
        let record = record.to_owned();
        self.with(move |db| {
            let mut statement = db.prepare_cached(EVENTS)?;
            let rows = statement.query_map(params![record], |row| {
                Ok(Event {
                    key: row.get(0)?,
                    at: row.get(1)?,
                    word: row.get(2)?,
                    signer: row.get(3)?,
                    detail: row.get(4)?,
                })
            })?;
            rows.collect()
        })
        .await
    }
}
