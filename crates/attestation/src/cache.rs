//! Remembers certificates whose signature was verified before.

use crate::p384::Key;
use sha2::{Digest, Sha256};
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

/// The most links to remember, 32 bytes each. A document has three (region, zone, instance), and
/// most documents share them.
const LINKS_MAX: usize = 256;

/// Certificates whose signature by a certain key was verified. The cache holds nothing else:
/// validity, names and constraints are checked each time. Links enter from the pinned root
/// downwards, so only someone with a certificate from AWS could fill it. A full cache drops the
/// least recently used link.
#[derive(Debug, Default)]
pub(crate) struct Cache(Mutex<VecDeque<[u8; 32]>>);

/// Identifies a certificate together with the key that signed it.
pub(crate) fn link(issuer: &Key, certificate: &[u8]) -> [u8; 32] {
    // The point has a fixed length, so where the certificate starts is unambiguous.
    Sha256::new()
        .chain_update(issuer.point())
        .chain_update(certificate)
        .finalize()
        .into()
}

impl Cache {
    pub(crate) fn has(&self, link: &[u8; 32]) -> bool {
        let mut links = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(place) = links.iter().position(|known| known == link) else {
            return false;
        };
        if let Some(link) = links.remove(place) {
            links.push_front(link);
        }
        true
    }

    pub(crate) fn add(&self, link: [u8; 32]) {
        let mut links = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Another thread may have added the same link in the meantime.
        if !links.contains(&link) {
            links.truncate(LINKS_MAX - 1);
            links.push_front(link);
        }
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cache_is_bounded_and_drops_the_least_recently_used() {
        let cache = Cache::default();
        let link = |number: usize| {
            let mut link = [0; 32];
            link[..8].copy_from_slice(&number.to_be_bytes());
            link
        };
        for number in 0..LINKS_MAX + 10 {
            cache.add(link(number));
            cache.add(link(number));
            // Every lookup refreshes the first link, so it stays.
            assert!(cache.has(&link(0)));
        }
        assert_eq!(cache.len(), LINKS_MAX);
        assert!(!cache.has(&link(1)));
        assert!(cache.has(&link(LINKS_MAX + 9)));
    }
}
