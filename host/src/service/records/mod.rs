//! The service's store: accounts, keys, tasks and the like, as sealed records with a history.
//!
//! A record has a kind, an id and a version. [`Records::write`] changes one of them only if nobody
//! else has changed it since it was read, and adds events and further records in the same
//! transaction. So any number of hosts work on the same records without locks: who loses a race
//! reads again. Bodies are encrypted with the queue's master keys; ids, owners and states are in
//! clear, and hold no secret.

mod postgres;
mod sqlite;
#[cfg(test)]
mod tests;

use crate::queue::{Engine, Error, JobId, Keys, Millis, sealing};
use postgres::Postgres;
use sha2::{Digest, Sha256};
use sqlite::Sqlite;
use std::fmt::Write as _;
use std::path::Path;

/// The tables: statements that both databases read alike. A newer version appends to the list.
const MIGRATIONS: [&str; 1] = ["
    CREATE TABLE service_records (
        kind TEXT NOT NULL,
        id TEXT NOT NULL,
        owner TEXT NOT NULL,
        state TEXT NOT NULL,
        due BIGINT,
        created BIGINT NOT NULL,
        version BIGINT NOT NULL,
        body BYTES NOT NULL,
        PRIMARY KEY (kind, id)
    );
    CREATE INDEX service_records_owner ON service_records (kind, owner, created, id);
    CREATE INDEX service_records_due ON service_records (kind, due) WHERE due IS NOT NULL;
    CREATE TABLE service_events (
        record TEXT NOT NULL,
        seq BIGINT NOT NULL,
        key TEXT NOT NULL,
        at BIGINT NOT NULL,
        event TEXT NOT NULL,
        signer BIGINT,
        detail TEXT NOT NULL,
        PRIMARY KEY (record, key)
    );
"];

// Both databases number parameters by `$N`, where N rises in the order of first appearance.
const COLUMNS: &str = "kind, id, owner, state, due, created, version, body";
const INSERT: &str = "INSERT INTO service_records \
    (kind, id, owner, state, due, created, version, body) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (kind, id) DO NOTHING";
const UPDATE: &str = "UPDATE service_records \
    SET owner = $1, state = $2, due = $3, version = version + 1, body = $4 \
    WHERE kind = $5 AND id = $6 AND version = $7";
const EVENT: &str = "INSERT INTO service_events (record, seq, key, at, event, signer, detail) \
    SELECT $1, (SELECT coalesce(max(seq), 0) + 1 FROM service_events WHERE record = $1), \
    $2, $3, $4, $5, $6 WHERE true ON CONFLICT (record, key) DO NOTHING";
const EVENTS: &str = "SELECT key, at, event, signer, detail FROM service_events \
    WHERE record = $1 ORDER BY seq";
const REMOVE: &str = "DELETE FROM service_records WHERE kind = $1 AND id = $2";
const FORGET: &str = "DELETE FROM service_events WHERE record = $1";

/// The kind of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// A sender; the id is its domain.
    Account,
    /// An API key; the id is the SHA-256 of the key.
    Key,
    /// A registration that waits for its DNS record.
    Registration,
    /// A task; the id is its name.
    Task,
    /// A request to a signer; the id is the hash of its PoR.
    Request,
    /// A webhook.
    Webhook,
    /// A delivery to a webhook.
    Delivery,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Key => "key",
            Self::Registration => "registration",
            Self::Task => "task",
            Self::Request => "request",
            Self::Webhook => "webhook",
            Self::Delivery => "delivery",
        }
    }
}

/// A record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) kind: Kind,
    pub(crate) id: String,
    /// Whose it is: the domain of a sender, or empty.
    pub(crate) owner: String,
    /// A word to list by.
    pub(crate) state: String,
    /// When something has to be done about it.
    pub(crate) due: Option<Millis>,
    pub(crate) created: Millis,
    /// The version that was read; 1 for a new one.
    pub(crate) version: i64,
    /// In clear here, sealed in the database.
    pub(crate) body: Vec<u8>,
}

/// One line of a record's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    /// The same key twice is the same event: the second one changes nothing.
    pub(crate) key: String,
    pub(crate) at: Millis,
    /// The word of the event.
    pub(crate) word: String,
    pub(crate) signer: Option<u16>,
    pub(crate) detail: String,
}

