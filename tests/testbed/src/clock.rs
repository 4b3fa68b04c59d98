//! Time as a service of the testbed sees it.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// The machine's clock and an offset.
#[derive(Debug, Default)]
pub struct Clock(AtomicI64);

impl Clock {
    /// Milliseconds since 1970.
    pub fn now(&self) -> u64 {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .expect("after 1970");
        let now = u64::try_from(now.as_millis()).expect("before the year 500,000,000");
        now.saturating_add_signed(self.0.load(Ordering::SeqCst))
    }

    /// From now on it is so many milliseconds ahead of the machine's clock (or, negative, behind).
    pub fn set_offset(&self, milliseconds: i64) {
        self.0.store(milliseconds, Ordering::SeqCst);
    }
}
