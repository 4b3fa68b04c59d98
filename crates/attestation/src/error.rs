//! What can be wrong with a document. The text is for an auditor: what, and where.

use x509_cert::der::DateTime;

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

/// A time, in milliseconds since 1970 (UTC). Shown as `2022-10-13T08:58:02Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(pub u64);

impl core::fmt::Display for Moment {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let seconds = core::time::Duration::from_secs(self.0 / 1000);
        match DateTime::from_unix_duration(seconds) {
            Ok(time) => write!(f, "{time}"),
            Err(_) => write!(f, "{} ms after 1970", self.0),
        }
    }
}

/// A part of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The COSE_Sign1.
    Envelope,
    /// Its protected header.
    Header,
    /// Its payload.
    Payload,
}

impl core::fmt::Display for Place {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Envelope => "the COSE_Sign1",
            Self::Header => "the protected header",
            Self::Payload => "the payload",
        })
    }
}

/// What is wrong with CBOR.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CborProblem {
    /// An item goes on beyond the end.
    #[error("it ends in the middle of an item")]
    End,
    /// A head with a longer form than it needs.
    #[error("a number or length is not in its shortest form")]
    Overlong,
    /// Additional information 28 to 30.
    #[error("the byte starts no item")]
    Reserved,
    /// A length is needed.
    #[error("a break, or a string in chunks, where a length is needed")]
    Indefinite,
    /// Another type.
    #[error("there is something else than {0}")]
    Type(&'static str),
    /// Text that is none.
    #[error("a text is not UTF-8")]
    Utf8,
    /// Nested too deeply.
    #[error("it is nested too deeply")]
    Depth,
}

/// What is wrong with a certificate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateProblem {
    /// No certificate.
    #[error("cannot be read as an X.509 certificate: {0}")]
    Malformed(String),
    /// Of before extensions.
    #[error("is not of X.509 version 3")]
    Version,
    /// Not valid at that time.
    #[error("is valid from {from} to {to}, not at {at}")]
    Validity {
        /// First moment.
        from: Moment,
        /// Last moment.
        to: Moment,
        /// The time that counts.
        at: Moment,
    },
    /// An extension that must be understood.
    #[error("has a critical extension that is not understood ({0})")]
    CriticalExtension(String),
    /// An extension that is there twice.
    #[error("has the extension {0} twice")]
    DuplicateExtension(String),
    /// basicConstraints or keyUsage that are none.
    #[error("has a malformed {0}")]
    MalformedExtension(&'static str),
    /// No keyUsage.
    #[error("has no keyUsage, so nothing says what its key is for")]
    NoKeyUsage,
    /// An issuer that is no CA.
    #[error("issued another certificate, and is no CA (critical basicConstraints with cA)")]
    NotCa,
    /// An issuer that may not issue.
    #[error("issued another certificate, and may not (keyUsage without keyCertSign)")]
    NoCertSign,
    /// A chain that is too long.
    #[error(
        "allows {limit} certificates between it and the last, and there are {found} (pathLenConstraint)"
    )]
    PathLength {
        /// What it allows.
        limit: u8,
        /// How many there are.
        found: usize,
    },
    /// A signing certificate that is a CA.
    #[error("signed the document, and is a CA; a CA must not")]
    LeafCa,
    /// A signing certificate that may not sign.
    #[error("signed the document, and may not (keyUsage without digitalSignature)")]
    NoDigitalSignature,
    /// Names that do not chain.
    #[error("names another issuer than the certificate before it")]
    Issuer,
    /// Another signature algorithm, inside or outside.
    #[error("is not signed with ecdsa-with-SHA384, as its two algorithm fields must both say")]
    Algorithm,
    /// Not signed by the one before.
    #[error("was not signed by the certificate before it")]
    Signature,
    /// Another kind of key.
    #[error("has no key on the curve P-384 (an uncompressed point of it)")]
    Key,
    /// No chain.
    #[error("stands alone: a root must not sign documents")]
    Alone,
}

