//! The proof of request of protocol 2.

use super::{Kind, Proof, Request};
use crate::por::check_time;
use crate::{CheckedBy, Hash, Result, json};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// An uncompressed point on P-256 (SEC 1, section 2.3.3), as base64 in JSON. Whether it is on the
/// curve is for the user of the key to check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PointBytes(pub [u8; 65]);

impl Serialize for PointBytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(self.0))
    }
}

impl<'de> Deserialize<'de> for PointBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        let bytes = STANDARD.decode(text.as_bytes());
        let bytes = bytes.map_err(|_| D::Error::custom("a key is not base64"))?;
        let bytes = <[u8; 65]>::try_from(bytes);
        bytes
            .map(Self)
            .map_err(|_| D::Error::custom("a key does not have 65 bytes"))
    }
}

/// A proof of request: the enclave mailed a link with this key to this signer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Por {
    /// Task, signer and round.
    #[serde(flatten)]
    pub request: Request,
    /// Verifies the answers; the private key is in the link alone.
    pub link_key: PointBytes,
    /// Encrypts the answers.
    pub answer_key: PointBytes,
    /// The last moment for an answer, in milliseconds since 1970 (UTC).
    pub expiry: u64,
    /// How the signer will be checked.
    pub checked_by: CheckedBy,
    /// SHA-256 of the previous signer's PoI, where signers sign in order: the enclave saw it before
    /// it asked.
    #[serde(
        skip_serializing_if = "Option::is_none",
        default,
        deserialize_with = "json::present"
    )]
    pub previous: Option<Hash>,
}

impl Proof for Por {
    const FORMAT: &'static str = "PoR of protocol 2";
    const KIND: Kind = Kind::Por;

    fn check(&self) -> Result<()> {
        check_time(Self::FORMAT, "expiry", self.expiry)?;
        self.request.check(Self::FORMAT)
    }
}

impl Por {
    /// The compact JSON.
    ///
    /// # Errors
    /// [`Error::Member`](crate::Error::Member) when a number exceeds its limit.
    pub fn to_json(&self) -> Result<Vec<u8>> {
        self.write()
    }

    /// Reads a proof: exactly the text that [`to_json`](Self::to_json) writes.
    ///
    /// # Errors
    /// [`Error`](crate::Error) for any other text.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        Self::read(bytes)
    }
}
