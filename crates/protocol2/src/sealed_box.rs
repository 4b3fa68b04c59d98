//! Boxes: authenticated encryption that commits to its key (docs/protocol-2.md, "Boxes").
//!
//! A box is `random(32) || commitment(32) || ciphertext || tag(16)`. The random bytes enter the
//! key, so no key is ever used twice and the nonce can be constant. AES-256-GCM alone does not
//! commit to its key: one ciphertext can be made that opens to two texts under two keys (Dodis,
//! Grubbs, Ristenpart, Woodage, "Fast Message Franking", 2018). The commitment is derived from the
//! same secret as the key and is checked first.

use crate::error::{Error, Result};
use crate::kdf::{expand, extract};
use crate::list::list;
use graviola::aead::AesGcm;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Random bytes at the start of a box.
const RANDOM: usize = 32;
/// Bytes of the commitment to the key.
const COMMITMENT: usize = 32;
/// Bytes of GCM's tag.
const TAG: usize = 16;

/// Bytes that a box has more than its content.
pub const BOX_OVERHEAD: usize = RANDOM + COMMITMENT + TAG;

/// The place of a box in the protocol. It enters the key and the associated data, so a box opens
/// in its own place alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// A sender's account.
    Account,
    /// A task's configuration.
    Configuration,
    /// A task's PDF.
    Document,
    /// The archive with the signed PDF, for the sender.
    Result,
    /// Why a signer declined, for the sender.
    Decline,
}

impl Part {
    /// The name in lists.
    pub fn name(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Configuration => "configuration",
            Self::Document => "document",
            Self::Result => "result",
            Self::Decline => "decline",
        }
    }
}

/// Key material and associated data of one box.
pub(crate) struct Slot<'a> {
    pub(crate) part: Part,
    pub(crate) secret: &'a [u8; 32],
    /// The task's name; empty for an account.
    pub(crate) task: &'a [u8],
    /// Hash of the header, or the binding; empty for an account.
    pub(crate) context: &'a [u8],
}

impl Slot<'_> {
    /// The key of the cipher and the commitment to it.
    fn keys(&self, random: &[u8; RANDOM]) -> Zeroizing<[u8; 64]> {
        let info = list("box", &[self.part.name().as_bytes(), self.task]);
        expand(&extract(random, self.secret), &info)
    }

    fn associated_data(&self) -> Vec<u8> {
        list(
            "box data",
            &[self.part.name().as_bytes(), self.task, self.context],
        )
    }

    /// Encrypts, with fresh random bytes.
    pub(crate) fn seal(&self, text: &[u8]) -> Result<Vec<u8>> {
        Ok(self.seal_with(&*crate::random()?, text))
    }

    /// Encrypts with given random bytes, which must never be used again.
    pub(crate) fn seal_with(&self, random: &[u8; RANDOM], text: &[u8]) -> Vec<u8> {
        let keys = self.keys(random);
        let (key, commitment) = keys.split_at(32);
        let mut out = Vec::with_capacity(BOX_OVERHEAD.saturating_add(text.len()));
        out.extend_from_slice(random);
        out.extend_from_slice(commitment);
        out.extend_from_slice(text);
        let mut tag = [0; TAG];
        if let Some(body) = out.get_mut(RANDOM + COMMITMENT..) {
            AesGcm::new(key).encrypt(&[0; 12], &self.associated_data(), body, &mut tag);
        }
        out.extend_from_slice(&tag);
        out
    }

    /// Decrypts in place: a document is megabytes.
    ///
    /// # Errors
    /// [`Error::Box`], for every cause.
    pub(crate) fn open(&self, sealed: Vec<u8>) -> Result<Zeroizing<Vec<u8>>> {
        let mut bytes = Zeroizing::new(sealed);
        let (random, rest) = bytes.split_first_chunk::<RANDOM>().ok_or(Error::Box)?;
        let (commitment, rest) = rest.split_first_chunk::<COMMITMENT>().ok_or(Error::Box)?;
        let (_, tag) = rest.split_last_chunk::<TAG>().ok_or(Error::Box)?;
        let keys = self.keys(random);
        let (key, expected) = keys.split_at(32);
        if !bool::from(commitment.as_slice().ct_eq(expected)) {
            return Err(Error::Box);
        }
        let tag = *tag;
        let end = bytes.len().saturating_sub(TAG);
        bytes.truncate(end);
        let body = bytes.get_mut(RANDOM + COMMITMENT..).ok_or(Error::Box)?;
        AesGcm::new(key)
            .decrypt(&[0; 12], &self.associated_data(), body, &tag)
            .map_err(|_| Error::Box)?;
        bytes.drain(..RANDOM + COMMITMENT);
        Ok(bytes)
    }
}

#[cfg(test)]
#[path = "sealed_box_tests.rs"]
mod tests;
