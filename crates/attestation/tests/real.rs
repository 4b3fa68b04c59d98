//! Documents that AWS's hardware signed.

#![cfg(test)]

use letsesign_attestation::{Expected, Live, Measurements, Root, Standing, Verifier};

const PRODUCTION: &[u8] =
    include_bytes!("../../../tests/vectors/attestation/production-2022-10-13.cbor");
const DEBUG: &[u8] = include_bytes!("../../../tests/vectors/attestation/debug-2022-10-12.cbor");
const MADE: u64 = 1_665_651_482_136;

/// PCR0 to PCR2 as the vectors' README.md states them, cut from the document at their known
/// offsets, not with the code under test.
fn own() -> [[u8; 48]; 3] {
    [0_u8, 1, 2].map(|number| {
        let head = [number, 0x58, 48];
        let start = PRODUCTION
            .windows(3)
            .position(|window| window == head)
            .unwrap()
            + 3;
        PRODUCTION[start..start + 48].try_into().unwrap()
    })
}

fn expected(registers: [[u8; 48]; 3]) -> Expected {
    let [pcr0, pcr1, pcr2] = registers;
    Expected::current(Measurements::new(pcr0, pcr1, pcr2).unwrap())
}

#[test]
fn a_production_document_is_accepted_at_its_own_time() {
    let verifier = Verifier::new(Root::aws());
    let recorded = verifier.recorded(PRODUCTION, &expected(own())).unwrap();
    assert_eq!(recorded.standing, Standing::Current);
    let document = recorded.document;
    assert_eq!(document.timestamp, MADE);
    assert_eq!(
        document.module_id,
        "i-020b6af9246d90e92-enc0183d09086c24190"
    );
    assert_eq!(
        &document.pcrs.get(0).unwrap().as_bytes()[..8],
        b"\xf4\xd4\x8b\x81\xa4\x60\xc9\x91"
    );
    assert_eq!(
        &document.pcrs.get(1).unwrap().as_bytes()[..4],
        b"\xbc\xdf\x05\xfe"
    );
    assert_eq!(document.pcrs.iter().count(), 16);
    assert_eq!(document.nonce.unwrap().len(), 256);
    assert_eq!((document.user_data, document.public_key), (None, None));
    let live = Live {
        now: MADE + 1000,
        max_age: 2000,
        ahead: 0,
        nonce: None,
    };
    assert!(verifier.running(PRODUCTION, &expected(own()), live).is_ok());
}

#[test]
fn a_production_document_is_refused_later() {
    let verifier = Verifier::new(Root::aws());
    // A day later, and in 2026.
    for now in [MADE + 86_400_000, 1_780_000_000_000] {
        for (max_age, kind) in [(300_000, "stale"), (u64::MAX, "certificate/validity")] {
            let live = Live {
                now,
                max_age,
                ahead: 0,
                nonce: None,
            };
            let refused = verifier
                .running(PRODUCTION, &expected(own()), live)
                .unwrap_err();
            assert_eq!(refused.kind(), kind);
        }
    }
}

#[test]
fn a_production_document_is_refused_with_other_measurements() {
    let verifier = Verifier::new(Root::aws());
    for index in 0..3 {
        let mut other = own();
        other[index][47] ^= 1;
        let refused = verifier.recorded(PRODUCTION, &expected(other)).unwrap_err();
        assert_eq!((refused.rule(), refused.kind()), (8, "unexpected"));
    }
}

#[test]
fn debug_documents_are_always_refused() {
    let verifier = Verifier::new(Root::aws());
    assert_eq!(
        verifier
            .recorded(DEBUG, &expected(own()))
            .unwrap_err()
            .kind(),
        "debug"
    );
    assert_eq!(
        verifier.inspect_recorded(DEBUG).unwrap_err().kind(),
        "debug"
    );
}
