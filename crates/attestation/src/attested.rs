//! What a verified document says. Three types, so that an answer to one question is not taken for the answer to another.

use crate::document::{PCR_BYTES, Parsed};
use crate::expected::Standing;
use std::collections::BTreeMap;

/// The members of a document whose signature, certificates and form were verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The enclave's identifier, with that of its instance. Not empty.
    pub module_id: String,
    /// When it was made by the clock of AWS Nitro, in milliseconds since 1970 (UTC). Not 0.
    pub timestamp: u64,
    /// The registers.
    pub pcrs: Registers,
    /// What the enclave had attested, at most 1024 bytes.
    pub user_data: Option<Vec<u8>>,
    /// The asker's nonce, at most 1024 bytes.
    pub nonce: Option<Vec<u8>>,
    /// The enclave's public key, 1 to 1024 bytes.
    pub public_key: Option<Vec<u8>>,
}

/// The registers of a document by number (0 to 31). PCR0, PCR1 and PCR2 are always there, and not zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registers(pub(crate) BTreeMap<u8, [u8; PCR_BYTES]>);

impl Registers {
    /// One register.
    pub fn get(&self, number: u8) -> Option<&[u8; PCR_BYTES]> {
        self.0.get(&number)
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = (u8, &[u8; PCR_BYTES])> {
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

/// An enclave of an expected image is running now.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Running {
    /// What it says.
    pub document: Document,
    /// Whether its image may be used, now.
    pub standing: Standing,
}

/// An enclave of an expected image made this document when the document says so. Nothing is known about now.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Recorded {
    /// What it says.
    pub document: Document,
    /// Whether its image might be used, then.
    pub standing: Standing,
}

/// Some Nitro enclave made this document, not in debug mode. Its image was compared with nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Inspected {
    /// What it says.
    pub document: Document,
}
