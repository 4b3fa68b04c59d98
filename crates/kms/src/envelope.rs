//! The senders' envelope: a data key under the KMS key, and AES-256-CBC with it.

use crate::error::{Error, Result};
use aes::Aes256;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use zeroize::Zeroizing;

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
    /// Decodes the three members of an encrypted part: `encryptedDataKey`, `dataIV`, `encryptedData`.
    pub fn decode(key: &str, iv: &str, data: &str) -> Result<Self> {
        let iv = from_base64(iv, "dataIV")?;
        Ok(Self {
            encrypted_data_key: from_base64(key, "encryptedDataKey")?,
            iv: <[u8; 16]>::try_from(iv).map_err(|_| Error::Envelope)?,
            encrypted_data: from_base64(data, "encryptedData")?,
        })
    }

    /// Decrypts the data with the data key, which must have 32 bytes. In place: a document is megabytes.
    pub fn open(self, data_key: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let key = <&[u8; 32]>::try_from(data_key).map_err(|_| Error::Envelope)?;
        decrypt(key, &self.iv, self.encrypted_data).ok_or(Error::Envelope)
    }
}

/// AES-256-CBC with PKCS#7. What is wrong is not told: padding that can be told from the rest can be used to guess contents.
pub(crate) fn decrypt(key: &[u8; 32], iv: &[u8; 16], data: Vec<u8>) -> Option<Zeroizing<Vec<u8>>> {
    let mut buffer = Zeroizing::new(data);
    let length = cbc::Decryptor::<Aes256>::new(key.into(), iv.into())
        .decrypt_padded::<Pkcs7>(&mut buffer)
        .ok()?
        .len();
    buffer.truncate(length);
    Some(buffer)
}

/// AES-256-CBC with PKCS#7, as results are encrypted for the sender: the vector, then the data.
pub fn encrypt(key: &[u8; 32], iv: &[u8; 16], data: &[u8]) -> Vec<u8> {
    const BLOCK: usize = 16;
    let padded = (data.len() / BLOCK + 1) * BLOCK;
    let mut out = Vec::with_capacity(BLOCK + padded);
    out.extend_from_slice(iv);
    out.extend_from_slice(data);
    out.resize(BLOCK + padded, 0);
    if let Some(body) = out.get_mut(BLOCK..) {
        // There is room for the padding, which is the only thing that can go wrong.
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
            prop_assert_eq!(decrypt(&key, &iv, all[16..].to_vec()).unwrap().to_vec(), data.clone());
            prop_assert!(decrypt(&key, &iv, all[16..all.len() - 1].to_vec()).is_none());
            prop_assert!(decrypt(&key, &iv, Vec::new()).is_none());
            if other != key {
                // The padding may be right by chance; the data are not.
                prop_assert_ne!(decrypt(&other, &iv, all[16..].to_vec()).map(|data| data.to_vec()), Some(data));
            }
        }
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
        assert!(Envelope::decode("YQ==", iv, "YQ==").is_ok());
        assert_eq!(
            Envelope::decode("YQ==", "YQ==", "YQ=="),
            Err(Error::Envelope)
        );
        let envelope = Envelope::decode("YQ==", iv, "YQ==").unwrap();
        assert_eq!(
            envelope.clone().open(&[0; 31]).unwrap_err(),
            Error::Envelope
        );
        assert_eq!(envelope.open(&[0; 32]).unwrap_err(), Error::Envelope);
    }
}
