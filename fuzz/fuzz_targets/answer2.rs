//! Arbitrary bytes as an answer of protocol 2, encrypted and in clear, as each proof, and as a
//! summary. Proofs have one spelling; what is accepted survives writing and reading again.
#![no_main]

use letsesign_proof::protocol2::{Decline, Poi, Por, Void};
use letsesign_proof::{Hash, Spf, Summary, UserData};
use letsesign_protocol2::{Answer, KeyPair};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

const POR: Hash = Hash([7; 32]);

static KEYS: LazyLock<[KeyPair; 2]> =
    LazyLock::new(|| [1, 2].map(|byte| KeyPair::from_scalar(&[byte; 32]).unwrap()));

fuzz_target!(|bytes: &[u8]| {
    let [answers, link] = &*KEYS;
    assert!(Answer::open(bytes, answers, &link.public, POR).is_err());
    if let Ok(answer) = Answer::parse(bytes) {
        let sealed = answer.seal(link, &answers.public, POR).unwrap();
        let opened = Answer::open(&sealed, answers, &link.public, POR).unwrap();
        assert_eq!(opened.answer, answer);
    }
    let read = [
        Por::parse(bytes).map(|proof| proof.to_json().unwrap()),
        Poi::parse(bytes).map(|proof| proof.to_json().unwrap()),
        Decline::parse(bytes).map(|proof| proof.to_json().unwrap()),
        Void::parse(bytes).map(|proof| proof.to_json().unwrap()),
        UserData::parse(bytes).map(|data| data.to_json().unwrap().into_bytes()),
    ];
    // No text is two of them.
    assert!(read.iter().filter(|text| text.is_ok()).count() <= 1);
    for text in read.into_iter().flatten() {
        assert_eq!(text, bytes);
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(summary) = Summary::parse(text) else { return };
    if summary.version() == 3 {
        assert_eq!(Summary::parse(summary.text()).unwrap(), summary);
        let file = Spf { summary, attestation: vec![1] };
        assert_eq!(Spf::parse(file.to_json().unwrap().as_bytes()).unwrap(), file);
    }
});
