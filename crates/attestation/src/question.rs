//! What a live document must answer. Rules 5 and 9.

use crate::error::{Error, Moment};
use subtle::ConstantTimeEq;

/// Shortest nonce, in bytes: shorter ones can be guessed, or repeat by chance.
pub const NONCE_MIN: usize = 16;
/// Longest nonce that an NSM takes, in bytes.
pub const NONCE_MAX: usize = 512;

/// How far a document may be ahead of the verifier's clock, in milliseconds, where the caller has no opinion.
pub const CLOCK_TOLERANCE: u64 = 60_000;

/// A nonce that a document was asked for with. It is good for one verification: it cannot be copied, and verifying takes it.
///
/// ```compile_fail
/// let nonce = letsesign_attestation::Nonce::new(vec![1; 16])?;
/// let live = |nonce| letsesign_attestation::Live { now: 0, max_age: 0, ahead: 0, nonce: Some(nonce) };
/// let (once, twice) = (live(nonce), live(nonce));
/// # Ok::<(), letsesign_attestation::NonceLength>(())
/// ```
#[derive(Debug)]
pub struct Nonce(Vec<u8>);

/// A nonce that is too short or too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a nonce has {NONCE_MIN} to {NONCE_MAX} bytes; this one has {0}")]
pub struct NonceLength(pub usize);

impl Nonce {
    /// A nonce of [`NONCE_MIN`] to [`NONCE_MAX`] bytes.
    ///
    /// # Errors
    /// [`NonceLength`] for another length.
    pub fn new(bytes: Vec<u8>) -> Result<Self, NonceLength> {
        if (NONCE_MIN..=NONCE_MAX).contains(&bytes.len()) {
            Ok(Self(bytes))
        } else {
            Err(NonceLength(bytes.len()))
        }
    }
}

/// The question to an enclave that is running now. Times are in milliseconds (since 1970, UTC).
#[derive(Debug)]
pub struct Live {
    /// Now, by a clock that the verifier trusts.
    pub now: u64,
    /// How old the document may be.
    pub max_age: u64,
    /// How far it may be ahead of the clock; [`CLOCK_TOLERANCE`] is a good value.
    pub ahead: u64,
    /// What it was asked with. Without a nonce, whoever saw a document can show it again while it is fresh.
    pub nonce: Option<Nonce>,
}

impl Live {
    pub(crate) fn check_time(&self, made: u64) -> Result<(), Error> {
        if made > self.now.saturating_add(self.ahead) {
            return Err(Error::Future {
                made: Moment(made),
                now: Moment(self.now),
            });
        }
        let age = self.now.saturating_sub(made);
        if age > self.max_age {
            return Err(Error::Stale {
                age,
                limit: self.max_age,
            });
        }
        Ok(())
    }

    pub(crate) fn check_nonce(&self, found: Option<&[u8]>) -> Result<(), Error> {
        match &self.nonce {
            Some(nonce) if !bool::from(nonce.0.ct_eq(found.unwrap_or_default())) => {
                Err(Error::Nonce)
            }
            _ => Ok(()),
        }
    }
}
