//! The server's clock. The host can change an enclave's wall clock; it cannot change the NSM's,
//! whose time stands in every attestation document. So the time is that of the newest document and
//! what has passed since by the monotonic clock.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Deviation from a new document's time above which the server logs the correction.
const NEWS: Duration = Duration::from_secs(2);

/// The trusted clock; cloning shares it.
#[derive(Debug, Clone)]
pub(crate) struct Clock(Arc<Mutex<Reading>>);

#[derive(Debug, Clone, Copy)]
struct Reading {
    /// The document's time, in milliseconds since 1970.
    document: u64,
    at: Instant,
}

impl Reading {
    fn time(&self) -> u64 {
        let passed = u64::try_from(self.at.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.document.saturating_add(passed)
    }
}

impl Clock {
    /// Starts with a document's time.
    pub(crate) fn new(document: u64) -> Self {
        Self(Arc::new(Mutex::new(Reading {
            document,
            at: Instant::now(),
        })))
    }

    /// Milliseconds since 1970 (UTC).
    pub(crate) fn millis(&self) -> u64 {
        self.reading().time()
    }

    /// Seconds since 1970 (UTC).
    pub(crate) fn seconds(&self) -> u64 {
        self.millis() / 1000
    }

    /// Takes the time of a document that the NSM has just made.
    pub(crate) fn correct(&self, document: u64) {
        let mut reading = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let drift = reading.time().abs_diff(document);
        if Duration::from_millis(drift) > NEWS {
            tracing::warn!(drift_ms = drift, "the clock is set by the NSM's time");
        }
        *reading = Reading {
            document,
            at: Instant::now(),
        };
    }

    fn reading(&self) -> Reading {
        // Readings are replaced as a whole, so a poisoned lock still holds a valid one.
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl letsesign_net::Clock for Clock {
    fn now(&self) -> Duration {
        Duration::from_millis(self.millis())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_document_decides() {
        let clock = Clock::new(1_000_000);
        assert!((1_000_000..1_060_000).contains(&clock.millis()));
        clock.correct(5_000_000);
        assert!((5_000_000..5_060_000).contains(&clock.millis()));
        // Correct the clock backwards too: the document's time is authoritative, ours is an
        // estimate.
        clock.correct(2_000_000);
        assert!((2_000..2_060).contains(&clock.seconds()));
    }
}
