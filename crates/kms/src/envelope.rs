//! The senders' envelope: a data key under the KMS key, and AES-256-CBC with it.

use crate::error::{Error, Result};
use aes::Aes256;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cbc::cipher::block_padding::{NoPadding, Pkcs7};
use cbc::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq, ConstantTimeGreater};
use zeroize::Zeroizing;

/// Bytes of a block of AES.
const BLOCK: usize = 16;

/// Text of a job: base64 with the standard alphabet and padding, nothing else.
pub fn from_base64(text: &str, what: &'static str) -> Result<Vec<u8>> {
    STANDARD.decode(text).map_err(|_| Error::Base64(what))
}

/// Base64 of the protocol: the standard alphabet, with padding (RFC 4648, section 4).
pub fn to_base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// An encrypted part of a task, decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The data key, encrypted under the sender's KMS key (RSA-OAEP, SHA-256).
    pub encrypted_data_key: Vec<u8>,
    /// Initialisation vector.
    pub iv: [u8; 16],
    /// The data, padded as PKCS#7 says, in AES-256-CBC.
    pub encrypted_data: Vec<u8>,
}

impl Envelope {
    /// Decodes the three members of an encrypted part: `encryptedDataKey`, `dataIV`,
    /// `encryptedData`.
    ///
    /// # Errors
    /// Faults that are visible without the key: [`Error::Base64`], and [`Error::Envelope`] for a
    /// vector that does not have 16 bytes, or data other than one or more whole blocks.
    pub fn decode(key: &str, iv: &str, data: &str) -> Result<Self> {
        let iv = from_base64(iv, "dataIV")?;
        let encrypted_data = from_base64(data, "encryptedData")?;
        if encrypted_data.is_empty() || encrypted_data.len() % BLOCK != 0 {
            return Err(Error::Envelope);
        }
        Ok(Self {
            encrypted_data_key: from_base64(key, "encryptedDataKey")?,
            iv: <[u8; BLOCK]>::try_from(iv).map_err(|_| Error::Envelope)?,
            encrypted_data,
        })
    }

    /// Decrypts the data with the data key, in place: a document is megabytes.
    ///
    /// It never fails: see [`Clear`]. A key without exactly 32 bytes counts as wrong padding.
    pub fn open(self, data_key: &[u8]) -> Clear {
        let key = <&[u8; 32]>::try_from(data_key).ok();
        let mut clear = decrypt(key.unwrap_or(&[0; 32]), &self.iv, self.encrypted_data);
        clear.accepted &= Choice::from(u8::from(key.is_some()));
        clear
    }
}

/// The plaintext of an envelope's data.
///
/// The envelope has no authentication, so an attacker who chooses the ciphertext and learns whether
/// the padding was right decrypts everything, byte by byte (Vaudenay, "Security Flaws Induced by
/// CBC Padding", 2002). The padding is therefore one more condition beside what the caller requires
/// of the content, combined without a branch; the caller decides once, over both.
pub struct Clear {
    /// The content. With wrong padding: all blocks.
    pub bytes: Zeroizing<Vec<u8>>,
    /// Whether key and padding were right.
    pub accepted: Choice,
}

/// AES-256-CBC with PKCS#7. Neither the time nor the accesses to memory depend on the padding.
pub(crate) fn decrypt(key: &[u8; 32], iv: &[u8; BLOCK], data: Vec<u8>) -> Clear {
    let mut bytes = Zeroizing::new(data);
    let whole = cbc::Decryptor::<Aes256>::new(key.into(), iv.into())
        .decrypt_padded::<NoPadding>(&mut bytes)
        .is_ok();
    let (padding, mut accepted) = padding(&bytes);
    accepted &= Choice::from(u8::from(whole));
    let length = bytes.len().saturating_sub(padding);
    bytes.truncate(length);
    Clear { bytes, accepted }
}

/// Length of the padding at the end, and whether it is one (RFC 5652, section 6.3). 0 if it is not.
fn padding(bytes: &[u8]) -> (usize, Choice) {
    const SIZE: u8 = 16;
    let Some(block) = bytes.last_chunk::<BLOCK>() else {
        return (0, Choice::from(0));
    };
    let [.., count] = *block;
    let mut right = !count.ct_eq(&0) & !count.ct_gt(&SIZE);
    // `from_end` of a block's first byte is 16, of its last byte 1.
    for (from_end, byte) in (1..=SIZE).rev().zip(block) {
        let belongs = !from_end.ct_gt(&count);
        right &= !belongs | byte.ct_eq(&count);
    }
    let length = u8::conditional_select(&0, &count, right);
    (usize::from(length), right)
}

