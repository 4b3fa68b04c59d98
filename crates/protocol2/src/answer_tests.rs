use super::*;
use crate::samples::{BINDING, REQUEST, account, bad_texts, changed, header, link_keys, root};
use crate::{DataKey, Purpose, SentHeader};
use proptest::prelude::*;
use serde_json::json;

const POR: Hash = Hash([7; 32]);

fn answer_keys() -> KeyPair {
    root().answer_keys(&REQUEST).unwrap()
}

fn confirm() -> Answer {
    Answer {
        action: Action::Confirm,
        at: 5,
        pin: Some(SecretText::new("123456")),
        reason: None,
    }
}

fn decline() -> Answer {
    Answer {
        action: Action::Decline,
        at: 5,
        pin: None,
        reason: Some("no".to_owned()),
    }
}

/// Any bytes, signed and encrypted as an answer.
fn seal(text: &[u8]) -> Vec<u8> {
    let signature = sign(&link_keys(), &signed(POR, text)).unwrap();
    let both = [&signature[..], text].concat();
    hpke::seal(&answer_keys().public, &info(), &POR.0, &both).unwrap()
}

fn open(sealed: &[u8]) -> Result<Opened> {
    Answer::open(sealed, &answer_keys(), &link_keys().public, POR)
}

#[test]
fn an_answer_opens_to_what_was_sealed() {
    for answer in [confirm(), decline()] {
        let sealed = answer.seal(&link_keys(), &answer_keys().public, POR);
        assert_eq!(open(&sealed.unwrap()).unwrap().answer, answer);
    }
}

#[test]
fn keys_and_proof_must_be_the_same() {
    let sealed = confirm()
        .seal(&link_keys(), &answer_keys().public, POR)
        .unwrap();
    let link = link_keys().public;
    let other = KeyPair::from_scalar(&[9; 32]).unwrap();
    let with = |keys: &KeyPair, link: &[u8], por| Answer::open(&sealed, keys, link, por);
    assert!(with(&answer_keys(), &link, POR).is_ok());
    assert_eq!(with(&other, &link, POR), Err(Error::Answer));
    assert_eq!(with(&answer_keys(), &other.public, POR), Err(Error::Answer));
    assert_eq!(
        with(&answer_keys(), &link, Hash([8; 32])),
        Err(Error::Answer)
    );
    assert_eq!(with(&answer_keys(), &[4; 65], POR), Err(Error::Answer));
}

/// A host knows all public keys: it can encrypt, but what it encrypts must be signed.
#[test]
fn the_action_is_signed() {
    let text = serde_json::to_vec(&decline()).unwrap();
    let other = serde_json::to_vec(&confirm()).unwrap();
    let signature = sign(&link_keys(), &signed(POR, &text)).unwrap();
    let sealed = |por, text: &[u8]| {
        let both = [&signature[..], text].concat();
        hpke::seal(&answer_keys().public, &info(), por, &both).unwrap()
    };
    assert_eq!(open(&sealed(&POR.0, &text)).unwrap().answer, decline());
    assert_eq!(open(&sealed(&POR.0, &other)), Err(Error::Answer));
    assert_eq!(open(&sealed(&[8; 32], &text)), Err(Error::Answer));
    // A signature for another PoR, encrypted for this one.
    let foreign = sign(&link_keys(), &signed(Hash([8; 32]), &text)).unwrap();
    let both = [&foreign[..], &text].concat();
    let sealed = hpke::seal(&answer_keys().public, &info(), &POR.0, &both).unwrap();
    assert_eq!(open(&sealed), Err(Error::Answer));
}

#[test]
fn the_hash_covers_signature_and_text() {
    let text = serde_json::to_vec(&confirm()).unwrap();
    let sealed = seal(&text);
    let both = hpke::open(&answer_keys(), &info(), &POR.0, &sealed).unwrap();
    assert_eq!(open(&sealed).unwrap().hash, Hash::of(&both));
    assert!(both.ends_with(&text) && both.len() == text.len() + 64);
}

#[test]
fn another_form_is_refused() {
    let pin = bad_texts(&confirm(), &["pin"]);
    let reason = bad_texts(&decline(), &["reason"]);
    for (note, text) in [pin, reason].concat() {
        assert!(
            matches!(open(&seal(&text)), Err(Error::Format(_))),
            "{note}"
        );
    }
}

