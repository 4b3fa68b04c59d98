//! Reading documents: two that real hardware made, and everything that is not one.

#![cfg(test)]

use letsesign_cbor::Encoder;
use letsesign_nsm::document::Unverified;
use proptest::prelude::*;

const PRODUCTION: &[u8] =
    include_bytes!("../../../tests/vectors/attestation/production-2022-10-13.cbor");
const DEBUG: &[u8] = include_bytes!("../../../tests/vectors/attestation/debug-2022-10-12.cbor");

#[test]
fn a_production_document_is_read() {
    let document = Unverified::parse(PRODUCTION).unwrap();
    assert_eq!(document.timestamp, 1_665_651_482_136);
    assert!(hex::encode(document.pcrs[&0]).starts_with("f4d48b81a460c991"));
    assert!(hex::encode(document.pcrs[&1]).starts_with("bcdf05fe"));
    assert_eq!(document.nonce.map(<[u8]>::len), Some(256));
    assert_eq!((document.user_data, document.public_key), (None, None));
}

#[test]
fn a_debug_document_is_read() {
    let document = Unverified::parse(DEBUG).unwrap();
    for index in 0..3 {
        assert_eq!(document.pcrs[&index], [0; 48]);
    }
    assert_eq!(document.user_data.map(<[u8]>::len), Some(13));
    assert_eq!(document.public_key.map(<[u8]>::len), Some(19));
}

#[test]
fn every_truncation_is_refused() {
    for length in 0..PRODUCTION.len() {
        assert!(
            Unverified::parse(&PRODUCTION[..length]).is_err(),
            "{length} bytes"
        );
    }
}

#[test]
fn trailing_bytes_are_refused() {
    let mut document = PRODUCTION.to_vec();
    document.push(0);
    assert!(
        Unverified::parse(&document)
            .unwrap_err()
            .to_string()
            .contains("behind the COSE_Sign1")
    );
}

/// A COSE_Sign1 around a payload that the closure writes.
fn sign1(write: impl FnOnce(&mut Encoder)) -> Vec<u8> {
    let mut payload = Encoder::new();
    write(&mut payload);
    let mut outer = Encoder::new();
    outer.array(4).bytes(&[0xa0]).map_head(0);
    outer.bytes(&payload.to_bytes()).bytes(&[0; 64]).to_bytes()
}

fn refusal(write: impl FnOnce(&mut Encoder)) -> String {
    let document = sign1(write);
    Unverified::parse(&document).unwrap_err().to_string()
}

#[test]
fn broken_rules_are_named() {
    let twice = refusal(|payload| {
        payload.map_head(2).text("timestamp").unsigned(1);
        payload.text("timestamp").unsigned(2);
    });
    assert!(twice.contains("twice"), "{twice}");
    let no_pcrs = refusal(|payload| {
        payload.map_head(1).text("timestamp").unsigned(1);
    });
    assert!(no_pcrs.contains("no pcrs"), "{no_pcrs}");
    let pcr_32 = refusal(|payload| {
        payload.map_head(1).text("pcrs").map_head(1);
        payload.unsigned(32).bytes(&[0; 48]);
    });
    assert!(pcr_32.contains("above 31"), "{pcr_32}");
    let deep = refusal(|payload| {
        payload.map_head(1).text("x");
        for _ in 0..1000 {
            payload.array(1);
        }
        payload.unsigned(0);
    });
    assert!(deep.contains("nested"), "{deep}");
}

/// QEMU's emulated NSM leaves the lengths of its maps open (RFC 8949, section 3.2.2).
#[test]
fn maps_of_open_length_are_read() {
    const MAP: &[u8] = &[0xbf];
    const BREAK: &[u8] = &[0xff];
    let document = sign1(|payload| {
        payload.raw(MAP).text("timestamp").unsigned(7);
        payload.text("pcrs").raw(MAP).unsigned(0).bytes(&[9; 48]);
        payload.raw(BREAK).text("nonce").null().raw(BREAK);
    });
    let fields = Unverified::parse(&document).unwrap();
    assert_eq!((fields.timestamp, fields.pcrs[&0]), (7, &[9; 48][..]));
}

/// AWS's document says that members may be added; a broken one makes the document broken.
#[test]
fn a_break_as_an_item_of_an_unknown_member_is_refused() {
    let error = refusal(|payload| {
        payload.map_head(1).text("x").array(1).raw(&[0xff]);
    });
    assert!(error.contains("a break"), "{error}");
}

proptest! {
    #[test]
    fn no_input_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Unverified::parse(&bytes);
    }

    #[test]
    fn no_mutation_panics(index in 0..PRODUCTION.len(), value in any::<u8>()) {
        let mut document = PRODUCTION.to_vec();
        document[index] = value;
        let _ = Unverified::parse(&document);
    }
}
