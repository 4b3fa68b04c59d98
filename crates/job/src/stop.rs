//! When work must end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Tells work that nobody waits for it any more: its deadline has passed, or it was stopped. Cloning shares it.
///
/// Nothing is interrupted: loops that take long ask [`is_stopped`](Self::is_stopped) now and then and return.
#[derive(Debug, Clone)]
pub struct Stop {
    deadline: Instant,
    stopped: Arc<AtomicBool>,
}

impl Stop {
    /// Work may go on for this long.
    pub fn after(time: Duration) -> Self {
        Self {
            deadline: Instant::now() + time,
            stopped: Arc::default(),
        }
    }

    /// When the work must have ended.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Ends the work now, for every clone.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
    }

    /// Whether the work must end. Cheap enough for inner loops that do some microseconds of work a round.
    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire) || Instant::now() >= self.deadline
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stops_by_deadline_or_by_word() {
        assert!(Stop::after(Duration::ZERO).is_stopped());
        let stop = Stop::after(Duration::from_hours(1));
        let clone = stop.clone();
        assert!(!clone.is_stopped());
        stop.stop();
        assert!(clone.is_stopped());
    }
}