impl Error {
    /// The rule that the document breaks, as docs/attestation-verification.md numbers them.
    pub fn rule(&self) -> u8 {
        match self {
            Self::Cbor { place, .. } | Self::Trailing { place, .. } => match place {
                Place::Envelope | Place::Header => 1,
                Place::Payload => 2,
            },
            Self::Tag { .. }
            | Self::Items
            | Self::Algorithm { .. }
            | Self::ProtectedHeader { .. }
            | Self::NoAlgorithm
            | Self::UnprotectedHeader
            | Self::SignatureLength { .. }
            | Self::Signature => 1,
            Self::TooLarge { .. }
            | Self::Duplicate { .. }
            | Self::Missing { .. }
            | Self::ModuleId
            | Self::Digest { .. }
            | Self::Timestamp
            | Self::NoPcrs
            | Self::PcrIndex { .. }
            | Self::PcrDuplicate { .. }
            | Self::PcrLength { .. }
            | Self::NoBundle
            | Self::BundleLength { .. }
            | Self::FieldLength { .. } => 2,
            Self::Root { .. } => 3,
            Self::Certificate { .. } => 4,
            Self::Future { .. } | Self::Stale { .. } => 5,
            Self::Debug { .. } => 6,
            Self::MissingPcr { .. } => 7,
            Self::Unexpected { .. } => 8,
            Self::Nonce => 9,
        }
    }

    /// A name that does not change with the text: `pcr-length`, `certificate/path-length`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "too-large",
            Self::Cbor { problem, .. } => problem.kind(),
            Self::Trailing { .. } => "trailing",
            Self::Tag { .. } => "tag",
            Self::Items => "items",
            Self::Algorithm { .. } => "algorithm",
            Self::ProtectedHeader { .. } => "protected-header",
            Self::NoAlgorithm => "no-algorithm",
            Self::UnprotectedHeader => "unprotected-header",
            Self::SignatureLength { .. } => "signature-length",
            Self::Duplicate { .. } => "duplicate",
            Self::Missing { .. } => "missing",
            Self::ModuleId => "module-id",
            Self::Digest { .. } => "digest",
            Self::Timestamp => "timestamp",
            Self::NoPcrs => "no-pcrs",
            Self::PcrIndex { .. } => "pcr-index",
            Self::PcrDuplicate { .. } => "pcr-duplicate",
            Self::PcrLength { .. } => "pcr-length",
            Self::NoBundle => "no-bundle",
            Self::BundleLength { .. } => "bundle-length",
            Self::FieldLength { .. } => "field-length",
            Self::Root { .. } => "root",
            Self::Certificate { problem, .. } => problem.kind(),
            Self::Signature => "signature",
            Self::Future { .. } => "future",
            Self::Stale { .. } => "stale",
            Self::Debug { .. } => "debug",
            Self::MissingPcr { .. } => "missing-pcr",
            Self::Unexpected { .. } => "unexpected",
            Self::Nonce => "nonce",
        }
    }
}

impl CborProblem {
    fn kind(self) -> &'static str {
        match self {
            Self::End => "cbor/end",
            Self::Overlong => "cbor/overlong",
            Self::Reserved => "cbor/reserved",
            Self::Indefinite => "cbor/indefinite",
            Self::Type(_) => "cbor/type",
            Self::Utf8 => "cbor/utf8",
            Self::Depth => "cbor/depth",
        }
    }
}

impl CertificateProblem {
    fn kind(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "certificate/malformed",
            Self::Version => "certificate/version",
            Self::Validity { .. } => "certificate/validity",
            Self::CriticalExtension(_) => "certificate/critical-extension",
            Self::DuplicateExtension(_) => "certificate/duplicate-extension",
            Self::MalformedExtension(_) => "certificate/malformed-extension",
            Self::NoKeyUsage => "certificate/no-key-usage",
            Self::NotCa => "certificate/not-ca",
            Self::NoCertSign => "certificate/no-cert-sign",
            Self::PathLength { .. } => "certificate/path-length",
            Self::LeafCa => "certificate/leaf-ca",
            Self::NoDigitalSignature => "certificate/no-digital-signature",
            Self::Issuer => "certificate/issuer",
            Self::Algorithm => "certificate/algorithm",
            Self::Signature => "certificate/signature",
            Self::Key => "certificate/key",
            Self::Alone => "certificate/alone",
        }
    }
}
