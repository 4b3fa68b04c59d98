//! Errors of verification. Their text tells an auditor which part of a document is wrong and how.

mod fault;
mod kind;
mod parts;

use letsesign_pcr::Pcr;

pub(crate) use fault::Fault;
pub use letsesign_cbor::Problem as CborProblem;
pub use parts::{CertificateProblem, Moment, Place};

/// Why a document was refused. [`Error::rule`] returns the number of the broken rule in
/// docs/attestation-verification.md, [`Error::kind`] the stable name that test vectors use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The document is longer than any attestation document.
    #[error("the document has {length} bytes, and at most {limit} are allowed")]
    TooLarge {
        /// Length of the document in bytes.
        length: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// The document is not CBOR, or its CBOR does not have the required structure.
    #[error("no attestation document: {place}, byte {offset}: {problem}")]
    Cbor {
        /// The part of the document.
        place: Place,
        /// Offset from the start of the document.
        offset: usize,
        /// The violation at that offset.
        problem: CborProblem,
    },
    /// Bytes follow the end of a part.
    #[error("there are bytes behind the end of {place}, from byte {offset} on")]
    Trailing {
        /// The part of the document.
        place: Place,
        /// Offset from the start of the document.
        offset: usize,
    },
    /// The outer tag is not that of COSE_Sign1.
    #[error("the tag is {tag}, and COSE_Sign1 has 18 or none")]
    Tag {
        /// The tag found.
        tag: u64,
    },
    /// COSE_Sign1 is not an array of 4.
    #[error("COSE_Sign1 is not an array of exactly 4 items")]
    Items,
    /// The algorithm is not ES384.
    #[error("the signature's algorithm is {algorithm}, and must be -35 (ES384)")]
    Algorithm {
        /// COSE's number of the algorithm found.
        algorithm: i128,
    },
    /// The protected header holds more than the algorithm.
    #[error(
        "the protected header is not {{1: -35}} (ES384 and nothing else, crit included): label {label}"
    )]
    ProtectedHeader {
        /// The label that must not be there.
        label: i128,
    },
    /// The protected header holds no algorithm.
    #[error("the protected header names no algorithm")]
    NoAlgorithm,
    /// The unprotected header has members. Nothing protects them, so they must not exist.
    #[error("the unprotected header is not empty, and nothing protects it")]
    UnprotectedHeader,
    /// The signature does not have the length of ES384.
    #[error("the signature has {length} bytes, and ES384 has 96")]
    SignatureLength {
        /// Length of the signature in bytes.
        length: usize,
    },
    /// A member of the payload occurs twice.
    #[error("the payload's member {name:?} is there twice")]
    Duplicate {
        /// Name of the member.
        name: String,
    },
    /// A required member of the payload is missing.
    #[error("the payload has no {name}")]
    Missing {
        /// Name of the member.
        name: &'static str,
    },
    /// `module_id` is empty.
    #[error("module_id is empty")]
    ModuleId,
    /// `digest` is not `SHA384`.
    #[error("digest is {digest:?}, and must be \"SHA384\"")]
    Digest {
        /// The digest found.
        digest: String,
    },
    /// `timestamp` is 0.
    #[error("timestamp is 0")]
    Timestamp,
    /// `pcrs` is empty.
    #[error("pcrs is empty")]
    NoPcrs,
    /// The number of a register is above 31.
    #[error("there is a PCR{index}, and the numbers are 0 to 31")]
    PcrIndex {
        /// The number found.
        index: u64,
    },
    /// A register occurs twice.
    #[error("PCR{index} is there twice")]
    PcrDuplicate {
        /// Number of the register.
        index: u8,
    },
    /// The value of a register does not have the 48 bytes of a SHA-384.
    #[error("PCR{index} has {length} bytes, and must have 48")]
    PcrLength {
        /// Number of the register.
        index: u8,
        /// Length of the value in bytes.
        length: usize,
    },
    /// `cabundle` is empty.
    #[error("cabundle is empty: nothing leads to a root certificate")]
    NoBundle,
    /// `cabundle` has more certificates than any chain of AWS.
    #[error("cabundle has more than {limit} certificates")]
    BundleLength {
        /// The most certificates allowed.
        limit: usize,
    },
    /// A string is too short or too long.
    #[error("{name} has {length} bytes, and {least} to {most} are allowed")]
    FieldLength {
        /// Name of the member.
        name: &'static str,
        /// Length in bytes.
        length: usize,
        /// The shortest length allowed, in bytes.
        least: usize,
        /// The longest length allowed, in bytes.
        most: usize,
    },
    /// The chain does not start at the pinned root.
    #[error(
        "its certificates do not start with the trusted root certificate: the first one's SHA-256 is {found}, and {pinned} is trusted"
    )]
    Root {
        /// SHA-256 of the first certificate, in hexadecimal.
        found: String,
        /// SHA-256 of the pinned certificate, in hexadecimal.
        pinned: String,
    },
    /// A certificate breaks a rule of path validation.
    #[error("certificate {number} of {count} ({subject}) {problem}")]
    Certificate {
        /// Position in the chain; 1 is the root.
        number: usize,
        /// Length of the chain, signing certificate included.
        count: usize,
        /// Common name of the subject, escaped so that it cannot act on a terminal.
        subject: String,
        /// The rule that it breaks.
        problem: CertificateProblem,
    },
    /// The signature of the document does not verify.
    #[error(
        "the document's signature is wrong: it was changed, or another key than its certificate's signed it"
    )]
    Signature,
    /// The document's time is too far ahead of the verifier's clock.
    #[error(
        "the document is from the future: it was made at {made}, and it is {now} by the verifier's clock"
    )]
    Future {
        /// The document's own time.
        made: Moment,
        /// The verifier's time.
        now: Moment,
    },
    /// The document is older than the caller allows.
    #[error("the document is {} s old, and at most {} s are allowed", age / 1000, limit / 1000)]
    Stale {
        /// Its age in milliseconds.
        age: u64,
        /// The limit in milliseconds.
        limit: u64,
    },
    /// The enclave ran in debug mode.
    #[error(
        "PCR{index} is all zeros: the enclave ran in debug mode, where its operator reads its memory"
    )]
    Debug {
        /// Number of the register that is zero.
        index: u8,
    },
    /// The document lacks one of PCR0, PCR1 and PCR2.
    #[error("it has no PCR{index}, so its measurements are not the expected ones")]
    MissingPcr {
        /// Number of the register.
        index: u8,
    },
    /// The document is from an image that the caller does not expect.
    #[error("its measurements are not among the expected ones: {}", listed(pcrs))]
    Unexpected {
        /// PCR0, PCR1 and PCR2 of the document.
        pcrs: Box<[Pcr; 3]>,
    },
    /// The nonce differs from the caller's.
    #[error("its nonce is not the one that was asked with")]
    Nonce,
}

fn listed(pcrs: &[Pcr; 3]) -> String {
    let [pcr0, pcr1, pcr2] = pcrs;
    format!("PCR0 {pcr0}, PCR1 {pcr1}, PCR2 {pcr2}")
}
