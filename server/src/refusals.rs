//! The failure budget of a data key: how many times the server may refuse its content
//! (docs/security.md, "Failure budget").
//!
//! Parts of a task have no authentication, so each refusal tells whoever chose the ciphertext
//! something about the plaintext: that it was not accepted. The budget bounds how often. A counter
//! belongs to a KMS key and a wrapped data key. Counters are found by a keyed hash and never
//! evicted, so nobody can make room for more attempts or aim at somebody else's counter.

use letsesign_kms::hmac_sha256;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;
use zeroize::Zeroizing;

/// Number of counters, one byte each.
const COUNTERS: usize = 1 << 20;

/// The budget of a data key is used up.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Exhausted;

/// Place of a counter.
type Place = usize;

struct State {
    failures: Box<[u8]>,
    /// Jobs that are being checked now, by counter. As few as there are workers.
    reserved: HashMap<Place, u8>,
}

/// All counters. They start at zero with every start of the enclave.
pub(crate) struct Refusals {
    hash_key: Zeroizing<[u8; 32]>,
    /// Failures that a counter allows.
    most: u8,
    state: Mutex<State>,
    released: Notify,
}

impl Refusals {
    /// Allows `most` failures for each data key. Draws a random hash key.
    ///
    /// # Errors
    /// If the system gives no random bytes.
    pub(crate) fn new(most: u8) -> Result<Self, getrandom::Error> {
        let mut hash_key = Zeroizing::new([0; 32]);
        getrandom::fill(hash_key.as_mut_slice())?;
        Ok(Self {
            hash_key,
            most,
            state: Mutex::new(State {
                failures: vec![0; COUNTERS].into(),
                reserved: HashMap::new(),
            }),
            released: Notify::new(),
        })
    }

    fn place(&self, key_arn: &str, data_key: &[u8]) -> Place {
        let length = (key_arn.len() as u64).to_be_bytes();
        let mac = hmac_sha256(&*self.hash_key, &[&length, key_arn.as_bytes(), data_key]);
        let [a, b, c, d, ..] = *mac;
        u32::from_be_bytes([a, b, c, d]) as usize % COUNTERS
    }

    /// Whether one of these wrapped data keys has no attempt left. Check this before calling KMS.
    pub(crate) fn is_exhausted<'a>(
        &self,
        key_arn: &str,
        mut data_keys: impl Iterator<Item = &'a [u8]>,
    ) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        data_keys.any(|key| state.failures(self.place(key_arn, key)) >= self.most)
    }

    /// Reserves one attempt for each data key, before anything is decrypted with them. While
    /// running checks might use up the rest of the budget, this waits for their verdicts: parallel
    /// jobs cannot exceed the budget, and honest parallel jobs are not refused.
    pub(crate) async fn reserve<'a>(
        self: &Arc<Self>,
        key_arn: &str,
        data_keys: impl Iterator<Item = &'a [u8]>,
    ) -> Result<Reservation, Exhausted> {
        let mut places: Vec<Place> = data_keys.map(|key| self.place(key_arn, key)).collect();
        places.sort_unstable();
        places.dedup();
        loop {
            // Register before reading the counters, so that no release in between is missed.
            let mut released = Box::pin(self.released.notified());
            released.as_mut().enable();
            {
                let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
                if places
                    .iter()
                    .any(|place| state.failures(*place) >= self.most)
                {
                    return Err(Exhausted);
                }
                if places.iter().all(|place| state.taken(*place) < self.most) {
                    for place in &places {
                        *state.reserved.entry(*place).or_insert(0) += 1;
                    }
                    return Ok(Reservation {
                        budget: Arc::clone(self),
                        places,
                        refused: None,
                    });
                }
            }
            released.await;
        }
    }
}

impl State {
    fn failures(&self, place: Place) -> u8 {
        // Every place is below the number of counters.
        self.failures.get(place).copied().unwrap_or(u8::MAX)
    }

    fn taken(&self, place: Place) -> u8 {
        let reserved = self.reserved.get(&place).copied().unwrap_or(0);
        self.failures(place).saturating_add(reserved)
    }
}

/// Reserved attempts. If dropped without a verdict, all count as failures: otherwise an attacker
/// would get free attempts by letting jobs time out.
pub(crate) struct Reservation {
    budget: Arc<Refusals>,
    places: Vec<Place>,
    /// The places that failed, when there is a verdict.
    refused: Option<Vec<Place>>,
}

impl Reservation {
    /// The content of all data keys was accepted.
    pub(crate) fn accepted(mut self) {
        self.refused = Some(Vec::new());
    }

