//! AES in CBC mode over whole blocks.

use aes::{Aes128, Aes256};
use cbc::cipher::block_padding::NoPadding;
use cbc::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use zeroize::Zeroizing;

/// Decrypts whole blocks without padding.
pub(crate) fn cbc_decrypt(key: &[u8], iv: &[u8; 16], data: &[u8]) -> Vec<u8> {
    if let Ok(key) = <&[u8; 32]>::try_from(key) {
        cbc::Decryptor::<Aes256>::new(key.into(), iv.into()).decrypt_padded_vec::<NoPadding>(data)
    } else {
        let mut short = Zeroizing::new([0; 16]);
        copy(&mut *short, key);
        cbc::Decryptor::<Aes128>::new((&*short).into(), iv.into())
            .decrypt_padded_vec::<NoPadding>(data)
    }
    .unwrap_or_default()
}

/// Encrypts whole blocks with AES-256 in CBC mode, without padding and with a zero initialization
/// vector. For keys and single blocks only.
pub fn seal_blocks(key: &[u8; 32], data: &[u8]) -> Vec<u8> {
    cbc::Encryptor::<Aes256>::new(key.into(), &[0; 16].into()).encrypt_padded_vec::<NoPadding>(data)
}

/// Copies as many bytes as both slices have.
pub(crate) fn copy(to: &mut [u8], from: &[u8]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
}
