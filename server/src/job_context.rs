//! The context of one running job: its deadline, its share of the memory, and the host's
//! acknowledgement that it begins.

use crate::memory::Share;
use futures_util::future::BoxFuture;
use letsesign_job_protocol::{ClientError, Stop};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::OnceCell;

/// Best-effort mails end this long before the job's deadline, to leave time for the result.
const MARGIN: Duration = Duration::from_secs(20);

/// Sends `begin-job` to the host.
pub(crate) type Call = Box<dyn Fn() -> BoxFuture<'static, Result<(), ClientError>> + Send + Sync>;

/// The host did not acknowledge `begin-job` in time, so the job must not send a mail or an SMS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the host did not acknowledge the start of the job")]
pub(crate) struct NotBegun;

/// One job.
pub(crate) struct JobContext {
    call: Call,
    asked: OnceCell<Result<(), NotBegun>>,
    begun: Arc<AtomicBool>,
    stop: Stop,
    share: Arc<Share>,
}

impl JobContext {
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

    /// A context without a job. It permits no effect: no mail and no SMS.
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

    /// Call this before every mail and every SMS. The first call sends `begin-job` to the host;
    /// later calls return the same answer.
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

    /// Poll it in long loops.
    pub(crate) fn stop(&self) -> &Stop {
        &self.stop
    }

    /// Held by work that may outlive its job for a moment.
    pub(crate) fn share(&self) -> Arc<Share> {
        Arc::clone(&self.share)
    }

    /// The deadline of best-effort mails.
    pub(crate) fn mails_until(&self) -> Instant {
        let deadline = self.stop.deadline();
        deadline.checked_sub(MARGIN).unwrap_or(deadline)
    }
}
