//! What belongs to one job while it runs: its deadline, its share of the memory, and the host's leave to begin.

use crate::memory::Share;
use futures_util::future::BoxFuture;
use letsesign_job::{ClientError, Stop};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::OnceCell;

/// Mails that are sent as well as they go end so long before the job's deadline: its result must still be made.
const MARGIN: Duration = Duration::from_secs(20);

/// Asks the host.
pub(crate) type Call = Box<dyn Fn() -> BoxFuture<'static, Result<(), ClientError>> + Send + Sync>;

/// The host did not say in time that it knows that the job begins, so there is no mail and no SMS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the host was not told that the job begins")]
pub(crate) struct NotBegun;

/// One job.
pub(crate) struct Context {
    call: Call,
    asked: OnceCell<Result<(), NotBegun>>,
    begun: Arc<AtomicBool>,
    stop: Stop,
    share: Arc<Share>,
}

impl Context {
    /// `begun` is set before the first effect.
    pub(crate) fn new(call: Call, begun: Arc<AtomicBool>, stop: Stop, share: Arc<Share>) -> Self {
        Self {
            call,
            asked: OnceCell::new(),
            begun,
            stop,
            share,
        }
    }

    /// Of no job: nothing may have an effect.
    pub(crate) fn none() -> Self {
        let refused = || -> BoxFuture<'static, _> {
            Box::pin(std::future::ready(Err(ClientError::NotBegun {
                within: Duration::ZERO,
                attempts: 0,
            })))
        };
        Self::new(
            Box::new(refused),
            Arc::default(),
            Stop::after(Duration::ZERO),
            Arc::default(),
        )
    }

    /// Must come before every mail and every SMS. The first call tells the host; the others get the same answer.
    pub(crate) async fn begin(&self) -> Result<(), NotBegun> {
        let ask = || async {
            if let Err(error) = (self.call)().await {
                tracing::warn!("a job ends without its mails: {error}");
                return Err(NotBegun);
            }
            self.begun.store(true, Ordering::SeqCst);
            Ok(())
        };
        *self.asked.get_or_init(ask).await
    }

    /// Ask it in loops that take long.
    pub(crate) fn stop(&self) -> &Stop {
        &self.stop
    }

    /// Held by work that may outlive its job for a moment.
    pub(crate) fn share(&self) -> Arc<Share> {
        Arc::clone(&self.share)
    }

    /// When mails that are sent as well as they go must have gone.
    pub(crate) fn mails_until(&self) -> Instant {
        let deadline = self.stop.deadline();
        deadline.checked_sub(MARGIN).unwrap_or(deadline)
    }
}
