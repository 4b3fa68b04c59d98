//! Answers of KMS: the real one, and what a KMS of the test's own makes for a key of ours.
#![cfg(test)]

use letsesign_kms::{CmsError, EnvelopedData, Error, RecipientKey, Recipients, Renewal, encrypt};
use proptest::prelude::*;
use rand_core::UnwrapErr;
use rsa::pkcs8::DecodePublicKey;
use rsa::{Oaep, PublicKey};
use sha2::Sha256;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

fn random() -> UnwrapErr<getrandom::SysRng> {
    UnwrapErr(getrandom::SysRng)
}

/// One key for all tests: making one takes long without optimisation.
fn key() -> &'static RecipientKey {
    static KEY: OnceLock<RecipientKey> = OnceLock::new();
    KEY.get_or_init(|| RecipientKey::generate(&mut random(), Duration::ZERO).unwrap())
}

/// How the answer is spelt.
#[derive(Debug, Clone, Copy)]
struct Spelling {
    /// Lengths without number, as AWS writes them.
    indefinite: bool,
    /// Bytes in a piece of the content; 0 for one primitive string.
    piece: usize,
}

fn element(tag: u8, contents: &[u8], indefinite: bool) -> Vec<u8> {
    if indefinite {
        return [&[tag, 0x80], contents, &[0, 0]].concat();
    }
    let length = contents.len();
    let head = match length {
        0..=0x7f => vec![tag, u8::try_from(length).unwrap()],
        0x80..=0xff => vec![tag, 0x81, u8::try_from(length).unwrap()],
        _ => [
            &[tag, 0x82],
            &u16::try_from(length).unwrap().to_be_bytes()[..],
        ]
        .concat(),
    };
    [&head, contents].concat()
}

const SHA256: &str = "300d06096086480165030402010500";

/// The answer of KMS for this content key and content.
fn answer(encrypted_key: &[u8], iv: &[u8], content: &[u8], how: Spelling) -> Vec<u8> {
    let hex = |text: &str| hex::decode(text).unwrap();
    let oaep = [
        hex("06092a864886f70d010107"),
        element(
            0x30,
            &[
                element(0xa0, &hex(SHA256), false),
                element(
                    0xa1,
                    &element(
                        0x30,
                        &[hex("06092a864886f70d010108"), hex(SHA256)].concat(),
                        false,
                    ),
                    false,
                ),
            ]
            .concat(),
            false,
        ),
    ]
    .concat();
    let recipient = [
        hex("020102"),
        element(0x80, &[7; 32], false),
        element(0x30, &oaep, false),
        element(4, encrypted_key, false),
    ]
    .concat();
    let recipients = element(0x31, &element(0x30, &recipient, false), false);
    let algorithm = [hex("060960864801650304012a"), element(4, iv, false)].concat();
    let body = if how.piece == 0 {
        element(0x80, content, false)
    } else {
        let pieces: Vec<u8> = content
            .chunks(how.piece)
            .flat_map(|piece| element(4, piece, false))
            .collect();
        element(0xa0, &pieces, how.indefinite)
    };
    let info = [
        hex("06092a864886f70d010701"),
        element(0x30, &algorithm, false),
        body,
    ]
    .concat();
    let data = [
        hex("020102"),
        recipients,
        element(0x30, &info, how.indefinite),
    ]
    .concat();
    let data = element(0x30, &data, how.indefinite);
    let all = [
        hex("06092a864886f70d010703"),
        element(0xa0, &data, how.indefinite),
    ]
    .concat();
    element(0x30, &all, how.indefinite)
}

fn for_key(content: &[u8], how: Spelling) -> Vec<u8> {
    let public = PublicKey::from_public_key_der(key().public_key()).unwrap();
    let content_key = [9; 32];
    let encrypted = public
        .encrypt(&mut random(), Oaep::<Sha256>::new(), &content_key)
        .unwrap();
    let all = encrypt(&content_key, &[3; 16], content);
    answer(&encrypted, &all[..16], &all[16..], how)
}

const REAL: Spelling = Spelling {
    indefinite: true,
    piece: 1000,
};

