//! A pause between two mails or messages for one proof.

use letsesign_proof::Hash;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The most proofs that are remembered; beyond that the oldest are forgotten.
const PROOFS_MAX: usize = 1 << 20;

/// Remembers for which proofs something went out during the pause.
pub(crate) struct Turns {
    pause: Duration,
    /// Entries expire after the pause.
    sent: Mutex<HashMap<[u8; 32], Instant>>,
}

impl Turns {
    pub(crate) fn new(pause: Duration) -> Self {
        Self {
            pause,
            sent: Mutex::default(),
        }
    }

    /// The pause.
    pub(crate) fn pause(&self) -> Duration {
        self.pause
    }

    /// Takes the turn of a proof; `None` during the pause. The turn returns when it is dropped and
    /// was not kept.
    pub(crate) fn turn(&self, proof: Hash) -> Option<Turn<'_>> {
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        sent.retain(|_, at| at.elapsed() < self.pause);
        if sent.contains_key(&proof.0) {
            return None;
        }
        if sent.len() >= PROOFS_MAX
            && let Some(oldest) = sent.iter().min_by_key(|(_, at)| **at).map(|(key, _)| *key)
        {
            sent.remove(&oldest);
        }
        sent.insert(proof.0, Instant::now());
        Some(Turn {
            turns: self,
            proof: proof.0,
            kept: false,
        })
    }
}

/// The right to send something for a proof.
pub(crate) struct Turn<'a> {
    turns: &'a Turns,
    proof: [u8; 32],
    kept: bool,
}

impl Turn<'_> {
    /// Something went out: the pause begins.
    pub(crate) fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if !self.kept {
            let mut sent = self
                .turns
                .sent
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            sent.remove(&self.proof);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROOF: Hash = Hash([1; 32]);

    #[test]
    fn a_second_turn_waits_for_the_pause_unless_the_first_was_returned() {
        let turns = Turns::new(Duration::from_hours(1));
        let first = turns.turn(PROOF).unwrap();
        assert!(turns.turn(PROOF).is_none());
        assert!(turns.turn(Hash([2; 32])).is_some());
        drop(first);
        turns.turn(PROOF).unwrap().keep();
        assert!(turns.turn(PROOF).is_none());
    }

    #[test]
    fn without_a_pause_every_turn_is_free() {
        let turns = Turns::new(Duration::ZERO);
        turns.turn(PROOF).unwrap().keep();
        assert!(turns.turn(PROOF).is_some());
    }
}
