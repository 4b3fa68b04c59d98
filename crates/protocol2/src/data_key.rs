//! Data keys and the texts that senders wrap under their KMS key.

use crate::error::{Error, Result};
use crate::kdf::Secret;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Bytes of the tag in front of a data key.
const TAG: usize = 16;

/// Bytes of the text that is wrapped: tag and key. Protocol 1 accepts exactly 32 bytes, so a data
/// key of either protocol is worth nothing under the other.
pub const WRAPPED_TEXT_BYTES: usize = TAG + 32;

/// The purpose of a data key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// One sender's account box.
    Account,
    /// One task.
    Task,
}

impl Purpose {
    fn tag(self) -> &'static [u8; TAG] {
        match self {
            Self::Account => b"letsesign/2 acct",
            Self::Task => b"letsesign/2 task",
        }
    }
}

/// A data key: 32 random bytes.
#[derive(Clone)]
pub struct DataKey {
    purpose: Purpose,
    key: Secret,
}

impl DataKey {
    /// Makes a random key.
    ///
    /// # Errors
    /// [`Error::Random`].
    pub fn generate(purpose: Purpose) -> Result<Self> {
        Ok(Self {
            purpose,
            key: crate::random()?,
        })
    }

    /// A key of these bytes, for vectors and for clients that keep their own.
    pub fn from_bytes(purpose: Purpose, key: [u8; 32]) -> Self {
        Self {
            purpose,
            key: Zeroizing::new(key),
        }
    }

    /// The text to wrap under the sender's KMS key (RSAES-OAEP-SHA-256): 16 bytes of tag, then the
    /// key.
    pub fn to_text(&self) -> Zeroizing<Vec<u8>> {
        let mut text = Zeroizing::new(Vec::with_capacity(WRAPPED_TEXT_BYTES));
        text.extend_from_slice(self.purpose.tag());
        text.extend_from_slice(self.key.as_slice());
        text
    }

    /// Reads a text that KMS unwrapped.
    ///
    /// # Errors
    /// [`Error::DataKey`] for another length or tag, those of protocol 1 and of the other purpose
    /// included.
    pub fn from_text(purpose: Purpose, text: &[u8]) -> Result<Self> {
        let (tag, key) = text.split_first_chunk::<TAG>().ok_or(Error::DataKey)?;
        let key = <&[u8; 32]>::try_from(key).map_err(|_| Error::DataKey)?;
        if !bool::from(tag.ct_eq(purpose.tag())) {
            return Err(Error::DataKey);
        }
        Ok(Self::from_bytes(purpose, *key))
    }

    /// The purpose that the tag names.
    pub fn purpose(&self) -> Purpose {
        self.purpose
    }

    pub(crate) fn secret(&self) -> &[u8; 32] {
        &self.key
    }
}

impl std::fmt::Debug for DataKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DataKey")
            .field("purpose", &self.purpose)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_data_key_serves_one_purpose_of_protocol_2_alone() {
        let account = DataKey::from_bytes(Purpose::Account, [7; 32]).to_text();
        let task = DataKey::from_bytes(Purpose::Task, [7; 32]).to_text();
        let open = |purpose, text: &[u8]| DataKey::from_text(purpose, text);
        assert_eq!(open(Purpose::Account, &account).unwrap().secret(), &[7; 32]);
        assert_eq!(open(Purpose::Task, &task).unwrap().secret(), &[7; 32]);
        for (purpose, text) in [
            (Purpose::Task, account.as_slice()),
            (Purpose::Account, task.as_slice()),
            // A data key of protocol 1.
            (Purpose::Task, &[7; 32]),
            (Purpose::Task, &task[..47]),
            (Purpose::Task, &[task.as_slice(), &[0]].concat()),
            (Purpose::Task, b""),
        ] {
            assert_eq!(open(purpose, text).unwrap_err(), Error::DataKey);
        }
    }

    #[test]
    fn nothing_shows_the_key() {
        let key = DataKey::from_bytes(Purpose::Task, [0xab; 32]);
        assert_eq!(format!("{key:?}"), "DataKey { purpose: Task, .. }");
    }
}
