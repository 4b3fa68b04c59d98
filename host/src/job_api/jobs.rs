//! Where the jobs come from.

use crate::queue::{Asker, Error, FinishError, Finished, Offer, StartId};
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use std::io;
use std::time::Duration;

/// A source of jobs: the queue, or a test double.
#[async_trait]
pub trait Jobs: Send + Sync + 'static {
    /// The next job for this start of an enclave.
    async fn offer(&self, asker: &Asker) -> Result<Option<Offer>, Error>;

    /// Returns when a job may be waiting, or after that time.
    async fn changed(&self, at_most: Duration);

    /// Whether the job of this session may have its first effect. When this is true, it is durable.
    async fn begin(&self, start: &StartId, session: &str) -> Result<bool, Error>;

    /// Takes a result, `{"session": S, "jobResult": {"code": C, ...}}`. When it returns, the result
    /// is durable.
    async fn finish(
        &self,
        start: &StartId,
        body: BoxStream<'static, Result<Bytes, io::Error>>,
    ) -> Result<Finished, FinishError>;
}
