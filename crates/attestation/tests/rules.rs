//! Every rule of docs/attestation-verification.md, by number: the vectors that break it, and tests
//! for what a vector cannot show.

#![cfg(test)]
#![allow(unreachable_pub, reason = "tests")]

mod cases;

use cases::{TIME, all, check, measurements, verifier};
use letsesign_attestation::{
    Expected, Live, Measurements, NoMeasurements, Nonce, NonceLength, Purpose, Root, Standing,
    Verifier, ZeroPcr,
};
use letsesign_test_authority::{Document, root};

/// Runs the vectors of a rule twice: with a fresh verifier for each, and with a shared one whose
/// cache holds the good certificates.
#[track_caller]
fn rule(number: u8, at_least: usize) {
    let shared = verifier();
    let expected = Expected::current(measurements([0x11; 3]));
    let _ = shared
        .recorded(&Document::new(TIME, 0x11).to_bytes(), &expected)
        .unwrap();
    let mut count = 0;
    for case in all().iter().filter(|case| case.rule == number) {
        check(&verifier(), case);
        check(&shared, case);
        count += usize::from(case.outcome.is_err());
    }
    assert!(
        count >= at_least,
        "rule {number} has {count} failing vectors"
    );
}

#[test]
fn valid_documents_are_accepted() {
    rule(0, 0);
}

#[test]
fn rule_01_cose_sign1_of_exactly_4_items_with_es384() {
    rule(1, 20);
}

#[test]
fn rule_02_members_lengths_and_encoding() {
    rule(2, 40);
}

#[test]
fn rule_03_the_root_is_pinned() {
    rule(3, 4);
    // A chain that is sound under the test root is refused under AWS's root.
    let verifier = Verifier::new(Root::aws());
    let refused = verifier.inspect_recorded(&Document::new(TIME, 0x11).to_bytes());
    assert_eq!(refused.unwrap_err().kind(), "root");
    assert!(Root::aws().is_aws());
    assert!(!Root::for_tests(&root().to_der()).unwrap().is_aws());
    assert!(Root::for_tests(b"no certificate").is_err());
}

#[test]
fn rule_03_the_pinned_root_is_the_published_one() {
    let pem = include_str!("../../../tests/vectors/attestation/aws-nitro-enclaves-root-g1.pem");
    let (_, der) = x509_cert::der::Document::from_pem(pem.trim_end()).unwrap();
    assert!(Root::for_tests(der.as_bytes()).unwrap().is_aws());
}

#[test]
fn rule_04_path_validation() {
    rule(4, 35);
}

#[test]
fn rule_05_now_and_then_are_different_questions() {
    rule(5, 3);
    // The same document: accepted at its own time, refused now, and accepted while it was new.
    let document = Document::new(TIME, 0x11).to_bytes();
    let expected = Expected::current(measurements([0x11; 3]));
    let live = |now, max_age| Live {
        now,
        max_age,
        ahead: 0,
        nonce: None,
    };
    assert!(verifier().recorded(&document, &expected).is_ok());
    assert!(
        verifier()
            .running(&document, &expected, live(TIME, 0))
            .is_ok()
    );
    let year = 365 * 24 * 3_600_000;
    let stale = verifier().running(&document, &expected, live(TIME + year, 5000));
    assert_eq!(stale.unwrap_err().kind(), "stale");
    let expired = verifier().running(&document, &expected, live(TIME + year, u64::MAX));
    assert_eq!(expired.unwrap_err().kind(), "certificate/validity");
    // Extreme clock values do not overflow.
    let far = verifier().running(
        &document,
        &expected,
        Live {
            ahead: u64::MAX,
            ..live(u64::MAX, u64::MAX)
        },
    );
    assert_eq!(far.unwrap_err().kind(), "certificate/validity");
}

#[test]
fn rule_06_debug_mode_is_refused_before_any_comparison() {
    rule(6, 5);
    // Zeros cannot be expected measurements.
    assert_eq!(
        Measurements::new([1; 48], [0; 48], [1; 48]),
        Err(ZeroPcr { index: 1 })
    );
    // Nor does inspection accept them.
    let debug = Document::new(TIME, 0).to_bytes();
    assert_eq!(
        verifier().inspect_recorded(&debug).unwrap_err().kind(),
        "debug"
    );
}

#[test]
fn rule_07_expected_measurements_are_required() {
    rule(7, 3);
    assert_eq!(Expected::any_of([]), Err(NoMeasurements));
}

#[test]
fn rule_08_all_three_registers_are_compared() {
    rule(8, 4);
}

#[test]
fn rule_09_nonces() {
    rule(9, 5);
    for length in [0, 15, 513] {
        assert_eq!(
            Nonce::new(vec![1; length]).unwrap_err(),
            NonceLength(length)
        );
    }
    assert!(Nonce::new(vec![1; 16]).is_ok() && Nonce::new(vec![1; 512]).is_ok());
}

#[test]
fn rule_09_user_data_is_bound_to_purpose_and_version() {
    let purpose = Purpose {
        name: "handshake",
        version: 1,
    };
    let bound = purpose.bind(b"data");
    assert_eq!(bound, b"handshake/1\0data");
    assert_eq!(purpose.data(&bound), Some(&b"data"[..]));
    assert!(purpose.is(&bound, b"data"));
    for other in [
        Purpose {
            version: 2,
            ..purpose
        },
        Purpose {
            version: 11,
            ..purpose
        },
        Purpose {
            name: "hand",
            ..purpose
        },
    ] {
        assert_eq!(other.data(&bound), None);
        assert!(!other.is(&bound, b"data"));
    }
    assert!(
        !purpose.is(&bound, b"date") && !purpose.is(&bound, b"dat") && !purpose.is(b"", b"data")
    );
}

#[test]
fn rule_10_a_document_does_not_say_what_is_expected() {
    // Types keep a document's registers from becoming measurements: see the example of `Expected`,
    // which does not compile.
    rule(10, 1);
}

#[test]
fn rule_11_end_of_life_and_revocation_are_reported() {
    rule(11, 0);
    assert_eq!(Standing::EndOfLife(10).at(9_999), Standing::Current);
    assert_eq!(Standing::EndOfLife(10).at(10_000), Standing::EndOfLife(10));
    assert_eq!(Standing::Revoked.at(0), Standing::Revoked);
}
