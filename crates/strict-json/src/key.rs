//! Keys of objects, distinguished by their hashes: a text of megabytes must not cost memory for its
//! keys.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

/// Bytes that are hashed at once. How a hasher takes its input decides its result, so it must not
/// depend on where the escapes of a key are.
const BLOCK: usize = 64;

/// Two hashes with independent random keys: 128 bits.
pub(crate) type Key = (u64, u64);

/// The random keys of one text.
#[derive(Default)]
pub(crate) struct Keys(RandomState, RandomState);

impl Keys {
    pub(crate) fn hash(&self) -> Hash<impl Hasher + use<>> {
        Hash {
            hashers: [self.0.build_hasher(), self.1.build_hasher()],
            block: [0; BLOCK],
            used: 0,
        }
    }
}

/// The hash of one key.
pub(crate) struct Hash<H> {
    hashers: [H; 2],
    block: [u8; BLOCK],
    used: usize,
}

impl<H: Hasher> Hash<H> {
    /// Takes the next bytes.
    pub(crate) fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let room = self.block.get_mut(self.used..).unwrap_or_default();
            let count = room.len().min(bytes.len());
            let (now, later) = bytes.split_at(count);
            for (to, from) in room.iter_mut().zip(now) {
                *to = *from;
            }
            self.used += count;
            bytes = later;
            if self.used == BLOCK {
                self.flush();
            }
        }
    }

    fn flush(&mut self) {
        let block = self.block.get(..self.used).unwrap_or_default();
        for hasher in &mut self.hashers {
            hasher.write(block);
        }
        self.used = 0;
    }

    pub(crate) fn finish(mut self) -> Key {
        let used = self.used;
        self.flush();
        // Keys of whole blocks end like those of none.
        for hasher in &mut self.hashers {
            hasher.write_usize(used);
        }
        let [first, second] = self.hashers;
        (first.finish(), second.finish())
    }
}
