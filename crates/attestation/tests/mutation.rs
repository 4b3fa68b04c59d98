//! Every change of a genuine document is refused.

#![cfg(test)]
#![allow(unreachable_pub, reason = "tests")]

mod cases;

use cases::{TIME, verifier};
use letsesign_attestation::{Root, Verifier};
use letsesign_test_authority::Document;

const PRODUCTION: &[u8] =
    include_bytes!("../../../tests/vectors/attestation/production-2022-10-13.cbor");

/// The verifier has already cached the genuine chain, as it would in service.
fn every_change_is_refused(verifier: &Verifier, genuine: &[u8]) {
    assert!(verifier.inspect_recorded(genuine).is_ok());
    let refused = |changed: &[u8], what: &str| {
        assert!(
            verifier.inspect_recorded(changed).is_err(),
            "accepted with {what}"
        );
    };
    let mut changed = genuine.to_vec();
    for index in 0..genuine.len() {
        let byte = genuine[index];
        let flips = (0..8).map(|bit| byte ^ (1 << bit));
        for value in flips.chain([0, 0xff, byte.wrapping_add(1), byte.wrapping_sub(1)]) {
            if value != byte {
                changed[index] = value;
                refused(&changed, &format!("byte {index} as {value:#04x}"));
            }
        }
        changed[index] = byte;
    }
    for length in 0..genuine.len() {
        refused(&genuine[..length], &format!("{length} bytes"));
    }
    for index in 0..=genuine.len() {
        for value in [0, 0xf6] {
            let longer = [&genuine[..index], &[value], &genuine[index..]].concat();
            refused(&longer, &format!("{value:#04x} inserted at {index}"));
        }
    }
}

#[test]
fn every_change_of_a_real_document_is_refused() {
    every_change_is_refused(&Verifier::new(Root::aws()), PRODUCTION);
}

#[test]
fn every_change_of_a_generated_document_is_refused() {
    let mut document = Document::new(TIME, 0x11);
    document.indefinite = true;
    document.head = vec![0xd2, 0x84];
    document.nonce = Some(vec![7; 16]);
    every_change_is_refused(&verifier(), &document.to_bytes());
}

/// The cache matches exact certificates under exact issuers only.
#[test]
fn a_cached_certificate_vouches_for_no_other() {
    let warm = verifier();
    let genuine = Document::new(TIME, 0x11);
    assert!(warm.inspect_recorded(&genuine.to_bytes()).is_ok());
    for index in 1..4 {
        let mut forged = genuine.clone();
        forged.chain[index].to += 1;
        forged.chain[index].signer = 9;
        let refused = warm.inspect_recorded(&forged.to_bytes()).unwrap_err();
        assert_eq!(refused.kind(), "certificate/signature", "{index}");
    }
    // A cached certificate under another issuer of the same name.
    let mut forged = genuine;
    forged.chain[1].key = 9;
    forged.chain[1].signer = 1;
    let refused = warm.inspect_recorded(&forged.to_bytes()).unwrap_err();
    assert_eq!(refused.kind(), "certificate/signature");
    // The cache remembers signatures, not validity.
    let later = letsesign_attestation::Live {
        now: TIME + 30 * 86_400_000,
        max_age: u64::MAX,
        ahead: 0,
        nonce: None,
    };
    let refused = warm
        .inspect_running(&Document::new(TIME, 0x11).to_bytes(), later)
        .unwrap_err();
    assert_eq!(refused.kind(), "certificate/validity");
}
