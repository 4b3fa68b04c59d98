//! The queue, as the job API and the supervisor of one host see it.

use crate::job_api::Jobs;
use crate::queue::{Asker, Ended, Error, FinishError, Finished, Offer, OpenStart, Queue, StartId};
use crate::supervisor::Backlog;
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use std::io;
use std::time::Duration;

/// A queue, and which of its starts are this host's.
#[derive(Clone)]
pub struct HostQueue {
    queue: Queue,
    /// `None`: all are, because no other host can reach this queue.
    host: Option<String>,
}

impl HostQueue {
    /// A queue of this host alone, whatever its name was before.
    pub fn alone(queue: Queue) -> Self {
        Self { queue, host: None }
    }

    /// A queue that hosts share; this one has that name.
    pub fn shared(queue: Queue, host: String) -> Self {
        Self {
            queue,
            host: Some(host),
        }
    }

    /// The queue.
    pub fn queue(&self) -> &Queue {
        &self.queue
    }
}

#[async_trait]
impl Jobs for HostQueue {
    async fn offer(&self, asker: &Asker) -> Result<Option<Offer>, Error> {
        self.queue.offer(asker).await
    }

    async fn changed(&self, at_most: Duration) {
        self.queue.changed(at_most).await;
    }

    async fn begin(&self, start: &StartId, session: &str) -> Result<bool, Error> {
        self.queue.begin(start, session).await
    }

    async fn finish(
        &self,
        start: &StartId,
        body: BoxStream<'static, Result<Bytes, io::Error>>,
    ) -> Result<Finished, FinishError> {
        self.queue.finish(start, body).await
    }
}

#[async_trait]
impl Backlog for HostQueue {
    async fn start_ended(&self, start: &StartId) -> Result<Ended, Error> {
        self.queue.start_ended(start).await
    }

    async fn open_starts(&self) -> Result<Vec<OpenStart>, Error> {
        let mut starts = self.queue.starts().await?;
        if let Some(host) = &self.host {
            starts.retain(|open| open.host == *host);
        }
        Ok(starts)
    }

    async fn is_used(&self, release: i64) -> Result<bool, Error> {
        self.queue.release_is_used(release).await
    }
}
