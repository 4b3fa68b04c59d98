//! Both implementations accept the same signatures.

use super::*;
use letsesign_test_authority::key;
use p384::ecdsa::signature::Signer;
use proptest::prelude::*;

fn both(point: &[u8]) -> [Option<Key>; 2] {
    let portable = <[u8; POINT_BYTES]>::try_from(point)
        .ok()
        .and_then(Key::portable);
    [Key::new(point), portable]
}

fn point(number: u8) -> [u8; POINT_BYTES] {
    let point = key(number).verifying_key().to_sec1_point(false);
    point.as_bytes().try_into().unwrap()
}

fn signature(number: u8, message: &[u8]) -> [u8; 96] {
    let signature: Signature = key(number).sign(message);
    signature.to_bytes().into()
}

#[test]
fn keys_are_uncompressed_points_of_the_curve() {
    let good = point(7);
    assert!(both(&good).iter().all(Option::is_some));
    let compressed = key(7).verifying_key().to_sec1_point(true);
    let mut others = vec![
        Vec::new(),
        vec![0],
        compressed.as_bytes().to_vec(),
        good[..96].to_vec(),
    ];
    others.push([&good[..], &[0]].concat());
    for first in [0, 2, 3, 5, 6, 7] {
        others.push([&[first], &good[1..]].concat());
    }
    others.push([&[4][..], &[0; 96]].concat());
    others.push([&[4][..], &[0xff; 96]].concat());
    for other in others {
        assert!(both(&other).iter().all(Option::is_none), "{other:02x?}");
    }
}

#[test]
fn signatures_in_der_have_one_spelling() {
    let key = Key::new(&point(7)).unwrap();
    let signature: DerSignature = super::tests::key(7).sign(b"message");
    let der = signature.as_bytes();
    assert!(key.verify_der(b"message", der));
    assert!(!key.verify_der(b"massage", der));
    // Trailing bytes, a longer length, an extra leading zero.
    let mut longer = der.to_vec();
    longer.push(0);
    assert!(!key.verify_der(b"message", &longer));
    let overlong = [&[0x30, 0x81, der[1]], &der[2..]].concat();
    assert!(!key.verify_der(b"message", &overlong));
    let r = usize::from(der[3]);
    let padded = [
        &[0x30, der[1] + 1, 2, der[3] + 1, 0],
        &der[4..4 + r],
        &der[4 + r..],
    ]
    .concat();
    assert!(!key.verify_der(b"message", &padded));
}

proptest! {
    #[test]
    fn both_implementations_accept_the_same_signatures(number in 1_u8..=254, message: Vec<u8>, part in 0_usize..4, index in 0_usize..96, value: u8) {
        let mut signature = signature(number, &message);
        let [Some(fast), Some(portable)] = both(&point(number)) else { panic!() };
        let split = message.split_at(message.len() * part / 4);
        let parts = [split.0, split.1];
        prop_assert!(fast.verify(&parts, &signature) && portable.verify(&parts, &signature));
        let changed = signature[index] != value;
        signature[index] = value;
        prop_assert_eq!(fast.verify(&parts, &signature), !changed);
        prop_assert_eq!(portable.verify(&parts, &signature), !changed);
        // r or s is zero, or not below the order.
        for (range, fill) in [(0..48, 0), (48..96, 0), (0..48, 0xff), (48..96, 0xff)] {
            let mut extreme = signature;
            extreme[range].fill(fill);
            prop_assert!(!fast.verify(&parts, &extreme) && !portable.verify(&parts, &extreme));
        }
    }
}
