//! The store in PostgreSQL, which several hosts share.

use super::{EVENT, EVENTS, Event, FORGET, INSERT, MIGRATIONS, REMOVE, Row, Sealed, UPDATE, Value};
use crate::queue::Error;
use crate::queue::postgres::schema::Schema;
use crate::queue::postgres::{Server, describe};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::{Mutex, MutexGuard};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Transaction};

/// Connections of one host.
const CONNECTIONS: usize = 4;
/// One use of a connection, altogether.
const TIME: Duration = Duration::from_secs(30);
/// The number of the service's advisory lock.
const LOCK: i64 = 0x6c65_7473_7376_6331;

/// See the module.
#[derive(Clone)]
pub(super) struct Postgres(Arc<Shared>);

struct Shared {
    server: Server,
    clients: [Mutex<Option<Client>>; CONNECTIONS],
    next: AtomicUsize,
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn database(error: tokio_postgres::Error) -> Error {
    Error::Database(describe(&error))
}

fn parameters(values: &[Value]) -> Vec<&(dyn ToSql + Sync)> {
    values.iter().map(parameter).collect()
}

fn parameter(value: &Value) -> &(dyn ToSql + Sync) {
    match value {
        Value::Text(text) => text,
        Value::Number(number) => number,
    }
}

/// A connection that is used. Unless its use ends well it is closed, because a transaction may be
/// open on it.
struct Lent<'a>(MutexGuard<'a, Option<Client>>, bool);

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        if !self.1 {
            *self.0 = None;
        }
    }
}

impl Postgres {
    pub(super) async fn open(url: &str) -> Result<Self, Error> {
        let server = Server::parse(url)?;
        let mut client = server.client().await.map_err(Error::Database)?;
        let steps = MIGRATIONS.map(|step| step.replace("BYTES", "BYTEA"));
        let schema = Schema {
            table: "service_schema",
            lock: LOCK,
            migrations: &steps.each_ref().map(String::as_str),
        };
        schema.migrate(&mut client).await?;
        Ok(Self(Arc::new(Shared {
            server,
            clients: Default::default(),
            next: AtomicUsize::new(0),
        })))
    }

    /// Runs some work on a connection of its own, within [`TIME`].
    async fn with<T>(
        &self,
        work: impl AsyncFnOnce(&mut Client) -> Result<T, tokio_postgres::Error>,
    ) -> Result<T, Error> {
        let late = |_| Error::Database(format!("no answer within {} s", TIME.as_secs()));
        let whole = async {
            let at = self.0.next.fetch_add(1, Ordering::Relaxed) % CONNECTIONS;
            let slot = self.0.clients.get(at).ok_or(Error::Closed)?;
            let mut lent = Lent(slot.lock().await, false);
            if lent.0.as_ref().is_none_or(Client::is_closed) {
                let client = self.0.server.client().await.map_err(Error::Database)?;
                *lent.0 = Some(client);
            }
            let client = lent.0.as_mut().ok_or(Error::Closed)?;
            let done = work(client).await.map_err(database)?;
            lent.1 = true;
            Ok(done)
        };
        tokio::time::timeout(TIME, whole).await.map_err(late)?
    }

    pub(super) async fn select(&self, sql: &str, values: &[Value]) -> Result<Vec<Row>, Error> {
        self.with(async |client| {
            let rows = client.query(sql, &parameters(values)).await?;
            rows.iter()
                .map(|row| {
                    Ok(Row {
                        kind: row.try_get(0)?,
                        id: row.try_get(1)?,
                        owner: row.try_get(2)?,
                        state: row.try_get(3)?,
                        due: row.try_get(4)?,
                        created: row.try_get(5)?,
                        version: row.try_get(6)?,
                        body: row.try_get(7)?,
                    })
                })
                .collect()
        })
        .await
    }

    pub(super) async fn write(&self, change: Sealed) -> Result<bool, Error> {
        self.with(async |client| {
            let transaction = client.transaction().await?;
            if let Some(row) = &change.update {
                let changed = transaction
                    .execute(
                        UPDATE,
                        &[
                            &row.owner,
                            &row.state,
                            &row.due,
                            &row.body,
                            &row.kind,
                            &row.id,
                            &row.version,
                        ],
                    )
                    .await?;
                if changed == 0 {
                    transaction.rollback().await?;
                    return Ok(false);
                }
            }
            if let Some(row) = &change.insert
                && insert(&transaction, row).await? == 0
            {
                transaction.rollback().await?;
                return Ok(false);
            }
            for row in &change.add {
                insert(&transaction, row).await?;
            }
            for (kind, id) in &change.remove {
                transaction.execute(REMOVE, &[kind, id]).await?;
            }
            for (record, event) in &change.events {
                let signer = event.signer.map(i64::from);
                transaction
                    .execute(
                        EVENT,
                        &[
                            record,
                            &event.key,
                            &event.at,
                            &event.word,
                            &signer,
                            &event.detail,
                        ],
                    )
                    .await?;
            }
            transaction.commit().await?;
            Ok(true)
        })
        .await
    }

    pub(super) async fn remove(&self, kind: &str, id: &str) -> Result<bool, Error> {
        self.with(async |client| {
            let transaction = client.transaction().await?;
            let removed = transaction.execute(REMOVE, &[&kind, &id]).await?;
            transaction.execute(FORGET, &[&id]).await?;
            transaction.commit().await?;
            Ok(removed > 0)
        })
        .await
    }

    pub(super) async fn events(&self, record: &str) -> Result<Vec<Event>, Error> {
        self.with(async |client| {
            let rows = client.query(EVENTS, &[&record]).await?;
            rows.iter()
                .map(|row| {
                    let signer: Option<i64> = row.try_get(3)?;
                    Ok(Event {
                        key: row.try_get(0)?,
                        at: row.try_get(1)?,
                        word: row.try_get(2)?,
                        signer: signer.and_then(|signer| u16::try_from(signer).ok()),
                        detail: row.try_get(4)?,
                    })
                })
                .collect()
        })
        .await
    }
}

async fn insert(transaction: &Transaction<'_>, row: &Row) -> Result<u64, tokio_postgres::Error> {
    transaction
        .execute(
            INSERT,
            &[
                &row.kind,
                &row.id,
                &row.owner,
                &row.state,
                &row.due,
                &row.created,
                &row.version,
                &row.body,
            ],
        )
        .await
}
