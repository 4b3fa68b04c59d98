//! Exponential backoff with jitter.
//!
//! canoni's registry client has delays of its own: it heeds `Retry-After`, and this crate would
//! bring tokio and vsock along. So has letsesign-kms, which leaves time and chance to its caller.

use std::time::Duration;

/// Delays that double from `first` to `most`, each shortened by a random part of up to a half, so
/// that many workers (or many enclaves) do not connect at the same moment.
#[derive(Debug, Clone)]
pub struct Backoff {
    first: Duration,
    most: Duration,
    next: Duration,
}

impl Backoff {
    /// Starts at `first`.
    pub fn new(first: Duration, most: Duration) -> Self {
        Self {
            first,
            most,
            next: first.min(most),
        }
    }

    /// The next delay.
    pub fn delay(&mut self) -> Duration {
        let whole = self.next;
        self.next = whole.saturating_mul(2).min(self.most);
        jitter(whole)
    }

    /// Resets the delay to `first`, after a success.
    pub fn reset(&mut self) {
        self.next = self.first.min(self.most);
    }
}

/// Between half of `whole` and all of it. Without random numbers, all of it: a delay is not secret.
fn jitter(whole: Duration) -> Duration {
    let random = getrandom::u32().unwrap_or(u32::MAX);
    let half = whole / 2;
    half + half.mul_f64(f64::from(random) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_to_its_bound_and_starts_again() {
        let ms = Duration::from_millis;
        let mut backoff = Backoff::new(ms(100), ms(1000));
        for whole in [100, 200, 400, 800, 1000, 1000] {
            let delay = backoff.delay();
            assert!(
                delay >= ms(whole) / 2 && delay <= ms(whole),
                "{delay:?} of {whole}"
            );
        }
        backoff.reset();
        assert!(backoff.delay() <= ms(100));
    }
}
