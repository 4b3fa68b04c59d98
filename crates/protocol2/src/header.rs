//! The header of a task: what the host must know to route it (docs/protocol-2.md, "The header").

use crate::error::{Result, member};
use crate::text::check_length;
use letsesign_proof::{Hash, read_object};
use serde::{Deserialize, Serialize};

const FORMAT: &str = "header";

/// The version of the protocol that this crate speaks.
pub const PROTOCOL_VERSION: u32 = 2;

/// The longest header in bytes.
pub const HEADER_BYTES_MAX: usize = 2048;

/// The most signers of a task.
pub const SIGNERS_MAX: u16 = 1000;

/// The largest time: 2^53 - 1, the largest integer that JavaScript represents exactly.
const TIME_MAX: u64 = (1 << 53) - 1;

/// The public part of a task. It holds nothing that a person sees and nothing that says where a
/// mail goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Header {
    /// Always 2.
    pub protocol: u32,
    /// The task's name: 32 random bytes, written as a hash is.
    pub task: Hash,
    /// The sender's account ([`AccountSecret::id`](crate::Account::id)).
    pub account: Hash,
    /// The KMS key that wraps both data keys.
    #[serde(rename = "kmsKeyARN")]
    pub kms_key_arn: String,
    /// The number of signers, 1 to 1000.
    pub signers: u16,
    /// Whether the signers sign in their order.
    pub in_order: bool,
    /// The last moment at which a signer can answer, in milliseconds since 1970 (UTC).
    pub expiry: u64,
}

/// A header and its exact bytes: hashes cover the bytes as the sender wrote them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentHeader {
    header: Header,
    bytes: Vec<u8>,
}

impl SentHeader {
    /// Writes a header as compact JSON.
    ///
    /// # Errors
    /// [`Error::Format`](crate::Error::Format) for a member outside its limits.
    pub fn new(header: Header) -> Result<Self> {
        header.check()?;
        let bytes = serde_json::to_vec(&header)
            .map_err(|_| member(FORMAT, "kmsKeyARN", "cannot be written"))?;
        Ok(Self { header, bytes })
    }

    /// Reads a header. Any spelling of the JSON is accepted: its bytes are what counts.
    ///
    /// # Errors
    /// [`Error::Format`](crate::Error::Format): not strict JSON, an unknown, missing or repeated
    /// member, or a value outside its limits.
    pub fn parse(bytes: Vec<u8>) -> Result<Self> {
        let header: Header = read_object(FORMAT, &bytes, HEADER_BYTES_MAX)?;
        header.check()?;
        Ok(Self { header, bytes })
    }

    /// The members.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The bytes that a job carries in base64.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// SHA-256 of the bytes.
    pub fn hash(&self) -> Hash {
        Hash::of(&self.bytes)
    }
}

impl Header {
    fn check(&self) -> Result<()> {
        if self.protocol != PROTOCOL_VERSION {
            return Err(member(FORMAT, "protocol", "is not 2"));
        }
        check_length(FORMAT, "kmsKeyARN", &self.kms_key_arn, 1..=256)?;
        if !self.kms_key_arn.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(member(FORMAT, "kmsKeyARN", "is not printable ASCII"));
        }
        if !(1..=SIGNERS_MAX).contains(&self.signers) {
            return Err(member(FORMAT, "signers", "is not within 1 to 1000"));
        }
        if self.expiry > TIME_MAX {
            return Err(member(FORMAT, "expiry", "is above 2^53 - 1"));
        }
        Ok(())
    }

    /// Whether answers are too late at a time in milliseconds since 1970. The expiry itself is
    /// still in time.
    pub fn expired_at(&self, time: u64) -> bool {
        time > self.expiry
    }
}

#[cfg(test)]
#[path = "header_tests.rs"]
mod tests;
