//! Ciphertexts that OpenSSL made, and the crate `rsa` beside this one.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test"
)]

use letsesign_rsa_private::{Error, Parts, PrivateKey, SIZE};
use proptest::prelude::*;
use rand_core::UnwrapErr;
use rsa::pkcs1::DecodeRsaPrivateKey;
use rsa::traits::{PrivateKeyParts, PublicKeyParts};
use rsa::{Oaep, sha2::Sha256};
use std::sync::{LazyLock, Mutex};

fn random() -> UnwrapErr<getrandom::SysRng> {
    UnwrapErr(getrandom::SysRng)
}

fn ours(from: &rsa::PrivateKey) -> PrivateKey {
    let parts = Parts {
        n: &from.n_bytes(),
        e: &from.e_bytes(),
        p: &from.primes()[0].to_be_bytes(),
        q: &from.primes()[1].to_be_bytes(),
        dp: &from.dp().unwrap().to_be_bytes(),
        dq: &from.dq().unwrap().to_be_bytes(),
        q_inverse: &from.crt_coefficient().unwrap().to_be_bytes(),
    };
    PrivateKey::new(&parts, &mut random()).unwrap()
}

/// A key in the reference, in both arithmetics of this crate.
struct Keys {
    reference: rsa::PrivateKey,
    ours: [PrivateKey; 2],
}

impl Keys {
    fn of(reference: rsa::PrivateKey) -> Self {
        let ours = [ours(&reference), ours(&reference).portable()];
        assert!(!ours[1].is_vectorised());
        Self { reference, ours }
    }

    /// Decrypts with both arithmetics; they must agree.
    fn decrypt(&self, ciphertext: &[u8]) -> Option<Vec<u8>> {
        let [first, second] = self.ours.each_ref().map(|key| {
            let message = key.decrypt_oaep_sha256(ciphertext, &mut random());
            message.map(|message| message.to_vec())
        });
        assert_eq!(first, second);
        first.ok()
    }

    fn decrypt_with_reference(&self, ciphertext: &[u8]) -> Option<Vec<u8>> {
        let padding = Oaep::<Sha256>::new();
        self.reference.decrypt(padding, ciphertext).ok()
    }
}

/// The row that rsa 0.10.0 takes and RFC 8017 (section 7.1.2, step 3g) does not: the crate ignores
/// the first byte of the block that it decrypted.
const REFERENCE_IS_WRONG: &str = "first byte 1";

static KEYS: LazyLock<Keys> = LazyLock::new(|| {
    let text: String = include_str!("vectors/key.pkcs1.hex")
        .split_whitespace()
        .collect();
    Keys::of(rsa::PrivateKey::from_pkcs1_der(&hex::decode(text).unwrap()).unwrap())
});

#[test]
fn ciphertexts_of_openssl_have_the_named_results() {
    let mut results = [0, 0];
    for line in include_str!("vectors/oaep.txt").lines().skip(1) {
        let row: Vec<&str> = line.split('|').map(str::trim).collect();
        let [comment, message, result, ciphertext] = row[..] else {
            panic!("{line}");
        };
        let valid = result == "valid";
        let expected = valid.then(|| hex::decode(message).unwrap());
        let ciphertext = hex::decode(ciphertext).unwrap();
        assert_eq!(KEYS.decrypt(&ciphertext), expected, "{comment}");
        let reference = KEYS.decrypt_with_reference(&ciphertext);
        let agree = reference == expected;
        assert_eq!(agree, comment != REFERENCE_IS_WRONG, "{comment}");
        results[usize::from(valid)] += 1;
    }
    assert_eq!(results, [24, 11]);
}

#[test]
fn every_changed_bit_is_noticed() {
    let message = [7; 32];
    let encrypted = KEYS
        .reference
        .to_public_key()
        .encrypt(&mut random(), Oaep::<Sha256>::new(), &message)
        .unwrap();
    let [key, _] = &KEYS.ours;
    for bit in 0..8 * SIZE {
        let mut changed = encrypted.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let result = key.decrypt_oaep_sha256(&changed, &mut random());
        assert_eq!(result.unwrap_err(), Error::Decrypt, "{bit}");
    }
    assert_eq!(KEYS.decrypt(&encrypted).unwrap(), message);
}

#[test]
fn other_keys_work_as_well() {
    // The second one is 2^32 + 15, a prime.
    for exponent in [65_537_u64, 4_294_967_311] {
        let exponent = rsa::BoxedUint::from(exponent);
        let made = rsa::PrivateKey::new_with_exp(&mut random(), 2048, exponent).unwrap();
        let keys = Keys::of(made);
        let public = keys.reference.to_public_key();
        let encrypted = public.encrypt(&mut random(), Oaep::<Sha256>::new(), b"text");
        assert_eq!(keys.decrypt(&encrypted.unwrap()).unwrap(), b"text");
    }
}

#[test]
fn threads_share_a_key() {
    let public = KEYS.reference.to_public_key();
    let failed = Mutex::new(0);
    std::thread::scope(|scope| {
        for thread in 0..8_u8 {
            let (public, failed) = (&public, &failed);
            scope.spawn(move || {
                for count in 0..40 {
                    let message = [thread, count];
                    let encrypted = public.encrypt(&mut random(), Oaep::<Sha256>::new(), &message);
                    let key = &KEYS.ours[usize::from(count % 2)];
                    let found = key.decrypt_oaep_sha256(&encrypted.unwrap(), &mut random());
                    if found.map(|found| found.to_vec()) != Ok(message.to_vec()) {
                        *failed.lock().unwrap() += 1;
                    }
                }
            });
        }
    });
    assert_eq!(failed.into_inner().unwrap(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn messages_of_the_reference_decrypt(
        message in proptest::collection::vec(any::<u8>(), 0..=190),
    ) {
        let public = KEYS.reference.to_public_key();
        let encrypted = public.encrypt(&mut random(), Oaep::<Sha256>::new(), &message).unwrap();
        prop_assert_eq!(KEYS.decrypt(&encrypted), Some(message));
    }

    #[test]
    fn garbage_is_refused_as_the_reference_refuses_it(
        bytes in proptest::collection::vec(any::<u8>(), SIZE - 1..=SIZE + 1),
    ) {
        prop_assert_eq!(KEYS.decrypt(&bytes), None);
    }
}
