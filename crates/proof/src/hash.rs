//! SHA-256 values, written as 64 lower-case hexadecimal digits everywhere in the protocol.

use crate::cbor::Writer;
use crate::{Error, Result};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use sha2::{Digest, Sha256};
use std::fmt;

/// A SHA-256.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// The SHA-256 of some bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Reads 64 lower-case hexadecimal digits.
    ///
    /// # Errors
    /// [`Error::Hash`] for anything else, upper case included: a value has one spelling.
    pub fn parse(text: &str) -> Result<Self> {
        let mut value = [0; 32];
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(Error::Hash);
        }
        hex::decode_to_slice(text, &mut value).map_err(|_| Error::Hash)?;
        Ok(Self(value))
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(D::Error::custom)
    }
}

/// Binds a proof to its task: SHA-256 of the deterministic CBOR array `[taskID]` (RFC 8949,
/// section 4.2.1).
///
/// `subTaskID` is left out: it names a step, and each job of a task may carry another one. A hash,
/// because an identifier has up to 256 characters and a proof in base64 must stay below 1024.
pub fn task_hash(task_id: &str) -> Hash {
    let mut writer = Writer::array(1);
    writer.text(task_id);
    Hash::of(&writer.into_bytes())
}
