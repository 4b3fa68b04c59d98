//! Unwrapped data keys of protocol 2, remembered for minutes (docs/protocol-2.md, "Remembered data
//! keys").
//!
//! A key is found by KMS key, credentials and wrapped bytes together, so whoever gives other
//! credentials asks KMS. No sender can displace another's keys before its own: each KMS key has a
//! bound, and a full table gives up the oldest key of whoever has the most.

use crate::kms::{Access, Error, Kms};
use letsesign_kms::hmac_sha256;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// Bounds of the table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) time: Duration,
    /// Entries of one KMS key.
    pub(crate) per_kms_key: usize,
    /// Entries altogether.
    pub(crate) entries: usize,
}

struct Entry {
    text: Zeroizing<Vec<u8>>,
    kms_key: [u8; 32],
    made: Instant,
}

type Entries = HashMap<[u8; 32], Entry>;

/// The table. It starts empty with every start of the enclave.
pub(crate) struct DataKeys {
    /// Keys the hashes of the table, which hold credentials.
    hash_key: Zeroizing<[u8; 32]>,
    bounds: Bounds,
    entries: Mutex<Entries>,
}

impl DataKeys {
    /// # Errors
    /// If the system gives no random bytes.
    pub(crate) fn new(bounds: Bounds) -> Result<Self, getrandom::Error> {
        let mut hash_key = Zeroizing::new([0; 32]);
        getrandom::fill(hash_key.as_mut_slice())?;
        Ok(Self {
            hash_key,
            bounds,
            entries: Mutex::default(),
        })
    }

    fn hash(&self, values: &[&[u8]]) -> [u8; 32] {
        let lengths: Vec<[u8; 8]> = values
            .iter()
            .map(|value| (value.len() as u64).to_be_bytes())
            .collect();
        let parts: Vec<&[u8]> = lengths
            .iter()
            .map(<[u8; 8]>::as_slice)
            .chain(values.iter().copied())
            .collect();
        *hmac_sha256(self.hash_key.as_slice(), &parts)
    }

    /// The unwrapped text: remembered, or from KMS.
    pub(crate) async fn get(
        &self,
        kms: &Kms,
        arn: &str,
        access: &Access,
        wrapped: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Error> {
        let token = access.session_token.as_ref();
        let place = self.hash(&[
            arn.as_bytes(),
            access.key_id.as_bytes(),
            access.key_secret.as_bytes(),
            token.map_or(b"".as_slice(), |token| token.as_bytes()),
            wrapped,
        ]);
        if let Some(text) = self.find(&place, Instant::now()) {
            return Ok(text);
        }
        let text = kms.data_key(arn, access, wrapped).await?;
        self.remember(place, self.hash(&[arn.as_bytes()]), &text, Instant::now());
        Ok(text)
    }

    fn find(&self, place: &[u8; 32], now: Instant) -> Option<Zeroizing<Vec<u8>>> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        self.forget_old(&mut entries, now);
        entries.get(place).map(|entry| entry.text.clone())
    }

    fn remember(&self, place: [u8; 32], kms_key: [u8; 32], text: &[u8], now: Instant) {
        if self.bounds.per_kms_key == 0 || self.bounds.entries == 0 {
            return;
        }
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        self.forget_old(&mut entries, now);
        if !entries.contains_key(&place)
            && let Some(owner) = self.must_give_up(&entries, kms_key)
        {
            forget_oldest(&mut entries, owner);
        }
        let text = Zeroizing::new(text.to_vec());
        let made = now;
        entries.insert(
            place,
            Entry {
                text,
                kms_key,
                made,
            },
        );
    }

    /// The KMS key that gives up an entry before another one of `kms_key` has room.
    fn must_give_up(&self, entries: &Entries, kms_key: [u8; 32]) -> Option<[u8; 32]> {
        let mut counts: HashMap<[u8; 32], usize> = HashMap::new();
        for entry in entries.values() {
            *counts.entry(entry.kms_key).or_default() += 1;
        }
        if counts.get(&kms_key).copied().unwrap_or(0) >= self.bounds.per_kms_key {
            return Some(kms_key);
        }
        let most = counts.into_iter().max_by_key(|(_, count)| *count);
        most.filter(|_| entries.len() >= self.bounds.entries)
            .map(|(owner, _)| owner)
    }

