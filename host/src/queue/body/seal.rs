//! Bodies at rest: AES-256-GCM in chunks, each with its number and whether it is the last one in
//! the nonce (the STREAM construction of Hoang, Reyhanitabar, Rogaway and Vizár, 2015).
//!
//! ```text
//! "LSHQ"  version 1  key id (8)  salt (32)  chunk ...  last chunk
//! ```
//!
//! A chunk is 1 MiB of plain text and a tag of 16 bytes; the last one is shorter, or empty. The
//! nonce is 7 zero bytes, the chunk's number (32 bits, big-endian) and 1 for the last chunk, 0
//! otherwise. The additional data of each chunk is the header, the kind of the body and the id of
//! its job. So bytes that are cut, reordered, or put to another job do not open.

use super::keys::{KeyId, Keys};
use crate::queue::error::Error;
use crate::queue::store::Kind;
use crate::queue::types::{JobId, fill};
use graviola::aead::AesGcm;

/// Plain text in a chunk.
pub(crate) const CHUNK: usize = 1 << 20;
const TAG: usize = 16;
const MAGIC: &[u8; 5] = b"LSHQ\x01";
const HEADER: usize = MAGIC.len() + 8 + 32;

struct Chunks {
    cipher: AesGcm,
    aad: Vec<u8>,
    number: u32,
}

impl Chunks {
    fn new(key: &[u8; 32], header: &[u8], job: &JobId, kind: Kind) -> Self {
        let mut aad = header.to_vec();
        aad.extend_from_slice(kind.word().as_bytes());
        aad.push(0);
        aad.extend_from_slice(job.as_str().as_bytes());
        Self {
            cipher: AesGcm::new(key),
            aad,
            number: 0,
        }
    }

    fn nonce(&mut self, is_last: bool) -> [u8; 12] {
        let [a, b, c, d] = self.number.to_be_bytes();
        // Bodies are at most 100 MiB: the number does not come around.
        self.number = self.number.wrapping_add(1);
        [0, 0, 0, 0, 0, 0, 0, a, b, c, d, u8::from(is_last)]
    }
}

/// Encrypts a body piece by piece.
pub(crate) struct Sealer {
    chunks: Chunks,
    plain: Vec<u8>,
    /// Sealed bytes that were not taken yet.
    sealed: Vec<u8>,
}

impl Sealer {
    pub(crate) fn new(keys: &Keys, job: &JobId, kind: Kind) -> Result<Self, Error> {
        let mut salt = [0u8; 32];
        fill(&mut salt);
        let (id, key) = keys.seal(&salt).ok_or(Error::Closed)?;
        let mut header = MAGIC.to_vec();
        header.extend_from_slice(&id);
        header.extend_from_slice(&salt);
        let chunks = Chunks::new(&key, &header, job, kind);
        Ok(Self {
            chunks,
            plain: Vec::new(),
            sealed: header,
        })
    }

    pub(crate) fn push(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.plain.len() == CHUNK {
                self.chunk(false);
            }
            let room = CHUNK - self.plain.len();
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.plain.extend_from_slice(now);
            bytes = later;
        }
    }

    fn chunk(&mut self, is_last: bool) {
        let mut tag = [0u8; TAG];
        let nonce = self.chunks.nonce(is_last);
        self.chunks
            .cipher
            .encrypt(&nonce, &self.chunks.aad, &mut self.plain, &mut tag);
        self.sealed.extend_from_slice(&self.plain);
        self.sealed.extend_from_slice(&tag);
        self.plain.clear();
    }

    /// Takes what is sealed so far.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.sealed)
    }

    /// How much is sealed and not taken yet.
    pub(crate) fn ready(&self) -> usize {
        self.sealed.len()
    }

    /// Seals the last chunk, and gives what was not taken yet.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.chunk(true);
        self.sealed
    }
}

/// Decrypts a body piece by piece.
pub(crate) struct Opener {
    keys: Keys,
    job: JobId,
    kind: Kind,
    chunks: Option<Chunks>,
    buffer: Vec<u8>,
}

impl Opener {
    pub(crate) fn new(keys: Keys, job: JobId, kind: Kind) -> Self {
        Self {
            keys,
            job,
            kind,
            chunks: None,
            buffer: Vec::new(),
        }
    }

    /// The kind and the job, for errors.
    pub(crate) fn whose(&self) -> (&'static str, JobId) {
        (self.kind.word(), self.job.clone())
    }

    fn damaged(&self, problem: &'static str) -> Error {
        Error::Damaged {
            kind: self.kind.word(),
            job: self.job.clone(),
            problem,
        }
    }

    /// Takes sealed bytes and gives what they open to.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<Vec<u8>, Error> {
        self.buffer.extend_from_slice(bytes);
        if self.chunks.is_none() {
            let Some(header) = self.buffer.get(..HEADER) else {
                return Ok(Vec::new());
            };
            let (magic, rest) = header.split_at(MAGIC.len());
            if magic != MAGIC {
                return Err(self.damaged("it does not start like a sealed body"));
            }
            let mut id = KeyId::default();
            let mut salt = [0u8; 32];
            let (of_id, of_salt) = rest.split_at(id.len());
            id.copy_from_slice(of_id);
            salt.copy_from_slice(of_salt);
            let key = self.keys.open(id, &salt)?;
            self.chunks = Some(Chunks::new(&key, header, &self.job, self.kind));
            self.buffer.drain(..HEADER);
        }
        let mut plain = Vec::new();
        // A full chunk may be the last one: that shows when something follows, or nothing.
        while self.buffer.len() > CHUNK + TAG {
            let rest = self.buffer.split_off(CHUNK + TAG);
            let chunk = std::mem::replace(&mut self.buffer, rest);
            let opened = self.open(chunk, false)?;
            if plain.is_empty() {
                plain = opened;
            } else {
                plain.extend_from_slice(&opened);
            }
        }
        Ok(plain)
    }

    fn open(&mut self, mut chunk: Vec<u8>, is_last: bool) -> Result<Vec<u8>, Error> {
        let Some(at) = chunk.len().checked_sub(TAG) else {
            return Err(self.damaged("it is cut"));
        };
        let tag = chunk.split_off(at);
        let chunks = self.chunks.as_mut();
        let opened = chunks.is_some_and(|chunks| {
            let nonce = chunks.nonce(is_last);
            chunks
                .cipher
                .decrypt(&nonce, &chunks.aad, &mut chunk, &tag)
                .is_ok()
        });
        if opened {
            Ok(chunk)
        } else {
            Err(self.damaged("it does not decrypt"))
        }
    }

    /// The sealed bytes are over; gives the rest of the plain text.
    pub(crate) fn finish(mut self) -> Result<Vec<u8>, Error> {
        let chunk = std::mem::take(&mut self.buffer);
        self.open(chunk, true)
    }
}

#[cfg(test)]
mod tests;
