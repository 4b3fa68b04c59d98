//! When work must end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Signals work to end: its deadline has passed, or its caller stopped it. Clones share the
/// signal.
///
/// It interrupts nothing: long loops must poll [`is_stopped`](Self::is_stopped) and return.
#[derive(Debug, Clone)]
pub struct Stop {
    deadline: Instant,
    stopped: Arc<AtomicBool>,
}

impl Stop {
    /// A signal with a deadline this far from now.
    pub fn after(time: Duration) -> Self {
        Self {
            deadline: Instant::now() + time,
            stopped: Arc::default(),
        }
    }

    /// The instant by which the work must have ended.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Ends the work now, for every clone.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
    }

    /// Whether the work must end. Cheap enough for loops with iterations of a few
    /// microseconds.
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