    /// Drops, and so zeroes, what is too old. Call it now and then: the last keys of a sender who
    /// sends no more jobs would stay otherwise.
    pub(crate) fn sweep(&self) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        self.forget_old(&mut entries, Instant::now());
    }

    fn forget_old(&self, entries: &mut Entries, now: Instant) {
        entries.retain(|_, entry| now.saturating_duration_since(entry.made) < self.bounds.time);
    }
}

fn forget_oldest(entries: &mut Entries, kms_key: [u8; 32]) {
    let oldest = entries
        .iter()
        .filter(|(_, entry)| entry.kms_key == kms_key)
        .min_by_key(|(_, entry)| entry.made)
        .map(|(place, _)| *place);
    if let Some(place) = oldest {
        entries.remove(&place);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_hours(1);

    fn table(time: Duration, per_kms_key: usize, entries: usize) -> DataKeys {
        DataKeys::new(Bounds {
            time,
            per_kms_key,
            entries,
        })
        .unwrap()
    }

    fn known(table: &DataKeys, place: u8, now: Instant) -> bool {
        table.find(&[place; 32], now).is_some()
    }

    #[test]
    fn keys_are_forgotten_after_their_time() {
        let table = table(Duration::from_secs(5), 4, 4);
        let begun = Instant::now();
        table.remember([1; 32], [0; 32], b"key", begun);
        assert_eq!(&*table.find(&[1; 32], begun).unwrap(), b"key");
        assert!(known(&table, 1, begun + Duration::from_millis(4999)));
        assert!(!known(&table, 1, begun + Duration::from_secs(5)));
        assert!(table.entries.lock().unwrap().is_empty());
    }

    #[test]
    fn a_sender_displaces_its_own_oldest_key_alone() {
        let table = table(HOUR, 2, 10);
        let begun = Instant::now();
        let at = |second| begun + Duration::from_secs(second);
        table.remember([9; 32], [9; 32], b"other", begun);
        for place in 1..=3 {
            table.remember([place; 32], [0; 32], b"key", at(place.into()));
        }
        let now = at(9);
        assert!(!known(&table, 1, now));
        assert!(known(&table, 2, now) && known(&table, 3, now) && known(&table, 9, now));
    }

    #[test]
    fn a_full_table_gives_up_a_key_of_whoever_has_the_most() {
        let table = table(HOUR, 10, 4);
        let begun = Instant::now();
        let at = |second| begun + Duration::from_secs(second);
        // Older than all keys of the greedy sender.
        table.remember([9; 32], [9; 32], b"other", begun);
        for place in 1..=3 {
            table.remember([place; 32], [0; 32], b"key", at(place.into()));
        }
        table.remember([8; 32], [8; 32], b"third", at(4));
        let now = at(9);
        assert!(!known(&table, 1, now));
        assert!(
            [2, 3, 8, 9]
                .into_iter()
                .all(|place| known(&table, place, now))
        );
    }

    #[test]
    fn without_room_nothing_is_remembered() {
        let table = table(HOUR, 0, 0);
        table.remember([1; 32], [0; 32], b"key", Instant::now());
        assert!(!known(&table, 1, Instant::now()));
    }

    #[test]
    fn credentials_and_wrapped_bytes_decide_together() {
        let table = table(HOUR, 4, 4);
        let hash = |values: [&[u8]; 3]| table.hash(&values);
        assert_eq!(hash([b"a", b"b", b"c"]), hash([b"a", b"b", b"c"]));
        assert_ne!(hash([b"a", b"b", b"c"]), hash([b"ab", b"", b"c"]));
        assert_ne!(hash([b"a", b"b", b"c"]), hash([b"a", b"bc", b""]));
    }
}
