//! The rule and the stable name of each error.

use super::{CborProblem, CertificateProblem, Error, Place};

impl Error {
    /// The number of the broken rule in docs/attestation-verification.md.
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

    /// A name that stays the same when the text changes, such as `pcr-length` or
    /// `certificate/path-length`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "too-large",
            Self::Cbor { problem, .. } => cbor_kind(*problem),
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

fn cbor_kind(problem: CborProblem) -> &'static str {
    match problem {
        CborProblem::End => "cbor/end",
        CborProblem::Overlong => "cbor/overlong",
        CborProblem::Reserved => "cbor/reserved",
        CborProblem::Indefinite => "cbor/indefinite",
        CborProblem::Type(_) => "cbor/type",
        CborProblem::Utf8 => "cbor/utf8",
        CborProblem::Depth => "cbor/depth",
        // Documents may have their keys in any order, and `Error` has its own variants for the
        // other two.
        CborProblem::Order => "cbor/order",
        CborProblem::Duplicate => "duplicate",
        CborProblem::Trailing => "trailing",
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
