//! The summary: who signed, when, from where.

use crate::{Error, Hash, Result, json};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::fmt;
use std::net::Ipv4Addr;

const FORMAT: &str = "summary";

/// Signers at most: their indices go to 999.
const SIGNERS_MAX: usize = 1000;

/// The number that the enclave draws for each signed document and prints on its pages: 32 random bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct MagicNumber(pub [u8; 32]);

impl MagicNumber {
    /// What is printed on the page: the first 32 hexadecimal digits.
    pub fn on_page(&self) -> String {
        hex::encode(self.0.get(..16).unwrap_or_default())
    }
}

impl fmt::Display for MagicNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for MagicNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for MagicNumber {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for MagicNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Hash::parse(&text)
            .map(|Hash(bytes)| Self(bytes))
            .map_err(|_| D::Error::custom("a magic number is 64 lower-case hexadecimal digits"))
    }
}

/// One signer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Signer {
    /// As the sender wrote it. A person typed it: show it with care.
    pub name: String,
    /// Where the request was mailed to.
    pub email_addr: String,
    /// Where the confirmation came from, as the sender's server told.
    pub ip_address: Ipv4Addr,
    /// When the signer confirmed, in seconds since 1970 (UTC).
    pub signing_time: u64,
    /// The verified phone number, when there was one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub phone_number: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Content {
    signer_list: Vec<Signer>,
    magic_number: MagicNumber,
    binding_data_hash: Hash,
}

/// A summary with the very text that was hashed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// In signing order.
    pub signers: Vec<Signer>,
    /// Printed on the pages.
    pub magic_number: MagicNumber,
    /// Binds the signed document to the sender's task.
    pub binding_data_hash: Hash,
    text: String,
}

impl Summary {
    /// Makes a summary and its text.
    ///
    /// # Errors
    /// [`Error::Member`] without signers or with more than 1000.
    pub fn new(
        signers: Vec<Signer>,
        magic_number: MagicNumber,
        binding_data_hash: Hash,
    ) -> Result<Self> {
        check_count(&signers)?;
        let content = Content {
            signer_list: signers,
            magic_number,
            binding_data_hash,
        };
        let text = serde_json::to_string(&content).map_err(|error| Error::Json {
            format: FORMAT,
            problem: error.to_string(),
        })?;
        Ok(Self::with(content, text))
    }

    /// Reads a summary. The hashed text is that of `JSON.stringify`, whatever white space is in `text`; members that this
    /// reader does not know stay in it.
    ///
    /// # Errors
    /// [`Error`] when the text is not strict JSON, a member is missing or is not what it should be.
    pub fn parse(text: &str) -> Result<Self> {
        let content: Content = json::read(FORMAT, text.as_bytes(), crate::SPF_BYTES_MAX)?;
        check_count(&content.signer_list)?;
        let compact = json::compact(text).ok_or_else(|| Error::Json {
            format: FORMAT,
            problem: "no JSON".to_owned(),
        })?;
        Ok(Self::with(content, compact))
    }

    fn with(content: Content, text: String) -> Self {
        Self {
            signers: content.signer_list,
            magic_number: content.magic_number,
            binding_data_hash: content.binding_data_hash,
            text,
        }
    }

    /// The compact text, the result `summary` of `attachEsig`.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The hash that is attested under the name `summary`.
    pub fn hash(&self) -> Hash {
        Hash::of(self.text.as_bytes())
    }
}

fn check_count(signers: &[Signer]) -> Result<()> {
    if (1..=SIGNERS_MAX).contains(&signers.len()) {
        return Ok(());
    }
    Err(Error::Member {
        format: FORMAT,
        member: "signerList",
        problem: "has not between 1 and 1000 signers",
    })
}
