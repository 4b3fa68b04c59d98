//! The generated vectors: valid documents, and documents that each break exactly one rule.
//! tests/vectors.rs keeps the files of tests/vectors/attestation/generated equal to them;
//! tests/rules.rs verifies them rule by rule.

#![allow(dead_code, reason = "each test program uses a part")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::semicolon_if_nothing_returned,
    clippy::too_many_lines,
    clippy::unnecessary_wraps,
    reason = "tables"
)]

mod chain;
mod envelope;
mod expectations;
mod extensions;
mod payload;
mod valid;

use letsesign_attestation::{
    Error, Expected, Image, Live, Measurements, Nonce, Root, Standing, Verifier,
};
use letsesign_test_authority::{Document, root};

/// The time of the documents: 2023-11-14 22:13:20 UTC, in milliseconds since 1970.
pub const TIME: u64 = 1_700_000_000_000;

/// The call that verifies a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// `recorded`, at the document's own time.
    Recorded,
    /// `running` with the current time, the greatest age (both in milliseconds) and the nonce; the
    /// tolerance is a minute.
    Running(u64, u64, Option<Vec<u8>>),
}

/// One vector: a document, how to verify it, and the expected result.
pub struct Case {
    /// Name of the file, without its extension.
    pub name: &'static str,
    /// The rule under test; 0 for valid documents that test none.
    pub rule: u8,
    /// How the document differs from a plain one, for the index.
    pub note: &'static str,
    pub document: Vec<u8>,
    pub question: Question,
    /// Fill bytes of PCR0 to PCR2 of each expected image.
    pub expected: Vec<([u8; 3], Standing)>,
    /// The image's standing, or the kind of the error.
    pub outcome: Result<Standing, &'static str>,
}

impl Case {
    fn new(name: &'static str, rule: u8, note: &'static str, document: &Document) -> Self {
        Self {
            name,
            rule,
            note,
            document: document.to_bytes(),
            question: Question::Recorded,
            expected: vec![([0x11; 3], Standing::Current)],
            outcome: Ok(Standing::Current),
        }
    }

    fn running(mut self, now: u64, max_age: u64, nonce: Option<&[u8]>) -> Self {
        self.question = Question::Running(now, max_age, nonce.map(<[u8]>::to_vec));
        self
    }

    fn expecting(
        mut self,
        expected: &[([u8; 3], Standing)],
        outcome: Result<Standing, &'static str>,
    ) -> Self {
        self.expected = expected.to_vec();
        self.outcome = outcome;
        self
    }
}

/// A valid document with one change.
fn spoilt(change: impl FnOnce(&mut Document)) -> Document {
    let mut document = Document::new(TIME, 0x11);
    change(&mut document);
    document
}

/// A case that the verifier refuses.
fn bad(
    name: &'static str,
    rule: u8,
    kind: &'static str,
    note: &'static str,
    change: impl FnOnce(&mut Document),
) -> Case {
    Case {
        outcome: Err(kind),
        ..Case::new(name, rule, note, &spoilt(change))
    }
}

/// A case that the verifier accepts.
fn good(
    name: &'static str,
    rule: u8,
    note: &'static str,
    change: impl FnOnce(&mut Document),
) -> Case {
    Case::new(name, rule, note, &spoilt(change))
}

/// All cases, valid ones first.
pub fn all() -> Vec<Case> {
    let mut all = valid::cases();
    all.extend(envelope::cases());
    all.extend(payload::cases());
    all.extend(chain::cases());
    all.extend(expectations::cases());
    all
}

pub fn measurements(fill: [u8; 3]) -> Measurements {
    let [pcr0, pcr1, pcr2] = fill.map(|byte| [byte; 48]);
    Measurements::new(pcr0, pcr1, pcr2).unwrap()
}

pub fn verifier() -> Verifier {
    Verifier::new(Root::for_tests(&root().to_der()).unwrap())
}

/// Runs the question of a case.
pub fn verify(verifier: &Verifier, case: &Case) -> Result<Standing, Error> {
    let images = case.expected.iter().map(|(fill, standing)| Image {
        measurements: measurements(*fill),
        standing: *standing,
    });
    let expected = Expected::any_of(images).unwrap();
    match &case.question {
        Question::Recorded => verifier
            .recorded(&case.document, &expected)
            .map(|recorded| recorded.standing),
        Question::Running(now, max_age, nonce) => {
            let live = Live {
                now: *now,
                max_age: *max_age,
                ahead: 60_000,
                nonce: nonce.clone().map(|nonce| Nonce::new(nonce).unwrap()),
            };
            verifier
                .running(&case.document, &expected, live)
                .map(|running| running.standing)
        }
    }
}

/// Verifies a case and compares the result with the expected one.
#[track_caller]
pub fn check(verifier: &Verifier, case: &Case) {
    let outcome = verify(verifier, case);
    let name = case.name;
    match (&outcome, case.outcome) {
        (Ok(standing), Ok(expected)) => assert_eq!(*standing, expected, "{name}"),
        (Err(error), Err(kind)) => {
            assert_eq!(error.kind(), kind, "{name}: {error}");
            // Rules 10 and 11 are about the origin and the meaning of expected measurements, which
            // no document can break.
            if (1..=9).contains(&case.rule) {
                assert_eq!(error.rule(), case.rule, "{name}: {error}");
            }
            let text = error.to_string();
            assert!(
                text.len() > 10 && !text.chars().any(char::is_control),
                "{text:?}"
            );
        }
        (_, expected) => panic!("{name}: {outcome:?} instead of {expected:?}"),
    }
}
