//! One register and its text form.

use std::fmt;

/// Length of a register in bytes: that of a SHA-384.
pub const PCR_BYTES: usize = 48;

/// The value of one register; it may be zero. Its text is 96 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pcr([u8; PCR_BYTES]);

/// The text is not 96 lower-case hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a PCR is 96 lower-case hexadecimal digits")]
pub struct ParsePcrError;

impl Pcr {
    /// Wraps the value of a register.
    pub const fn new(value: [u8; PCR_BYTES]) -> Self {
        Self(value)
    }

    /// The 48 bytes.
    pub const fn as_bytes(&self) -> &[u8; PCR_BYTES] {
        &self.0
    }

    /// Whether all bytes are zero, as in the attestation documents of an enclave in debug mode.
    pub fn is_zero(&self) -> bool {
        self.0 == [0; PCR_BYTES]
    }

    /// Reads 96 lower-case hexadecimal digits.
    ///
    /// # Errors
    /// [`ParsePcrError`] for any other text. Upper-case digits are refused too, so that a value has
    /// one spelling; `text.to_ascii_lowercase()` accepts both.
    pub fn parse(text: &str) -> Result<Self, ParsePcrError> {
        let mut value = [0; PCR_BYTES];
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(ParsePcrError);
        }
        hex::decode_to_slice(text, &mut value).map_err(|_| ParsePcrError)?;
        Ok(Self(value))
    }
}

#[cfg(feature = "measure")]
impl Pcr {
    /// The register that results from measuring `contents`: extended once, from zero, with their
    /// SHA-384.
    ///
    /// ```
    /// # use letsesign_pcr::Pcr;
    /// assert!(Pcr::of(b"").to_string().starts_with("21b9efbc184807662e966d34f3908213"));
    /// ```
    pub fn of(contents: &[u8]) -> Self {
        use sha2::Digest;
        Self::extend_from_zero(&sha2::Sha384::digest(contents))
    }

    /// `SHA-384(0^48 || digest)`: a register extended once from its initial value.
    pub fn extend_from_zero(digest: &[u8]) -> Self {
        use sha2::Digest;
        let mut hasher = sha2::Sha384::new();
        hasher.update([0; PCR_BYTES]);
        hasher.update(digest);
        Self(hasher.finalize().into())
    }
}

impl From<[u8; PCR_BYTES]> for Pcr {
    fn from(value: [u8; PCR_BYTES]) -> Self {
        Self(value)
    }
}

impl TryFrom<&[u8]> for Pcr {
    type Error = std::array::TryFromSliceError;

    /// When the length is not [`PCR_BYTES`].
    /// For any other number of bytes than [`PCR_BYTES`].
    fn try_from(bytes: &[u8]) -> Result<Self, Self::Error> {
        bytes.try_into().map(Self)
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_value_has_one_spelling() {
        let good = "0f".repeat(48);
        assert_eq!(Pcr::parse(&good).unwrap().to_string(), good);
        for bad in [
            String::new(),
            "00".into(),
            "0F".repeat(48),
            "0g".repeat(48),
            "0".repeat(95),
            "0".repeat(98),
            format!(" {good}"),
        ] {
            assert_eq!(Pcr::parse(&bad), Err(ParsePcrError), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn parsing_inverts_formatting(value: [u8; 32], rest: [u8; 16]) {
            let mut bytes = [0; PCR_BYTES];
            bytes[..32].copy_from_slice(&value);
            bytes[32..].copy_from_slice(&rest);
            let pcr = Pcr::new(bytes);
            prop_assert_eq!(Pcr::parse(&pcr.to_string()), Ok(pcr));
        }

        #[test]
        fn any_text_is_read_or_refused(text: String) {
            if let Ok(pcr) = Pcr::parse(&text) {
                prop_assert_eq!(pcr.to_string(), text);
            }
        }
    }
}
