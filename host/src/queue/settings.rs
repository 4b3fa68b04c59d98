//! How a queue is set up.

use super::body::keys::MasterKey;
use super::body::objects::Objects;
use super::core::Timing;
use super::quota::Allowances;
use std::path::PathBuf;
use std::sync::Arc;

/// Which database.
#[derive(Clone)]
pub enum Engine {
    /// SQLite: one host, no other server.
    Sqlite {
        /// The database's file; `-wal` and `-shm` files are beside it.
        path: PathBuf,
    },
    /// PostgreSQL: many hosts.
    Postgres {
        /// `postgres://USER:PASSWORD@HOST:PORT/NAME?sslmode=require`, or key and value pairs as of
        /// libpq. `sslmode=require` checks the server's certificate and name.
        url: String,
    },
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Engine::Sqlite { path } => f.debug_struct("Sqlite").field("path", path).finish(),
            // The URL may hold a password.
            Engine::Postgres { .. } => f.debug_struct("Postgres").finish_non_exhaustive(),
        }
    }
}

/// How a queue is set up.
#[derive(Clone)]
pub struct Settings {
    /// The database.
    pub engine: Engine,
    /// Where bodies beyond 64 KiB are.
    pub objects: Objects,
    /// The master keys: the first one seals, all of them open.
    pub keys: Vec<Arc<dyn MasterKey>>,
    /// How long things wait.
    pub timing: Timing,
    /// The quotas of senders.
    pub quotas: Allowances,
    /// This host's name; hosts that share a database have different ones.
    pub host: String,
}
