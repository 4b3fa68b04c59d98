//! The retry budget of a request, and the delays between its attempts.

use crate::error::Error;
use std::time::Duration;

/// Attempts and pauses. The pause before attempt n is a random share of `base * 2^(n-1)`, at most
/// `most`: "full jitter", so that many clients that were refused together do not come back
/// together.
#[derive(Debug, Clone, Copy)]
pub struct Retry {
    /// Attempts in all.
    pub attempts: u32,
    /// The longest first pause.
    pub base: Duration,
    /// The longest pause.
    pub most: Duration,
}

impl Default for Retry {
    /// Four attempts, pauses of at most 100, 200 and 400 ms.
    fn default() -> Self {
        Self {
            attempts: 4,
            base: Duration::from_millis(100),
            most: Duration::from_secs(2),
        }
    }
}

impl Retry {
    /// The pause before the next attempt after `done` attempts, or `None` without a further
    /// one: the error will stay, or all attempts were made. `random` is 32 random bits.
    pub fn pause(&self, error: Error, done: u32, random: u32) -> Option<Duration> {
        if !error.is_temporary() || done == 0 || done >= self.attempts {
            return None;
        }
        let longest = self
            .base
            .saturating_mul(2_u32.saturating_pow(done - 1))
            .min(self.most);
        let nanos = longest.as_nanos() * u128::from(random) / u128::from(u32::MAX);
        Some(Duration::from_nanos(
            u64::try_from(nanos).unwrap_or(u64::MAX),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end() {
        let retry = Retry::default();
        let longest = |done| retry.pause(Error::Busy(400), done, u32::MAX);
        assert_eq!(longest(1), Some(Duration::from_millis(100)));
        assert_eq!(longest(2), Some(Duration::from_millis(200)));
        assert_eq!(longest(3), Some(Duration::from_millis(400)));
        assert_eq!(longest(4), None);
        assert_eq!(retry.pause(Error::Failed(500), 1, 0), Some(Duration::ZERO));
        assert_eq!(retry.pause(Error::Refused, 1, 7), None);
        let many = Retry {
            attempts: u32::MAX,
            ..retry
        };
        assert_eq!(
            many.pause(Error::Busy(429), 4_000_000_000, u32::MAX),
            Some(retry.most)
        );
    }
}
