//! The content of a verified document. Each of the three kinds of verification has its own type, so
//! that one result cannot pass for another.

use crate::document::Parsed;
use crate::expected::Standing;
use letsesign_pcr::Pcr;
use std::collections::BTreeMap;

/// The members of a document after its signature, certificates and form were verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Identifies the enclave and its instance (`i-…-enc…`). Not empty.
    pub module_id: String,
    /// When AWS Nitro made the document, by its own clock, in milliseconds since 1970 (UTC). Not 0.
    pub timestamp: u64,
    /// The registers that the document attests.
    pub pcrs: Registers,
    /// Data that the enclave asked to have attested, at most 1024 bytes.
    pub user_data: Option<Vec<u8>>,
    /// The nonce of whoever requested the document, at most 1024 bytes.
    pub nonce: Option<Vec<u8>>,
    /// The enclave's public key, 1 to 1024 bytes.
    pub public_key: Option<Vec<u8>>,
}

/// The registers of a document by number (0 to 31). PCR0, PCR1 and PCR2 are always there, and not
/// zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registers(pub(crate) BTreeMap<u8, Pcr>);

impl Registers {
    /// The register with this number; `None` when the document does not hold it.
    pub fn get(&self, number: u8) -> Option<&Pcr> {
        self.0.get(&number)
    }

    /// All registers with their numbers, in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = (u8, &Pcr)> {
        self.0.iter().map(|(number, value)| (*number, value))
    }
}

impl Document {
    pub(crate) fn new(parsed: Parsed<'_>) -> Self {
        let owned = |bytes: Option<&[u8]>| bytes.map(<[u8]>::to_vec);
        Self {
            module_id: parsed.module_id.to_owned(),
            timestamp: parsed.timestamp,
            user_data: owned(parsed.user_data),
            nonce: owned(parsed.nonce),
            public_key: owned(parsed.public_key),
            pcrs: Registers(parsed.pcrs),
        }
    }
}

/// An enclave of an expected image is running now: the result of
/// [`Verifier::running`](crate::Verifier::running).
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Running {
    /// The verified document.
    pub document: Document,
    /// Whether the image may be used now.
    pub standing: Standing,
}

/// An enclave of an expected image made this document at the time that the document states. This
/// says nothing about the present.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Recorded {
    /// The verified document.
    pub document: Document,
    /// Whether the image was allowed at the document's time.
    pub standing: Standing,
}

/// Some Nitro enclave, not in debug mode, made this document. Its image was not compared with any
/// expected one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Inspected {
    /// The verified document.
    pub document: Document,
}
