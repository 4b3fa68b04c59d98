//! Members of JSON objects: secrets, texts with limits, bytes in base64.

use crate::error::{Result, member};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::value::StrDeserializer;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;
use std::ops::RangeInclusive;
use zeroize::Zeroizing;

/// A text that must not be printed. Zeroed when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretText(Zeroizing<String>);

impl SecretText {
    /// Keeps a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(..)")
    }
}

impl Serialize for SecretText {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

/// 32 secret bytes, as base64 in JSON. Zeroed when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretBytes(Zeroizing<[u8; 32]>);

impl SecretBytes {
    /// Keeps bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Makes random bytes.
    ///
    /// # Errors
    /// [`Error::Random`](crate::Error::Random).
    pub fn generate() -> Result<Self> {
        Ok(Self(crate::random()?))
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretBytes(..)")
    }
}

impl Serialize for SecretBytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let text = Zeroizing::new(STANDARD.encode(self.0.as_slice()));
        serializer.serialize_str(&text)
    }
}

impl<'de> Deserialize<'de> for SecretBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        let bytes = STANDARD.decode(text.as_bytes()).map(Zeroizing::new);
        let bytes = bytes.map_err(|_| D::Error::custom("not base64"))?;
        let bytes = <[u8; 32]>::try_from(bytes.as_slice());
        bytes
            .map(Self::new)
            .map_err(|_| D::Error::custom("not 32 bytes"))
    }
}

/// Reads one of several words, as a JSON string alone: the readers that serde derives for enums
/// also accept `{"confirm":null}`, which other implementations would refuse.
pub(crate) fn word<'de, D, T>(deserializer: D) -> std::result::Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    let word = Cow::<str>::deserialize(deserializer)?;
    T::deserialize(StrDeserializer::<D::Error>::new(&word))
}

/// Checks the length of a text, in characters.
pub(crate) fn check_length(
    format: &'static str,
    name: &'static str,
    text: &str,
    allowed: RangeInclusive<usize>,
) -> Result<()> {
    if allowed.contains(&text.chars().count()) {
        return Ok(());
    }
    Err(member(
        format,
        name,
        "is shorter or longer than the format allows",
    ))
}

/// Checks a text that becomes part of a mail's head, a file's name or a line on a page.
pub(crate) fn check_line(
    format: &'static str,
    name: &'static str,
    text: &str,
    allowed: RangeInclusive<usize>,
) -> Result<()> {
    check_length(format, name, text, allowed)?;
    if text.chars().any(char::is_control) || text.contains(['\u{2028}', '\u{2029}']) {
        return Err(member(
            format,
            name,
            "has a control character or line break",
        ));
    }
    Ok(())
}