/// The changes of one transaction.
#[derive(Debug, Default)]
pub(crate) struct Change<'a> {
    /// The record that must still have the version that was read.
    pub(crate) update: Option<&'a Record>,
    /// The record that must not exist yet.
    pub(crate) insert: Option<&'a Record>,
    /// Records that are added unless they exist.
    pub(crate) add: Vec<Record>,
    /// Records that are removed if they exist.
    pub(crate) remove: Vec<(Kind, &'a str)>,
    /// Events, each with the id of its record.
    pub(crate) events: Vec<(&'a str, Event)>,
}

/// Where a list goes on: time of creation and id of the last one that was seen.
pub(crate) type Cursor = (Millis, String);

/// Which records to list, the newest first.
#[derive(Debug, Clone)]
pub(crate) struct Filter {
    pub(crate) kind: Kind,
    pub(crate) owner: String,
    pub(crate) state: Option<String>,
    pub(crate) after: Option<Cursor>,
    pub(crate) limit: u32,
}

/// The store. Clones are the same store.
#[derive(Clone)]
pub(crate) struct Records {
    database: Database,
    keys: Keys,
}

#[derive(Clone)]
enum Database {
    Sqlite(Sqlite),
    Postgres(Postgres),
}

/// A row before its body is opened, or after it was sealed.
struct Row {
    kind: String,
    id: String,
    owner: String,
    state: String,
    due: Option<i64>,
    created: i64,
    version: i64,
    body: Vec<u8>,
}

/// A change with sealed bodies.
struct Sealed {
    update: Option<Row>,
    insert: Option<Row>,
    add: Vec<Row>,
    remove: Vec<(&'static str, String)>,
    events: Vec<(String, Event)>,
}

/// The object whose identity a record's seal is bound to.
fn identity(kind: &str, id: &str) -> JobId {
    let hash = Sha256::new()
        .chain_update(kind)
        .chain_update([0])
        .chain_update(id)
        .finalize();
    JobId::derived(hash.into())
}

impl Records {
    /// Opens the store: SQLite beside the queue's file (`service.sqlite`), or the queue's
    /// PostgreSQL.
    pub(crate) async fn open(engine: &Engine, keys: Keys) -> Result<Self, Error> {
        let database = match engine {
            Engine::Sqlite { path } => {
                let path = path.with_file_name("service.sqlite");
                let opened = tokio::task::spawn_blocking(move || Sqlite::open(Path::new(&path)));
                Database::Sqlite(opened.await.map_err(|_| Error::Closed)??)
            }
            Engine::Postgres { url } => Database::Postgres(Postgres::open(url).await?),
        };
        Ok(Self { database, keys })
    }

    fn seal(&self, record: &Record) -> Result<Row, Error> {
        let kind = record.kind.word();
        let identity = identity(kind, &record.id);
        Ok(Row {
            kind: kind.to_owned(),
            id: record.id.clone(),
            owner: record.owner.clone(),
            state: record.state.clone(),
            due: record.due,
            created: record.created,
            version: record.version,
            body: sealing::seal_record(&self.keys, &identity, &record.body)?,
        })
    }

    fn opened(&self, kind: Kind, row: Row) -> Result<Record, Error> {
        let identity = identity(kind.word(), &row.id);
        Ok(Record {
            kind,
            body: sealing::open_record(&self.keys, &identity, &row.body)?,
            id: row.id,
            owner: row.owner,
            state: row.state,
            due: row.due,
            created: row.created,
            version: row.version,
        })
    }

    fn all(&self, kind: Kind, rows: Vec<Row>) -> Result<Vec<Record>, Error> {
        rows.into_iter().map(|row| self.opened(kind, row)).collect()
    }

    /// One record.
    pub(crate) async fn get(&self, kind: Kind, id: &str) -> Result<Option<Record>, Error> {
        let sql = format!("SELECT {COLUMNS} FROM service_records WHERE kind = $1 AND id = $2");
        let rows = self
            .select(sql, vec![kind.word().into(), id.into()])
            .await?;
        rows.into_iter()
            .next()
            .map(|row| self.opened(kind, row))
            .transpose()
    }

    /// Changes records in one transaction. `false`: another version of `update` is stored, or
    /// `insert` exists already; nothing was changed then.
    pub(crate) async fn write(&self, change: Change<'_>) -> Result<bool, Error> {
        let sealed = Sealed {
            update: change.update.map(|one| self.seal(one)).transpose()?,
            insert: change.insert.map(|one| self.seal(one)).transpose()?,
            add: change
                .add
                .iter()
                .map(|one| self.seal(one))
                .collect::<Result<_, _>>()?,
            remove: change
                .remove
                .into_iter()
                .map(|(kind, id)| (kind.word(), id.to_owned()))
                .collect(),
            events: change
                .events
                .into_iter()
                .map(|(record, event)| (record.to_owned(), event))
                .collect(),
        };
        match &self.database {
            Database::Sqlite(sqlite) => sqlite.write(sealed).await,
            Database::Postgres(postgres) => postgres.write(sealed).await,
        }
    }

    /// Adds a record. `false`: it exists already.
    pub(crate) async fn insert(&self, record: &Record) -> Result<bool, Error> {
        let change = Change {
            insert: Some(record),
            ..Change::default()
        };
        self.write(change).await
    }

    /// Changes a record. `false`: another version is stored.
    pub(crate) async fn update(&self, record: &Record) -> Result<bool, Error> {
        let change = Change {
            update: Some(record),
            ..Change::default()
        };
        self.write(change).await
    }

    /// Removes a record and its history. `false`: there is none.
    pub(crate) async fn remove(&self, kind: Kind, id: &str) -> Result<bool, Error> {
        let removed = match &self.database {
            Database::Sqlite(sqlite) => sqlite.remove(kind.word(), id).await?,
            Database::Postgres(postgres) => postgres.remove(kind.word(), id).await?,
        };
        Ok(removed)
    }

    /// Records of one owner, the newest first.
    pub(crate) async fn list(&self, filter: Filter) -> Result<Vec<Record>, Error> {
        let mut sql =
            format!("SELECT {COLUMNS} FROM service_records WHERE kind = $1 AND owner = $2");
        let mut values: Vec<Value> = vec![filter.kind.word().into(), filter.owner.into()];
        if let Some(state) = filter.state {
            values.push(state.into());
            let _ = write!(sql, " AND state = ${}", values.len());
        }
        if let Some((created, id)) = filter.after {
            values.push(Value::Number(created));
            let at = values.len();
            values.push(id.into());
            let _ = write!(
                sql,
                " AND (created < ${at} OR (created = ${at} AND id < ${}))",
                at + 1
            );
        }
        values.push(Value::Number(i64::from(filter.limit)));
        let _ = write!(
            sql,
            " ORDER BY created DESC, id DESC LIMIT ${}",
            values.len()
        );
        self.all(filter.kind, self.select(sql, values).await?)
    }

    /// Records that are due, the longest due first.
    pub(crate) async fn due(
        &self,
        kind: Kind,
        now: Millis,
        limit: u32,
    ) -> Result<Vec<Record>, Error> {
        let sql = format!(
            "SELECT {COLUMNS} FROM service_records WHERE kind = $1 AND due <= $2 \
             ORDER BY due LIMIT $3"
        );
        let values = vec![
            kind.word().into(),
            Value::Number(now),
            Value::Number(i64::from(limit)),
        ];
        self.all(kind, self.select(sql, values).await?)
    }

    /// The history of a record, in order.
    pub(crate) async fn events(&self, record: &str) -> Result<Vec<Event>, Error> {
        match &self.database {
            Database::Sqlite(sqlite) => sqlite.events(record).await,
            Database::Postgres(postgres) => postgres.events(record).await,
        }
    }

    async fn select(&self, sql: String, values: Vec<Value>) -> Result<Vec<Row>, Error> {
        match &self.database {
            Database::Sqlite(sqlite) => sqlite.select(sql, values).await,
            Database::Postgres(postgres) => postgres.select(&sql, &values).await,
        }
    }
}

/// A parameter of a statement.
enum Value {
    Text(String),
    Number(i64),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}
