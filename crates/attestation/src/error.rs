//! What can be wrong with a document. The text is for an auditor: what, and where.

mod kind;
mod parts;

pub use parts::{CborProblem, CertificateProblem, Moment, Place};

/// Why a document was refused. [`Error::rule`] names the rule of docs/attestation-verification.md, [`Error::kind`] is the name that test
/// vectors use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Longer than any attestation document.
    #[error("the document has {length} bytes, and at most {limit} are allowed")]
    TooLarge {
        /// Its length in bytes.
        length: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// No CBOR, or CBOR of another form.
    #[error("no attestation document: {place}, byte {offset}: {problem}")]
    Cbor {
        /// The part of the document.
        place: Place,
        /// Offset from the start of the document.
        offset: usize,
        /// What is wrong there.
        problem: CborProblem,
    },
    /// A part of the document goes on after its end.
    #[error("there are bytes behind the end of {place}, from byte {offset} on")]
    Trailing {
        /// The part.
        place: Place,
        /// Offset from the start of the document.
        offset: usize,
    },
    /// Tagged as something else.
    #[error("the tag is {tag}, and COSE_Sign1 has 18 or none")]
    Tag {
        /// The tag.
        tag: u64,
    },
    /// Not an array of 4.
    #[error("COSE_Sign1 is not an array of exactly 4 items")]
    Items,
    /// Another algorithm than ES384.
    #[error("the signature's algorithm is {algorithm}, and must be -35 (ES384)")]
    Algorithm {
        /// COSE's number of it.
        algorithm: i128,
    },
    /// More than the algorithm in the protected header.
    #[error(
        "the protected header is not {{1: -35}} (ES384 and nothing else, crit included): label {label}"
    )]
    ProtectedHeader {
        /// The label that does not belong there.
        label: i128,
    },
    /// No algorithm in the protected header.
    #[error("the protected header names no algorithm")]
    NoAlgorithm,
    /// Something in the unprotected header.
    #[error("the unprotected header is not empty, and nothing protects it")]
    UnprotectedHeader,
    /// A signature that cannot be ES384.
    #[error("the signature has {length} bytes, and ES384 has 96")]
    SignatureLength {
        /// Its length in bytes.
        length: usize,
    },
    /// A member of the payload that is there twice.
    #[error("the payload's member {name:?} is there twice")]
    Duplicate {
        /// Its name.
        name: String,
    },
    /// A member of the payload that is not there.
    #[error("the payload has no {name}")]
    Missing {
        /// Its name.
        name: &'static str,
    },
    /// No module.
    #[error("module_id is empty")]
    ModuleId,
    /// Another digest.
    #[error("digest is {digest:?}, and must be \"SHA384\"")]
    Digest {
        /// What it is.
        digest: String,
    },
    /// No time.
    #[error("timestamp is 0")]
    Timestamp,
    /// No register.
    #[error("pcrs is empty")]
    NoPcrs,
    /// A register that does not exist.
    #[error("there is a PCR{index}, and the numbers are 0 to 31")]
    PcrIndex {
        /// Its number.
        index: u64,
    },
    /// A register that is there twice.
    #[error("PCR{index} is there twice")]
    PcrDuplicate {
        /// Its number.
        index: u8,
    },
    /// A register that is no SHA-384.
    #[error("PCR{index} has {length} bytes, and must have 48")]
    PcrLength {
        /// Its number.
        index: u8,
        /// Its length in bytes.
        length: usize,
    },
    /// No way to a root.
    #[error("cabundle is empty: there is no way to a root certificate")]
    NoBundle,
    /// More certificates than a chain has.
    #[error("cabundle has more than {limit} certificates")]
    BundleLength {
        /// The limit.
        limit: usize,
    },
    /// A string that is too short or too long.
    #[error("{name} has {length} bytes, and {least} to {most} are allowed")]
    FieldLength {
        /// The member.
        name: &'static str,
        /// Its length in bytes.
        length: usize,
        /// The shortest that is allowed.
        least: usize,
        /// The longest that is allowed.
        most: usize,
    },
    /// The chain does not start at the pinned root.
    #[error(
        "its certificates do not start with the trusted root certificate: the first one's SHA-256 is {found}, and {pinned} is trusted"
    )]
    Root {
        /// SHA-256 of the first certificate, hexadecimal.
        found: String,
        /// SHA-256 of the trusted one, hexadecimal.
        pinned: String,
    },
    /// A certificate that breaks a rule of path validation.
    #[error("certificate {number} of {count} ({subject}) {problem}")]
    Certificate {
        /// Its place in the chain, from 1 for the root.
        number: usize,
        /// Length of the chain, the signing certificate included.
        count: usize,
        /// Its subject's common name, spelt so that it cannot act on a terminal.
        subject: String,
        /// What is wrong with it.
        problem: CertificateProblem,
    },
    /// The document's signature.
    #[error(
        "the document's signature is wrong: it was changed, or another key than its certificate's signed it"
    )]
    Signature,
    /// From the future.
    #[error(
        "the document is from the future: it was made at {made}, and it is {now} by the verifier's clock"
    )]
    Future {
        /// When it says it was made.
        made: Moment,
        /// Now.
        now: Moment,
    },
    /// Not fresh.
    #[error("the document is {} s old, and at most {} s are allowed", age / 1000, limit / 1000)]
    Stale {
        /// Its age in milliseconds.
        age: u64,
        /// The limit in milliseconds.
        limit: u64,
    },
    /// An enclave in debug mode.
    #[error(
        "PCR{index} is all zeros: the enclave ran in debug mode, where its operator reads its memory"
    )]
    Debug {
        /// The register.
        index: u8,
    },
    /// A measurement that is not there.
    #[error("it has no PCR{index}, so its measurements are not the expected ones")]
    MissingPcr {
        /// The register.
        index: u8,
    },
    /// Another image.
    #[error("its measurements are not among the expected ones: {}", listed(pcrs))]
    Unexpected {
        /// PCR0, PCR1 and PCR2 of the document.
        pcrs: Box<[[u8; 48]; 3]>,
    },
    /// Another question than ours was answered.
    #[error("its nonce is not the one that was asked with")]
    Nonce,
}

fn listed(pcrs: &[[u8; 48]; 3]) -> String {
    let [pcr0, pcr1, pcr2] = pcrs.each_ref().map(hex::encode);
    format!("PCR0 {pcr0}, PCR1 {pcr1}, PCR2 {pcr2}")
}
