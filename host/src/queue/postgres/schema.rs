//! The tables, and how older ones become newer ones.

use super::describe;
use crate::queue::error::Error;
use tokio_postgres::{Client, Transaction};

/// Each brings the schema from the version of its place to the next one.
const MIGRATIONS: [&str; 1] = [r"
    CREATE TABLE jobs (
        seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        id text NOT NULL UNIQUE,
        sender text NOT NULL,
        task text,
        name text NOT NULL,
        accepts text NOT NULL,
        state bigint NOT NULL,
        session text,
        start text,
        host text,
        release bigint,
        fence bigint NOT NULL,
        repeats bigint NOT NULL,
        requeues bigint NOT NULL,
        code bigint,
        bytes bigint NOT NULL,
        purged boolean NOT NULL,
        created bigint NOT NULL,
        session_at bigint,
        offered bigint,
        begun bigint,
        ended bigint
    ) WITH (fillfactor = 70);
    CREATE INDEX jobs_waiting ON jobs (sender, seq) WHERE state = 0;
    CREATE INDEX jobs_of_start ON jobs (start, offered) WHERE state IN (1, 2);
    CREATE INDEX jobs_stale ON jobs (session_at) WHERE state = 1;
    CREATE INDEX jobs_usage ON jobs (sender, bytes) WHERE state IN (0, 1, 2);
    CREATE INDEX jobs_state ON jobs (state);
    CREATE INDEX jobs_task ON jobs (task) WHERE task IS NOT NULL;
    CREATE INDEX jobs_ended ON jobs (ended) WHERE state IN (3, 4);
    CREATE TABLE bodies (
        job text NOT NULL,
        kind bigint NOT NULL,
        bytes bigint NOT NULL,
        inline bytea,
        object text,
        PRIMARY KEY (job, kind)
    );
    ALTER TABLE bodies ALTER COLUMN inline SET STORAGE EXTERNAL;
    CREATE INDEX bodies_object ON bodies (object) WHERE object IS NOT NULL;
    CREATE TABLE events (
        seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        job text NOT NULL,
        at bigint NOT NULL,
        event text NOT NULL,
        detail text NOT NULL
    );
    CREATE INDEX events_job ON events (job);
    CREATE TABLE tasks (task text PRIMARY KEY, release bigint NOT NULL);
    CREATE TABLE starts (start text PRIMARY KEY, ended bigint NOT NULL);
    CREATE TABLE spent (
        sender text NOT NULL,
        hour bigint NOT NULL,
        ms bigint NOT NULL,
        PRIMARY KEY (sender, hour)
    );
    CREATE TABLE releases (release bigint PRIMARY KEY);
"];

/// The number of the queue's advisory lock.
const LOCK: i64 = 0x6c65_7473_6873_7431;

/// The queue's schema.
const SCHEMA: Schema<'_> = Schema {
    table: "letsesign_host_schema",
    lock: LOCK,
    migrations: &MIGRATIONS,
};

/// Tables of one part of the host, and how older ones become newer ones.
pub(crate) struct Schema<'a> {
    /// The table with the version.
    pub(crate) table: &'a str,
    /// Hosts that start at once migrate one after the other: the number of an advisory lock.
    pub(crate) lock: i64,
    /// Each brings the schema from the version of its place to the next one.
    pub(crate) migrations: &'a [&'a str],
}

/// Brings the queue's schema up to date; refuses a server that is not durable.
pub(super) async fn migrate(client: &mut Client) -> Result<(), Error> {
    let database = |error: tokio_postgres::Error| Error::Database(describe(&error));
    let row = client
        .query_one("SHOW fsync", &[])
        .await
        .map_err(database)?;
    if row.try_get::<_, &str>(0).map_err(database)? != "on" {
        return Err(Error::Setting(
            "the database has fsync = off: its commits are not durable, and jobs would be worked \
             twice after a crash. Set fsync = on"
                .into(),
        ));
    }
    SCHEMA.migrate(client).await
}

impl Schema<'_> {
    /// Brings the schema up to date, in one transaction; refuses a newer one.
    pub(crate) async fn migrate(&self, client: &mut Client) -> Result<(), Error> {
        let database = |error: tokio_postgres::Error| Error::Database(describe(&error));
        let transaction = client.transaction().await.map_err(database)?;
        transaction
            .query("SELECT pg_advisory_xact_lock($1)", &[&self.lock])
            .await
            .map_err(database)?;
        self.steps(&transaction).await?;
        transaction.commit().await.map_err(database)
    }

    async fn steps(&self, transaction: &Transaction<'_>) -> Result<(), Error> {
        let database = |error: tokio_postgres::Error| Error::Database(describe(&error));
        let table = self.table;
        let make = format!("CREATE TABLE IF NOT EXISTS {table} (version bigint NOT NULL)");
        transaction.batch_execute(&make).await.map_err(database)?;
        let read = format!("SELECT coalesce(max(version), 0) FROM {table}");
        let row = transaction.query_one(&read, &[]).await.map_err(database)?;
        let found: i64 = row.try_get(0).map_err(database)?;
        let known = i64::try_from(self.migrations.len()).unwrap_or(i64::MAX);
        if found > known {
            return Err(Error::NewerSchema { found, known });
        }
        let done = usize::try_from(found).unwrap_or(0);
        for step in self.migrations.iter().skip(done) {
            transaction.batch_execute(step).await.map_err(database)?;
        }
        if found < known {
            let write = format!("INSERT INTO {table} (version) VALUES ($1)");
            transaction
                .execute(&write, &[&known])
                .await
                .map_err(database)?;
        }
        Ok(())
    }
}