#[test]
fn limits_are_those_of_the_page() {
    let text = |length: usize| json!("王".repeat(length));
    let most = 9_007_199_254_740_991_u64;
    let rules = [
        (
            confirm(),
            "pin",
            vec![text(1), text(16)],
            vec![text(0), text(17), json!(1)],
        ),
        (
            decline(),
            "reason",
            vec![text(0), text(1000)],
            vec![text(1001)],
        ),
        (
            decline(),
            "at",
            vec![json!(0), json!(most)],
            vec![json!(most + 1), json!(-1)],
        ),
        // A PIN goes with confirm alone, a reason with decline alone.
        (decline(), "pin", vec![], vec![text(1)]),
        (confirm(), "reason", vec![], vec![text(1)]),
        (
            confirm(),
            "action",
            vec![],
            vec![
                json!("decline"),
                json!("requestPin"),
                json!("Confirm"),
                json!({ "confirm": null }),
            ],
        ),
    ];
    for (answer, name, good, bad) in rules {
        let read = |value: &serde_json::Value| {
            open(&seal(&changed(&answer, |json| json[name] = value.clone())))
        };
        for value in good {
            assert!(read(&value).is_ok(), "{name}: {value}");
        }
        for value in bad {
            assert!(
                matches!(read(&value), Err(Error::Format(_))),
                "{name}: {value}"
            );
        }
    }
    let mut bad = confirm();
    bad.action = Action::RequestPin;
    let sealed = bad.seal(&link_keys(), &answer_keys().public, POR);
    assert!(matches!(sealed, Err(Error::Format(_))));
}

#[test]
fn an_answer_has_at_most_16_kib() {
    let mut text = serde_json::to_vec(&confirm()).unwrap();
    text.resize(ANSWER_BYTES_MAX - 65 - 16 - 64, b' ');
    assert_eq!(seal(&text).len(), ANSWER_BYTES_MAX);
    assert!(open(&seal(&text)).is_ok());
    text.push(b' ');
    assert_eq!(open(&seal(&text)), Err(Error::Answer));
}

#[test]
fn each_request_has_keys_of_its_own() {
    let launch = LaunchSecret::from_bytes([6; 32]);
    let other = Request {
        signer: 2,
        ..REQUEST
    };
    let later = Request {
        round: 3,
        ..REQUEST
    };
    let task = Request {
        binding: Hash([9; 32]),
        ..REQUEST
    };
    let mut seen = Vec::new();
    for request in [REQUEST, other, later, task] {
        seen.push(root().answer_keys(&request).unwrap().public);
        seen.push(launch.link_keys(&root(), &request).unwrap().public);
    }
    // Another start, and another task of the same sender.
    let restarted = LaunchSecret::from_bytes([8; 32]);
    seen.push(restarted.link_keys(&root(), &REQUEST).unwrap().public);
    let key = DataKey::from_bytes(Purpose::Task, [9; 32]);
    let sent = SentHeader::new(header()).unwrap();
    let foreign = crate::Root::new(&account(), &key, &sent).unwrap();
    seen.push(launch.link_keys(&foreign, &REQUEST).unwrap().public);
    seen.push(foreign.answer_keys(&REQUEST).unwrap().public);
    let number = seen.len();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), number);
    // The answer key outlives a restart, and the same request gets the same link.
    assert_eq!(answer_keys().public, answer_keys().public);
    assert_eq!(
        link_keys().public,
        launch.link_keys(&root(), &REQUEST).unwrap().public
    );
}

#[test]
fn a_start_has_a_name_of_its_own() {
    let id = |byte| LaunchSecret::from_bytes([byte; 32]).id();
    assert_eq!(id(1), id(1));
    assert_ne!(id(1), id(2));
    let (one, two) = (
        LaunchSecret::generate().unwrap(),
        LaunchSecret::generate().unwrap(),
    );
    assert_ne!(one.id(), two.id());
}

#[test]
fn requests_have_limits() {
    let valid = |signer, round| {
        let binding = BINDING;
        Request {
            binding,
            signer,
            round,
        }
        .is_valid()
    };
    assert!(valid(0, 1) && valid(999, 1_000_000));
    assert!(!valid(1000, 1) && !valid(0, 0) && !valid(0, 1_000_001));
}

proptest! {
    #[test]
    fn every_changed_bit_is_refused(at: prop::sample::Index, bit in 0..8) {
        let mut sealed = seal(br#"{"action":"confirm","at":5}"#);
        let at = at.index(sealed.len());
        sealed[at] ^= 1_u8 << bit;
        prop_assert_eq!(open(&sealed), Err(Error::Answer));
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
        prop_assert_eq!(open(&bytes), Err(Error::Answer));
        prop_assert!(matches!(open(&seal(&bytes)), Err(Error::Format(_))));
    }
}
