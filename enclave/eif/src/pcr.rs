//! Platform configuration registers: the measurements of an image.
//!
//! Each register is extended once, from zero, with the SHA-384 of its contents:
//! `PCRn = SHA-384(0^48 || SHA-384(contents))`. The contents are concatenated section contents, without headers and
//! without lengths:
//!
//! | register | contents |
//! |---|---|
//! | PCR0 | kernel, cmdline, all ramdisks |
//! | PCR1 | kernel, cmdline, first ramdisk |
//! | PCR2 | the other ramdisks |
//! | PCR8 | DER of the signing certificate |
//!
//! Because lengths are left out, two images can share PCR0 although their sections are cut differently: compare PCR0,
//! PCR1 and PCR2 together.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use sha2::{Digest, Sha384};
use std::fmt;

/// Bytes of one register.
pub const PCR_SIZE: usize = 48;

/// One register's value. Written and read as 96 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pcr(pub [u8; PCR_SIZE]);

impl Pcr {
    /// `SHA-384(0^48 || digest)`: a register extended once from its initial value.
    pub fn extend_from_zero(digest: &[u8]) -> Self {
        let mut hasher = Sha384::new();
        hasher.update([0; PCR_SIZE]);
        hasher.update(digest);
        Pcr(hasher.finalize().into())
    }

    /// The register that results from measuring `contents`.
    pub fn of(contents: &[u8]) -> Self {
        Self::extend_from_zero(&Sha384::digest(contents))
    }

    /// Whether all bytes are zero, which is what an enclave in debug mode attests.
    pub fn is_zero(&self) -> bool {
        self.0.iter().all(|byte| *byte == 0)
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
        let mut value = [0; PCR_SIZE];
        hex::decode_to_slice(&text, &mut value).map_err(|_| {
            D::Error::custom(format!("a PCR is 96 hexadecimal digits, not {text:?}"))
        })?;
        Ok(Pcr(value))
    }
}

/// The registers of one image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pcrs {
    /// Kernel, cmdline and all ramdisks.
    #[serde(rename = "PCR0")]
    pub pcr0: Pcr,
    /// Kernel, cmdline and the first ramdisk.
    #[serde(rename = "PCR1")]
    pub pcr1: Pcr,
    /// The ramdisks after the first. With one ramdisk this is the register of nothing, [`Pcrs::empty`].
    #[serde(rename = "PCR2")]
    pub pcr2: Pcr,
    /// The signing certificate; absent when the image is not signed.
    #[serde(rename = "PCR8", default, skip_serializing_if = "Option::is_none")]
    pub pcr8: Option<Pcr>,
}

impl Pcrs {
    /// The register over no contents at all: `21b9efbc...`.
    pub fn empty() -> Pcr {
        Pcr::of(&[])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn register_of_nothing_is_the_published_value() {
        assert!(
            Pcrs::empty()
                .to_string()
                .starts_with("21b9efbc184807662e966d34f390821309eeac6802309798826296bf3e8bec7c")
        );
    }

    #[test]
    fn text_form_is_checked() {
        let text = format!("\"{}\"", Pcr::of(b"x"));
        let back: Pcr = serde_json::from_str(&text).unwrap();
        assert_eq!(back, Pcr::of(b"x"));
        for bad in [
            "\"\"",
            "\"00\"",
            &format!("\"{}\"", "g".repeat(96)),
            &format!("\"{}\"", "0".repeat(98)),
        ] {
            assert!(serde_json::from_str::<Pcr>(bad).is_err(), "{bad}");
        }
    }
}
