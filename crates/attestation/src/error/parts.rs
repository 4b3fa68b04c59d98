//! The types that errors consist of.

use x509_cert::der::DateTime;

/// A time in milliseconds since 1970 (UTC), displayed as `2022-10-13T08:58:02Z`.
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

/// A part of a document, for error texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The COSE_Sign1 structure.
    Envelope,
    /// The protected header.
    Header,
    /// The payload.
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

/// The rule of path validation that a certificate breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateProblem {
    /// The bytes are not a certificate.
    #[error("cannot be read as an X.509 certificate: {0}")]
    Malformed(String),
    /// The certificate predates version 3, so it has no extensions.
    #[error("is not of X.509 version 3")]
    Version,
    /// The certificate is not valid at the time of verification.
    #[error("is valid from {from} to {to}, not at {at}")]
    Validity {
        /// Start of validity (notBefore).
        from: Moment,
        /// End of validity (notAfter).
        to: Moment,
        /// The time of verification.
        at: Moment,
    },
    /// The certificate has a critical extension that this verifier does not implement.
    #[error("has a critical extension that is not understood ({0})")]
    CriticalExtension(String),
    /// The certificate has an extension twice.
    #[error("has the extension {0} twice")]
    DuplicateExtension(String),
    /// The content of basicConstraints or keyUsage is malformed.
    #[error("has a malformed {0}")]
    MalformedExtension(&'static str),
    /// The certificate has no keyUsage.
    #[error("has no keyUsage, so nothing says what its key is for")]
    NoKeyUsage,
    /// An issuer is not a CA.
    #[error("issued another certificate, and is not a CA (critical basicConstraints with cA)")]
    NotCa,
    /// The keyUsage of an issuer does not allow issuing.
    #[error("issued another certificate, and may not (keyUsage without keyCertSign)")]
    NoCertSign,
    /// The path length constraint of an issuer is exceeded.
    #[error(
        "allows {limit} certificates between it and the last, and there are {found} (pathLenConstraint)"
    )]
    PathLength {
        /// The most certificates that it allows below it.
        limit: u8,
        /// The number of certificates found.
        found: usize,
    },
    /// The signing certificate is a CA.
    #[error("signed the document, and is a CA; a CA must not")]
    LeafCa,
    /// The keyUsage of the signing certificate does not allow signatures.
    #[error("signed the document, and may not (keyUsage without digitalSignature)")]
    NoDigitalSignature,
    /// The issuer's name differs from the subject of the certificate before.
    #[error("names another issuer than the certificate before it")]
    Issuer,
    /// The signature algorithm is not ecdsa-with-SHA384 in both fields.
    #[error("is not signed with ecdsa-with-SHA384, as its two algorithm fields must both say")]
    Algorithm,
    /// The signature by the certificate before does not verify.
    #[error("was not signed by the certificate before it")]
    Signature,
    /// The public key is not a point on P-384.
    #[error("has no key on the curve P-384 (an uncompressed point of it)")]
    Key,
    /// The chain consists of the root alone.
    #[error("stands alone: a root must not sign documents")]
    Alone,
}