    /// The content of these data keys was refused; that of the others was accepted or not checked.
    pub(crate) fn refused<'a>(mut self, key_arn: &str, data_keys: impl Iterator<Item = &'a [u8]>) {
        let places = data_keys.map(|key| self.budget.place(key_arn, key));
        self.refused = Some(places.collect());
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut state = (self.budget.state.lock()).unwrap_or_else(PoisonError::into_inner);
        for place in &self.places {
            if let Some(reserved) = state.reserved.get_mut(place) {
                *reserved -= 1;
                if *reserved == 0 {
                    state.reserved.remove(place);
                }
            }
            let failed = self
                .refused
                .as_ref()
                .is_none_or(|refused| refused.contains(place));
            if failed && let Some(failures) = state.failures.get_mut(*place) {
                *failures = failures.saturating_add(1);
            }
        }
        drop(state);
        self.budget.released.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::time::timeout;

    const ARN: &str = "arn:aws:kms:us-east-1:111122223333:key/1";

    fn budget(most: u8) -> Arc<Refusals> {
        Arc::new(Refusals::new(most).unwrap())
    }

    async fn reserve(budget: &Arc<Refusals>, keys: &[&[u8]]) -> Result<Reservation, Exhausted> {
        budget.reserve(ARN, keys.iter().copied()).await
    }

    #[tokio::test]
    async fn a_data_key_has_so_many_failures_and_no_more() {
        let budget = budget(16);
        for _ in 0..16 {
            let attempt = reserve(&budget, &[b"a", b"b"]).await.unwrap();
            attempt.refused(ARN, [&b"a"[..]].into_iter());
        }
        assert_eq!(reserve(&budget, &[b"a"]).await.err(), Some(Exhausted));
        assert_eq!(reserve(&budget, &[b"b", b"a"]).await.err(), Some(Exhausted));
        assert!(budget.is_exhausted(ARN, [&b"a"[..]].into_iter()));
        // Another data key, and another KMS key, have budgets of their own.
        reserve(&budget, &[b"b"]).await.unwrap().accepted();
        let other = budget.reserve("arn:another", [&b"a"[..]].into_iter()).await;
        other.unwrap().accepted();
    }

    #[tokio::test]
    async fn success_costs_nothing() {
        let budget = budget(1);
        for _ in 0..100 {
            reserve(&budget, &[b"a"]).await.unwrap().accepted();
        }
        assert!(!budget.is_exhausted(ARN, [&b"a"[..]].into_iter()));
    }

    #[tokio::test]
    async fn an_attempt_that_is_given_up_counts() {
        let budget = budget(1);
        drop(reserve(&budget, &[b"a"]).await.unwrap());
        assert_eq!(reserve(&budget, &[b"a"]).await.err(), Some(Exhausted));
    }

    #[tokio::test]
    async fn parallel_attempts_cannot_overrun_the_budget() {
        let budget = budget(2);
        let first = reserve(&budget, &[b"a"]).await.unwrap();
        let second = reserve(&budget, &[b"a"]).await.unwrap();
        // A third one waits, because the first two may fail ...
        let mut third = Box::pin(reserve(&budget, &[b"a"]));
        let waited = timeout(Duration::from_millis(20), third.as_mut()).await;
        assert!(waited.is_err());
        // ... goes on when one of them is accepted, and is refused when both have failed.
        first.accepted();
        let third = third.await.unwrap();
        drop((second, third));
        assert_eq!(reserve(&budget, &[b"a"]).await.err(), Some(Exhausted));
    }

    #[tokio::test]
    async fn jobs_with_several_keys_do_not_wait_for_each_other_in_a_circle() {
        let budget = budget(1);
        let mut jobs = tokio::task::JoinSet::new();
        for number in 0..64_u32 {
            let budget = Arc::clone(&budget);
            jobs.spawn(async move {
                let keys: [&[u8]; 2] = if number % 2 == 0 {
                    [b"a", b"b"]
                } else {
                    [b"b", b"a"]
                };
                let attempt = reserve(&budget, &keys).await.unwrap();
                tokio::task::yield_now().await;
                attempt.accepted();
            });
        }
        let all = async { while jobs.join_next().await.is_some_and(|done| done.is_ok()) {} };
        assert!(timeout(Duration::from_secs(30), all).await.is_ok());
        assert!(jobs.is_empty());
    }

    #[test]
    fn counters_cannot_be_aimed_at() {
        // Two starts put the same keys into different places.
        let places = |budget: &Refusals| -> Vec<Place> {
            (0..8_u8).map(|key| budget.place(ARN, &[key])).collect()
        };
        let (one, other) = (budget(1), budget(1));
        assert_eq!(places(&one), places(&one));
        assert_ne!(places(&one), places(&other));
    }
}
