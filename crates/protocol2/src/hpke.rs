//! HPKE, base mode, one message (RFC 9180): DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-256-GCM.
//!
//! Browsers have all of its parts in WebCrypto.

use crate::error::{Error, Result};
use crate::kdf::{Secret, expand, extract};
use crate::key_pair::{KeyPair, PUBLIC_KEY_BYTES};
use graviola::aead::AesGcm;
use zeroize::Zeroizing;

/// DHKEM(P-256, HKDF-SHA256): section 7.1.
const KEM_SUITE: &[u8] = b"KEM\x00\x10";
/// KEM, KDF and AEAD: sections 7.1 to 7.3.
const HPKE_SUITE: &[u8] = b"HPKE\x00\x10\x00\x01\x00\x02";
/// Bytes of GCM's tag.
const TAG: usize = 16;

/// `LabeledExtract` of section 4.
fn labeled_extract(suite: &[u8], salt: &[u8], label: &[u8], secret: &[u8]) -> Secret {
    let text = Zeroizing::new([b"HPKE-v1", suite, label, secret].concat());
    extract(salt, &text)
}

/// `LabeledExpand` of section 4.
fn labeled_expand<const N: usize>(
    suite: &[u8],
    key: &[u8; 32],
    label: &[u8],
    info: &[u8],
) -> Zeroizing<[u8; N]> {
    let length = u16::try_from(N).unwrap_or(u16::MAX).to_be_bytes();
    expand(key, &[&length[..], b"HPKE-v1", suite, label, info].concat())
}

/// Key and nonce of the only message: `ExtractAndExpand` (section 4.1), then `KeySchedule` of mode
/// 0 without a pre-shared key (section 5.1).
fn schedule(
    shared: &[u8; 32],
    enc: &[u8],
    recipient: &[u8],
    info: &[u8],
) -> (Secret, Zeroizing<[u8; 12]>) {
    let context = [enc, recipient].concat();
    let prk = labeled_extract(KEM_SUITE, b"", b"eae_prk", shared);
    let shared = labeled_expand::<32>(KEM_SUITE, &prk, b"shared_secret", &context);
    let psk_id_hash = labeled_extract(HPKE_SUITE, b"", b"psk_id_hash", b"");
    let info_hash = labeled_extract(HPKE_SUITE, b"", b"info_hash", info);
    let context = [&[0][..], &*psk_id_hash, &*info_hash].concat();
    let secret = labeled_extract(HPKE_SUITE, &*shared, b"secret", b"");
    (
        labeled_expand(HPKE_SUITE, &secret, b"key", &context),
        labeled_expand(HPKE_SUITE, &secret, b"base_nonce", &context),
    )
}

/// Encrypts to a public key: `enc(65) || ciphertext || tag(16)`.
pub(crate) fn seal(recipient: &[u8], info: &[u8], aad: &[u8], text: &[u8]) -> Result<Vec<u8>> {
    loop {
        // Fails for one of 2^32 scalars.
        if let Ok(ephemeral) = KeyPair::from_scalar(&*crate::random()?) {
            return seal_with(&ephemeral, recipient, info, aad, text);
        }
    }
}

pub(crate) fn seal_with(
    ephemeral: &KeyPair,
    recipient: &[u8],
    info: &[u8],
    aad: &[u8],
    text: &[u8],
) -> Result<Vec<u8>> {
    let shared = ephemeral.agree(recipient)?;
    let (key, nonce) = schedule(&shared, &ephemeral.public, recipient, info);
    let mut out = ephemeral.public.to_vec();
    out.extend_from_slice(text);
    let mut tag = [0; TAG];
    if let Some(body) = out.get_mut(PUBLIC_KEY_BYTES..) {
        AesGcm::new(&*key).encrypt(&nonce, aad, body, &mut tag);
    }
    out.extend_from_slice(&tag);
    Ok(out)
}

/// Decrypts.
///
/// # Errors
/// [`Error::Answer`], for every cause.
pub(crate) fn open(
    recipient: &KeyPair,
    info: &[u8],
    aad: &[u8],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>> {
    let (enc, rest) = sealed
        .split_first_chunk::<PUBLIC_KEY_BYTES>()
        .ok_or(Error::Answer)?;
    let (body, tag) = rest.split_last_chunk::<TAG>().ok_or(Error::Answer)?;
    let shared = recipient.agree(enc)?;
    let (key, nonce) = schedule(&shared, enc, &recipient.public, info);
    let mut text = Zeroizing::new(body.to_vec());
    AesGcm::new(&*key)
        .decrypt(&nonce, aad, &mut text, tag)
        .map_err(|_| Error::Answer)?;
    Ok(text)
}

#[cfg(test)]
#[path = "hpke_tests.rs"]
mod tests;