#[test]
fn an_answer_of_the_real_kms_is_read() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/vectors/kms/ciphertext-for-recipient.ber");
    let bytes = std::fs::read(path).unwrap();
    let data = EnvelopedData::parse(&bytes).unwrap();
    assert_eq!(data.encrypted_key.len(), 256);
    assert_eq!(data.encrypted_key[..4], [0x29, 0xcf, 0xfe, 0xb1]);
    assert!(!data.content.is_empty() && data.content.len().is_multiple_of(16));
    // It is for somebody else.
    assert_eq!(
        key().open(&bytes, &mut random()).unwrap_err(),
        Error::Cms(CmsError::Decrypt)
    );
    for length in 0..bytes.len() {
        assert!(EnvelopedData::parse(&bytes[..length]).is_err(), "{length}");
    }
    let longer = [&bytes[..], &[0]].concat();
    assert!(EnvelopedData::parse(&longer).is_err());
}

#[test]
fn answers_in_every_spelling_open() {
    let content: Vec<u8> = (0..=255).cycle().take(500).collect();
    for indefinite in [false, true] {
        for piece in [0, 1, 16, 1000] {
            let bytes = for_key(&content, Spelling { indefinite, piece });
            let opened = key().open(&bytes, &mut random()).unwrap();
            assert_eq!(*opened, content, "{indefinite} {piece}");
        }
    }
    assert!(
        key()
            .open(&for_key(b"", REAL), &mut random())
            .unwrap()
            .is_empty()
    );
}

#[test]
fn another_algorithm_is_refused_by_name() {
    let good = for_key(b"data", REAL);
    let replace = |from: &str, to: &str| {
        let (from, to) = (hex::decode(from).unwrap(), hex::decode(to).unwrap());
        let at = good
            .windows(from.len())
            .position(|window| window == from)
            .unwrap();
        let mut bytes = good.clone();
        bytes[at..at + to.len()].copy_from_slice(&to);
        EnvelopedData::parse(&bytes).unwrap_err().to_string()
    };
    // aes128-CBC; RSAES-PKCS1-v1_5; SHA-1's number in the place of SHA-256's; signed data.
    for (from, to, words) in [
        (
            "60864801650304012a",
            "608648016503040102",
            "the content's algorithm",
        ),
        (
            "2a864886f70d010107",
            "2a864886f70d010101",
            "the key's algorithm",
        ),
        (
            "608648016503040201",
            "608648016503040204",
            "the hash of OAEP",
        ),
        (
            "2a864886f70d010108",
            "2a864886f70d010109",
            "the mask of OAEP",
        ),
        (
            "2a864886f70d010703",
            "2a864886f70d010702",
            "the content type",
        ),
    ] {
        let error = replace(from, to);
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn the_key_is_what_attestation_documents_take() {
    let public = key().public_key();
    // SubjectPublicKeyInfo of RSA-2048; the NSM takes up to 1024 bytes.
    assert_eq!(public.len(), 294);
    assert!(PublicKey::from_public_key_der(public).is_ok());
}

#[test]
fn keys_are_renewed_by_age_and_use() {
    let renewal = Renewal {
        age: Duration::from_hours(1),
        uses: 2,
    };
    let make =
        |seconds| RecipientKey::generate(&mut random(), Duration::from_secs(seconds)).unwrap();
    let recipients = Recipients::new(make(10), renewal);
    let old = recipients.current();
    assert!(!recipients.is_due(Duration::from_secs(3609)));
    assert!(recipients.is_due(Duration::from_secs(3610)));
    for _ in 0..2 {
        assert!(!recipients.is_due(Duration::from_secs(11)));
        let _ = old.open(b"", &mut random());
    }
    assert!(recipients.is_due(Duration::from_secs(11)));
    recipients.replace(make(12));
    assert!(!recipients.is_due(Duration::from_secs(13)));
    // A job that began with the old key goes on with it.
    assert_ne!(old.public_key(), recipients.current().public_key());
    assert_eq!(Arc::strong_count(&old), 1);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// A changed byte gives an error or another content, never a panic.
    #[test]
    fn nothing_that_comes_back_panics(at: prop::sample::Index, value: u8, cut: prop::sample::Index, shorten: bool) {
        static GOOD: OnceLock<Vec<u8>> = OnceLock::new();
        let mut bytes = GOOD.get_or_init(|| for_key(b"the content of an answer", REAL)).clone();
        let length = bytes.len();
        bytes[at.index(length)] = value;
        if shorten {
            bytes.truncate(cut.index(length));
        }
        let _ = EnvelopedData::parse(&bytes);
    }

    #[test]
    fn garbage_is_refused(bytes: Vec<u8>) {
        prop_assert!(EnvelopedData::parse(&bytes).is_err());
    }
}
