//! Arbitrary bytes as a document, as a payload with a valid signature and envelope, and as
//! certificates. Nothing panics, and nothing unsigned is accepted.
#![no_main]

use letsesign_attestation::{Expected, Live, Measurements, Root, Verifier};
use letsesign_test_authority::{Document, root};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

const TIME: u64 = 1_700_000_000_000;

static GENUINE: LazyLock<Vec<u8>> = LazyLock::new(|| Document::new(TIME, 0x11).to_bytes());
static VERIFIER: LazyLock<Verifier> = LazyLock::new(|| Verifier::new(Root::for_tests(&root().to_der()).unwrap()));
static EXPECTED: LazyLock<Expected> =
    LazyLock::new(|| Expected::current(Measurements::new([0x11; 48], [0x11; 48], [0x11; 48]).unwrap()));

/// The genuine document with some bytes replaced, at an offset that the input chooses.
fn changed(bytes: &[u8]) -> Option<Vec<u8>> {
    let (place, patch) = bytes.split_at_checked(2)?;
    let place = usize::from(u16::from_le_bytes(place.try_into().ok()?)) % GENUINE.len();
    let mut document = GENUINE.clone();
    let end = document.len().min(place + patch.len());
    document.splice(place..end, patch.iter().copied());
    (document != *GENUINE).then_some(document)
}

/// An extra tag, or n - s in place of s, does not change the content. Any other change is refused.
fn only_what_was_signed(bytes: &[u8]) {
    if let Ok(recorded) = VERIFIER.recorded(bytes, &EXPECTED) {
        assert_eq!(recorded, VERIFIER.recorded(&GENUINE, &EXPECTED).unwrap());
    }
}

fuzz_target!(|bytes: &[u8]| {
    let now = bytes.first().map_or(TIME, |byte| TIME + u64::from(*byte) * 1000);
    let live = Live { now, max_age: 100_000, ahead: 1000, nonce: None };
    only_what_was_signed(bytes);
    let _ = VERIFIER.inspect_running(bytes, live);
    if let Some(document) = changed(bytes) {
        only_what_was_signed(&document);
    }
    // Every error has a rule and a text.
    for outcome in [VERIFIER.inspect_recorded(bytes), Verifier::new(Root::aws()).inspect_recorded(bytes)] {
        if let Err(error) = outcome {
            assert!((1..=9).contains(&error.rule()) && !error.to_string().is_empty());
        }
    }
    // The input as a certificate.
    if let Err(problem) = Root::for_tests(bytes) {
        assert!(!problem.to_string().is_empty());
    }
});
