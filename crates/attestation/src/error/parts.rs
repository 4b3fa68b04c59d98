//! What errors are made of.

use x509_cert::der::DateTime;

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
