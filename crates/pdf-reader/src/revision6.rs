//! Password hash of revision 6 of the standard security handler (ISO 32000-2, 7.6.4.3).

use aes::Aes128;
use cbc::cipher::block_padding::NoPadding;
use cbc::cipher::{BlockModeEncrypt, KeyIvInit};
use sha2::{Digest, Sha256, Sha384, Sha512};
use zeroize::Zeroizing;

/// Algorithm 2.B. `more` is the `U` string for the owner password, and empty otherwise.
pub fn hash(password: &[u8], salt: &[u8], more: &[u8]) -> Zeroizing<[u8; 32]> {
    let mut key: Zeroizing<Vec<u8>> = Zeroizing::new(
        Sha256::new()
            .chain_update(password)
            .chain_update(salt)
            .chain_update(more)
            .finalize()
            .to_vec(),
    );
    let mut round = 0_u32;
    loop {
        let mut block = Zeroizing::new(Vec::new());
        block.extend_from_slice(password);
        block.extend_from_slice(&key);
        block.extend_from_slice(more);
        let text = Zeroizing::new(block.repeat(64));
        let mut parts = key
            .chunks_exact(16)
            .filter_map(|part| <&[u8; 16]>::try_from(part).ok());
        let (Some(aes_key), Some(iv)) = (parts.next(), parts.next()) else {
            // Unreachable: a digest has at least 32 bytes.
            break;
        };
        let sealed = Zeroizing::new(
            cbc::Encryptor::<Aes128>::new(aes_key.into(), iv.into())
                .encrypt_padded_vec::<NoPadding>(&text),
        );
        // 256 is 1 modulo 3, so the first 16 bytes as a number equal the sum of the bytes modulo 3.
        let choice = sealed
            .iter()
            .take(16)
            .map(|byte| u32::from(*byte))
            .sum::<u32>()
            % 3;
        key = Zeroizing::new(match choice {
            0 => Sha256::digest(&*sealed).to_vec(),
            1 => Sha384::digest(&*sealed).to_vec(),
            _ => Sha512::digest(&*sealed).to_vec(),
        });
        round += 1;
        let last = u32::from(sealed.last().copied().unwrap_or(0));
        if round >= 64 && last + 32 <= round {
            break;
        }
    }
    let mut out = Zeroizing::new([0; 32]);
    for (to, from) in out.iter_mut().zip(key.iter()) {
        *to = *from;
    }
    out
}
