//! The end of a start: of its enclave, in the queue and in the records, in this order.

use super::{Member, Running};
use crate::queue::StartId;
use crate::supervisor::launcher::Handle;
use crate::supervisor::parts::Backlog;
use std::time::Duration;
use tokio::time::sleep;
use tracing::error;

/// Between two attempts at what fails on the way to an end: a queue or a launcher that does not
/// answer.
const AGAIN: Duration = Duration::from_secs(1);
/// How long connections of an enclave that has ended may take to be read to their ends.
const SETTLE: Duration = Duration::from_secs(5);

impl<B: Backlog> Member<B> {
    /// Ends a start, once what it still had to say has been read.
    pub(super) async fn finish(&self, running: Running<B>) {
        running.api.set_draining(true);
        self.terminate(&running.handle).await;
        running.api.settle(SETTLE).await;
        self.gone(&running.start).await;
    }

    /// Ends a start that is not served.
    pub(super) async fn end(&self, start: &StartId, handle: &Handle) {
        self.terminate(handle).await;
        self.gone(start).await;
    }

    /// Notes that a start has ended.
    async fn gone(&self, start: &StartId) {
        self.ended_in_queue(start).await;
        self.forget(start).await;
    }

    /// Ends an enclave, however often that takes: while it may run, its jobs are not given away.
    async fn terminate(&self, handle: &Handle) {
        let grace = self.shared.settings.timing.grace;
        while let Err(error) = self.shared.launcher.terminate(handle, grace).await {
            error!(%error, "cannot end the enclave; trying again");
            sleep(AGAIN).await;
        }
    }

    async fn ended_in_queue(&self, start: &StartId) {
        loop {
            match self.shared.queue.start_ended(start).await {
                Ok(ended) if ended.unknown > 0 => {
                    error!(
                        unknown = ended.unknown,
                        "jobs that had begun have no result; decide them: letsesign-host jobs list \
                         --state unknown"
                    );
                    return;
                }
                Ok(_) => return,
                Err(error) => {
                    error!(%error, "the queue does not answer; trying again");
                    sleep(AGAIN).await;
                }
            }
        }
    }

    /// Removes the record of a start that has ended.
    pub(super) async fn forget(&self, start: &StartId) {
        while let Err(error) = self.shared.records.forget(start.as_str()) {
            error!(%error, "trying again");
            sleep(AGAIN).await;
        }
        self.shared.prune();
    }
}
