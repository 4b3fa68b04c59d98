//! Signatures, with freshly generated keys.

#![cfg(test)]

use letsesign_measurements::{Keys, SignatureState};
use minisign::{KeyPair, PublicKey};
use std::io::Cursor;

const FILE: &str = "1.json";
const BYTES: &[u8] = b"a released file";

fn keys(pairs: &[(&str, &KeyPair)]) -> Keys {
    let mut keys = Keys::default();
    for (name, pair) in pairs {
        keys.add(name, &pair.pk.to_box().unwrap().to_string())
            .unwrap();
    }
    keys
}

fn sign(pair: &KeyPair, bytes: &[u8], comment: &str) -> Vec<u8> {
    let pk: Option<&PublicKey> = Some(&pair.pk);
    minisign::sign(
        pk,
        &pair.sk,
        Cursor::new(bytes),
        Some(comment),
        Some("untrusted"),
    )
    .unwrap()
    .into_string()
    .into_bytes()
}

fn reason(state: SignatureState) -> String {
    match state {
        SignatureState::Invalid { reason } => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_signature_counts_for_its_key_its_bytes_and_its_file() {
    let (ours, other) = (
        KeyPair::generate_unencrypted_keypair().unwrap(),
        KeyPair::generate_unencrypted_keypair().unwrap(),
    );
    let trusted = keys(&[("other", &other), ("2026", &ours)]);
    let comment = "timestamp:1\tfile:1.json\thashed";
    let signature = sign(&ours, BYTES, comment);
    assert_eq!(
        trusted.check(FILE, BYTES, Some(&signature)),
        SignatureState::Signed {
            key: "2026".into(),
            trusted_comment: comment.into()
        }
    );
    assert_eq!(trusted.check(FILE, BYTES, None), SignatureState::Unsigned);
    reason(trusted.check(FILE, b"A released file", Some(&signature)));
    assert!(reason(trusted.check("2.json", BYTES, Some(&signature))).contains("signature of"));
    let strange = keys(&[("other", &other)]);
    assert!(reason(strange.check(FILE, BYTES, Some(&signature))).contains("not among"));
    assert!(reason(Keys::default().check(FILE, BYTES, Some(&signature))).contains("no public key"));
    let silent = sign(&ours, BYTES, "a comment");
    assert!(reason(trusted.check(FILE, BYTES, Some(&silent))).contains("does not say"));
}

#[test]
fn every_changed_line_of_a_signature_is_detected() {
    let pair = KeyPair::generate_unencrypted_keypair().unwrap();
    let trusted = keys(&[("2026", &pair)]);
    let signature = sign(&pair, BYTES, "timestamp:1\tfile:1.json\thashed");
    let text = String::from_utf8(signature).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 4);
    // The first line is the untrusted comment; the others are signed.
    for (number, line) in lines.iter().enumerate().skip(1) {
        for at in 0..line.len() {
            let mut changed: Vec<String> = lines.iter().map(ToString::to_string).collect();
            let byte = if line.as_bytes().get(at) == Some(&b'A') {
                "B"
            } else {
                "A"
            };
            changed
                .get_mut(number)
                .unwrap()
                .replace_range(at..=at, byte);
            let state = trusted.check(FILE, BYTES, Some(changed.join("\n").as_bytes()));
            assert!(
                matches!(state, SignatureState::Invalid { .. }),
                "line {number}, byte {at}"
            );
        }
    }
    for garbage in [&b""[..], b"\xff", b"a\nb\nc\nd\n", &text.as_bytes()[..50]] {
        assert!(reason(trusted.check(FILE, BYTES, Some(garbage))).contains("minisign's format"));
    }
    assert!(Keys::default().add("x", "garbage").is_err());
}
