//! The question to a live enclave. Rules 5 and 9.

use crate::error::{Error, Moment};
use subtle::ConstantTimeEq;

/// The shortest nonce, in bytes: a shorter one can be guessed, or repeat by chance.
pub const NONCE_MIN: usize = 16;
/// The longest nonce that an NSM accepts, in bytes.
pub const NONCE_MAX: usize = 512;

/// How far a document may be ahead of the verifier's clock, in milliseconds, unless the caller has
/// its own limit.
pub const CLOCK_TOLERANCE: u64 = 60_000;

/// The nonce in the request for a document. It serves one verification: it cannot be copied, and
/// verification consumes it.
///
/// ```compile_fail
/// let nonce = letsesign_attestation::Nonce::new(vec![1; 16])?;
/// # use letsesign_attestation::Live;
/// let live = |nonce| Live { now: 0, max_age: 0, ahead: 0, nonce: Some(nonce) };
/// let (once, twice) = (live(nonce), live(nonce));
/// # Ok::<(), letsesign_attestation::NonceLength>(())
/// ```
#[derive(Debug)]
pub struct Nonce(Vec<u8>);

/// The nonce is too short or too long; the field is its length in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a nonce has {NONCE_MIN} to {NONCE_MAX} bytes; this one has {0}")]
pub struct NonceLength(pub usize);

impl Nonce {
    /// Accepts [`NONCE_MIN`] to [`NONCE_MAX`] bytes, which must be random.
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
    /// The current time, from a clock that the verifier trusts.
    pub now: u64,
    /// The greatest age of the document.
    pub max_age: u64,
    /// How far the document may be ahead of the clock; [`CLOCK_TOLERANCE`] is a good value.
    pub ahead: u64,
    /// The nonce of the request. Without one, whoever saw a document can replay it while it is
    /// fresh.
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
