//! The sender's key in KMS. Its private half is in this source: it protects nothing, and is for
//! tests alone.

use aes::Aes256;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use rand_core::UnwrapErr;
use rsa::pkcs8::DecodePrivateKey;
use rsa::{Oaep, PrivateKey, PublicKey};
use sha2::{Digest, Sha256};
use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, OnceLock, PoisonError};

/// Data keys that are remembered.
const REMEMBERED: usize = 1 << 16;

/// The private key, 2048 bits.
fn private_key() -> &'static PrivateKey {
    static KEY: OnceLock<PrivateKey> = OnceLock::new();
    KEY.get_or_init(|| PrivateKey::from_pkcs8_pem(include_str!("customer-key.pem")).expect("a key"))
}

fn public_key() -> &'static PublicKey {
    static KEY: OnceLock<PublicKey> = OnceLock::new();
    KEY.get_or_init(|| private_key().to_public_key())
}

/// The public key, in PEM: what a sender wraps data keys under.
///
/// # Panics
/// Never: the key is in the source.
pub fn public_key_pem() -> String {
    use rsa::pkcs8::EncodePublicKey;
    let pem = public_key().to_public_key_pem(rsa::pkcs8::LineEnding::LF);
    pem.expect("a public key")
}

/// The machine's random bytes.
pub(crate) fn random() -> UnwrapErr<getrandom::SysRng> {
    UnwrapErr(getrandom::SysRng)
}

pub(crate) fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("random bytes");
    bytes
}

/// Data keys by the hash of their ciphertext. A private operation takes milliseconds of the CPU
/// that a benchmark wants to give to the server.
#[derive(Default)]
struct Memory {
    keys: HashMap<[u8; 32], Vec<u8>>,
    order: VecDeque<[u8; 32]>,
}

fn memory() -> &'static Mutex<Memory> {
    static MEMORY: OnceLock<Mutex<Memory>> = OnceLock::new();
    MEMORY.get_or_init(Mutex::default)
}

pub(crate) fn remember(ciphertext: &[u8], data_key: &[u8]) {
    let mut memory = memory().lock().unwrap_or_else(PoisonError::into_inner);
    let hash = Sha256::digest(ciphertext).into();
    if memory.keys.insert(hash, data_key.to_vec()).is_none() {
        memory.order.push_back(hash);
        if memory.order.len() > REMEMBERED
            && let Some(oldest) = memory.order.pop_front()
        {
            memory.keys.remove(&oldest);
        }
    }
}

pub(crate) fn remembered(ciphertext: &[u8]) -> Option<Vec<u8>> {
    let memory = memory().lock().unwrap_or_else(PoisonError::into_inner);
    let hash: [u8; 32] = Sha256::digest(ciphertext).into();
    memory.keys.get(&hash).cloned()
}

/// Encrypts a data key, or a forged one, under the customer's key.
///
/// # Panics
/// For more than 190 bytes.
pub fn encrypt_data_key(data_key: &[u8]) -> Vec<u8> {
    let ciphertext = public_key()
        .encrypt(&mut random(), Oaep::<Sha256>::new(), data_key)
        .expect("a short key");
    remember(&ciphertext, data_key);
    ciphertext
}

/// Decrypts a data key, by the private key.
pub fn decrypt_data_key(ciphertext: &[u8]) -> Option<Vec<u8>> {
    private_key()
        .decrypt(Oaep::<Sha256>::new(), ciphertext)
        .ok()
}

/// AES-256-CBC with PKCS#7.
pub fn encrypt(key: &[u8; 32], iv: &[u8; 16], data: &[u8]) -> Vec<u8> {
    cbc::Encryptor::<Aes256>::new(key.into(), iv.into()).encrypt_padded_vec::<Pkcs7>(data)
}

/// AES-256-CBC with PKCS#7, the initialisation vector before it.
pub fn decrypt(key: &[u8; 32], data: &[u8]) -> Option<Vec<u8>> {
    let (iv, data) = data.split_first_chunk::<16>()?;
    cbc::Decryptor::<Aes256>::new(key.into(), iv.into())
        .decrypt_padded_vec::<Pkcs7>(data)
        .ok()
}