/// AES-256-CBC with PKCS#7, as results are encrypted for the sender: the vector, then the data.
pub fn encrypt(key: &[u8; 32], iv: &[u8; 16], data: &[u8]) -> Vec<u8> {
    let padded = (data.len() / BLOCK + 1) * BLOCK;
    let mut out = Vec::with_capacity(BLOCK + padded);
    out.extend_from_slice(iv);
    out.extend_from_slice(data);
    out.resize(BLOCK + padded, 0);
    if let Some(body) = out.get_mut(BLOCK..) {
        // The only possible error is a buffer without room for the padding; this one has room.
        let _ = cbc::Encryptor::<Aes256>::new(key.into(), iv.into())
            .encrypt_padded::<Pkcs7>(body, data.len());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_encrypted_decrypts_and_nothing_else(
            data in proptest::collection::vec(any::<u8>(), 0..200), key: [u8; 32], iv: [u8; 16], other: [u8; 32],
        ) {
            let all = encrypt(&key, &iv, &data);
            prop_assert_eq!(&all[..16], &iv);
            prop_assert_eq!(opened(&key, &iv, &all[16..]), Some(data.clone()));
            prop_assert_eq!(opened(&key, &iv, &[]), None);
            if other != key {
                // The padding may be right by chance; the data are not.
                prop_assert_ne!(opened(&other, &iv, &all[16..]), Some(data));
            }
        }

        /// Against the library's own, which branches: all that a last block can be.
        #[test]
        fn padding_is_what_the_library_takes_for_padding(
            key: [u8; 32], iv: [u8; 16], mut block: [u8; 16], count in 0_u8..20, from in 0_usize..17, blocks in 0_usize..3,
        ) {
            if let Some(end) = block.get_mut(from..) {
                end.fill(count);
            }
            block[15] = count;
            let mut clear = vec![7; 16 * blocks];
            clear.extend_from_slice(&block);
            let data = cbc::Encryptor::<Aes256>::new((&key).into(), (&iv).into())
                .encrypt_padded_vec::<NoPadding>(&clear);
            let expected = cbc::Decryptor::<Aes256>::new((&key).into(), (&iv).into())
                .decrypt_padded_vec::<Pkcs7>(&data)
                .ok();
            prop_assert_eq!(opened(&key, &iv, &data), expected);
            if opened(&key, &iv, &data).is_none() {
                prop_assert_eq!(&*decrypt(&key, &iv, data).bytes, &clear);
            }
        }
    }

    fn opened(key: &[u8; 32], iv: &[u8; 16], data: &[u8]) -> Option<Vec<u8>> {
        let clear = decrypt(key, iv, data.to_vec());
        bool::from(clear.accepted).then(|| clear.bytes.to_vec())
    }

    /// NIST SP 800-38A, F.2.5 (CBC-AES256), first block.
    #[test]
    fn it_is_aes_256_cbc() {
        let key: [u8; 32] =
            hex::decode("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4")
                .unwrap()
                .try_into()
                .unwrap();
        let iv: [u8; 16] = core::array::from_fn(|at| u8::try_from(at).unwrap());
        let block = hex::decode("6bc1bee22e409f96e93d7e117393172a").unwrap();
        let all = encrypt(&key, &iv, &block);
        assert_eq!(
            hex::encode(&all[16..32]),
            "f58c4c04d6e5f1ba779eabfb5f7bfbd6"
        );
    }

    #[test]
    fn base64_is_strict() {
        for bad in ["YQ", "YQ=", "YQ==\n", "Y Q==", "YR==", "YQ==YQ==", "-_=="] {
            assert_eq!(from_base64(bad, "x"), Err(Error::Base64("x")), "{bad:?}");
        }
        assert_eq!(from_base64("YQ==", "x").unwrap(), b"a");
    }

    #[test]
    fn envelopes_of_another_shape_are_refused() {
        let iv = "AAAAAAAAAAAAAAAAAAAAAA==";
        let block = "AAAAAAAAAAAAAAAAAAAAAA==";
        for (key, iv, data) in [
            ("YQ==", "YQ==", block),
            ("YQ==", iv, "YQ=="),
            ("YQ==", iv, ""),
            ("YQ==", iv, "AAAAAAAAAAAAAAAAAAAAAAA="),
        ] {
            let refused = Envelope::decode(key, iv, data);
            assert_eq!(refused, Err(Error::Envelope), "{iv} {data}");
        }
        let envelope = Envelope::decode("YQ==", iv, block).unwrap();
        for key in [&[0; 31][..], &[0; 33], &[]] {
            assert!(!bool::from(envelope.clone().open(key).accepted));
        }
    }

    #[test]
    fn a_key_of_another_length_is_refused_even_where_the_padding_is_right() {
        let all = encrypt(&[0; 32], &[0; 16], b"text");
        let envelope = Envelope {
            encrypted_data_key: Vec::new(),
            iv: [0; 16],
            encrypted_data: all[16..].to_vec(),
        };
        assert!(bool::from(envelope.clone().open(&[0; 32]).accepted));
        assert!(!bool::from(envelope.open(&[0; 31]).accepted));
    }
}
