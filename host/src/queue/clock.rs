//! The time of the queue.

use super::types::Millis;
use std::time::{Instant, SystemTime};

/// The system's time when the queue was opened, and what a monotonic clock has counted since: a
/// system clock that is set forth or back does not touch a running queue.
#[derive(Debug)]
pub(crate) struct Clock {
    opened: Millis,
    since: Instant,
    /// Set by tests.
    #[cfg(feature = "faults")]
    pub(crate) offset: std::sync::atomic::AtomicI64,
}

impl Clock {
    pub(crate) fn new() -> Self {
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        Self {
            opened: i64::try_from(now.as_millis()).unwrap_or(i64::MAX),
            since: Instant::now(),
            #[cfg(feature = "faults")]
            offset: std::sync::atomic::AtomicI64::new(0),
        }
    }

    pub(crate) fn now(&self) -> Millis {
        let passed = i64::try_from(self.since.elapsed().as_millis()).unwrap_or(i64::MAX);
        let now = self.opened.saturating_add(passed);
        #[cfg(feature = "faults")]
        let now = now + self.offset.load(std::sync::atomic::Ordering::Relaxed);
        now
    }
}
