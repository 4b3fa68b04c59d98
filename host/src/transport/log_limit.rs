//! Log lines that a peer can cause, at a limited rate.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

/// Between two lines of one kind.
const PAUSE: Duration = Duration::from_secs(10);

/// Allows one line every ten seconds, and counts the others.
#[derive(Debug, Default)]
pub struct LogLimit(Mutex<(Option<Instant>, u64)>);

impl LogLimit {
    /// The number of lines left out since the last one, when a line is due now.
    pub fn due(&self) -> Option<u64> {
        self.due_at(Instant::now())
    }

    fn due_at(&self, now: Instant) -> Option<u64> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (last, left_out) = &mut *state;
        if last.is_some_and(|last| now.saturating_duration_since(last) < PAUSE) {
            *left_out += 1;
            return None;
        }
        *last = Some(now);
        Some(std::mem::take(left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_in_ten_seconds_and_the_others_are_counted() {
        let (limit, start) = (LogLimit::default(), Instant::now());
        assert_eq!(limit.due_at(start), Some(0));
        for second in 1..10 {
            assert_eq!(limit.due_at(start + Duration::from_secs(second)), None);
        }
        assert_eq!(limit.due_at(start + Duration::from_secs(10)), Some(9));
        assert_eq!(limit.due_at(start + Duration::from_secs(11)), None);
    }
}
