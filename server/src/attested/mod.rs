//! Documents of this enclave or one before it: who made them, and when.
//!
//! A build with both features (all features, as for lints and tests) is an emulation, which has a real verifier.

#[cfg(not(all(feature = "test-variant", not(feature = "emulation"))))]
mod rules;
#[cfg(all(feature = "test-variant", not(feature = "emulation")))]
mod unsigned;

#[cfg(not(all(feature = "test-variant", not(feature = "emulation"))))]
pub(crate) use rules::Judge;
#[cfg(all(feature = "test-variant", not(feature = "emulation")))]
pub(crate) use unsigned::Judge;

/// A document that an enclave made whose proofs are good.
pub(crate) struct Genuine {
    pub(crate) user_data: Vec<u8>,
    /// In milliseconds since 1970.
    pub(crate) time: u64,
}

/// Why a document is refused. Nothing of the document is in it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    /// This enclave has no measurements, so no proof of it would be worth anything.
    #[error("this enclave is in debug mode, which proves nothing")]
    Debug,
    /// A rule of docs/attestation-verification.md.
    #[error("the document breaks rule {0}")]
    #[cfg_attr(feature = "test-variant", allow(dead_code))]
    Rule(u8),
    /// Its image is revoked.
    #[error("the document's image is revoked")]
    #[cfg_attr(feature = "test-variant", allow(dead_code))]
    Revoked,
    /// It is no document of this image.
    #[error("this is no document of this image")]
    #[allow(dead_code, reason = "of the test variant")]
    Foreign,
}
