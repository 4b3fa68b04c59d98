//! Platform configuration registers as release files have them.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::fmt;

/// Bytes of one register: a SHA-384.
pub const PCR_BYTES: usize = 48;

/// One register's value: 96 lower-case hexadecimal digits, and not all zeros, which is what an enclave in debug mode attests.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pcr([u8; PCR_BYTES]);

impl Pcr {
    /// A register's value. `None` for zeros: they identify no image.
    pub fn new(value: [u8; PCR_BYTES]) -> Option<Self> {
        (value != [0; PCR_BYTES]).then_some(Self(value))
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8; PCR_BYTES] {
        &self.0
    }

    /// Reads 96 lower-case hexadecimal digits. `None` for anything else, and for zeros.
    pub fn parse(text: &str) -> Option<Self> {
        let mut value = [0; PCR_BYTES];
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return None;
        }
        hex::decode_to_slice(text, &mut value).ok()?;
        Self::new(value)
    }
}

impl fmt::Display for Pcr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Pcr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Pcr {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Pcr {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            D::Error::custom("a PCR is 96 lower-case hexadecimal digits, not all of them 0")
        })
    }
}

/// PCR0, PCR1 and PCR2 of one image. All three identify it; one alone does not (docs/eif-format.md).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pcrs {
    /// Kernel, command line and all ramdisks.
    #[serde(rename = "0")]
    pub pcr0: Pcr,
    /// Kernel, command line and first ramdisk.
    #[serde(rename = "1")]
    pub pcr1: Pcr,
    /// The other ramdisks.
    #[serde(rename = "2")]
    pub pcr2: Pcr,
}

impl Pcrs {
    /// The registers with their numbers.
    pub fn numbered(&self) -> [(u8, Pcr); 3] {
        [(0, self.pcr0), (1, self.pcr1), (2, self.pcr2)]
    }
}
