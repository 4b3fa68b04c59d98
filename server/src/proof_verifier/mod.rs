//! Documents of this enclave or one before it: who made them, and when.
//!
//! A build with both features (all features, as for lints and tests) is an emulation, which has a
//! real verifier.

#[cfg(not(all(feature = "test-variant", not(feature = "emulation"))))]
mod rules;
#[cfg(all(feature = "test-variant", not(feature = "emulation")))]
mod unsigned;

#[cfg(not(all(feature = "test-variant", not(feature = "emulation"))))]
pub(crate) use rules::ProofVerifier;
#[cfg(all(feature = "test-variant", not(feature = "emulation")))]
pub(crate) use unsigned::ProofVerifier;

/// A document from an enclave whose proofs this image accepts.
pub(crate) struct Genuine {
    pub(crate) user_data: Vec<u8>,
    /// In milliseconds since 1970.
    pub(crate) time: u64,
}

/// The reason to refuse a document. Holds nothing of the document.
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
    /// The document is not from this image.
    #[error("the document is not from this image")]
    #[allow(dead_code, reason = "of the test variant")]
    Foreign,
}
