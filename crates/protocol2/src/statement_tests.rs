use super::*;
use crate::samples::{BINDING, bad_texts, changed, root};
use proptest::prelude::*;
use serde_json::json;

const VOID: Statement = Statement::Void {
    at: 5,
    reason: None,
};

fn round(signer: u16, round: u32) -> Statement {
    Statement::NewRound {
        at: 6,
        signer,
        round,
    }
}

/// The sender's genuine code for any text.
fn sign(text: &[u8]) -> SentStatement {
    let mac = *root().statement_mac(BINDING, text);
    SentStatement {
        text: text.to_vec(),
        mac,
    }
}

fn read(sent: &[SentStatement]) -> Result<Statements> {
    root().statements(BINDING, sent)
}

fn state(statement: &Statement) -> SentStatement {
    root().state(BINDING, statement).unwrap()
}

#[test]
fn the_highest_round_and_the_earliest_void_count() {
    let none = read(&[]).unwrap();
    assert_eq!((none.void(), none.round(0)), (None, 1));
    assert_eq!(
        none,
        Statements {
            hash: none.hash,
            ..Statements::default()
        }
    );
    assert_eq!(none.hash(), Statements::default().hash());
    let later = Statement::Void {
        at: 9,
        reason: Some("late".to_owned()),
    };
    let sent = [later, round(1, 4), VOID, round(1, 7), round(1, 5)];
    let all = read(&sent.each_ref().map(state)).unwrap();
    assert_eq!((all.void(), all.round(1), all.round(0)), (Some(5), 7, 1));
}

#[test]
fn the_hash_is_that_of_a_set() {
    let [one, two] = [state(&VOID), state(&round(1, 2))];
    let hash = |sent: &[&SentStatement]| {
        let sent: Vec<_> = sent.iter().copied().cloned().collect();
        read(&sent).unwrap().hash()
    };
    assert_eq!(hash(&[&one, &two]), hash(&[&two, &one, &two]));
    assert_ne!(hash(&[&one]), hash(&[&one, &two]));
    assert_ne!(hash(&[&one]), hash(&[]));
}

#[test]
fn only_the_sender_makes_statements_and_for_one_task() {
    let right = state(&VOID);
    let mut text = right.clone();
    text.text.push(b' ');
    let mut mac = right.clone();
    mac.mac[31] ^= 1;
    let other = root().state(Hash([9; 32]), &VOID).unwrap();
    for forged in [text, mac, other] {
        assert_eq!(read(&[right.clone(), forged]), Err(Error::Statement));
    }
    assert!(read(&[right]).is_ok());
}

/// The code is checked before the text is read.
#[test]
fn a_forged_statement_is_not_read() {
    let mut forged = sign(b"no JSON");
    assert!(matches!(read(&[forged.clone()]), Err(Error::Format(_))));
    forged.mac[0] ^= 1;
    assert_eq!(read(&[forged]), Err(Error::Statement));
}

#[test]
fn another_form_is_refused() {
    let reason = Statement::Void {
        at: 5,
        reason: Some("why".to_owned()),
    };
    let texts = [
        bad_texts(&reason, &["reason"]),
        bad_texts(&round(1, 2), &[]),
        vec![
            (
                "a void with a round".to_owned(),
                br#"{"kind":"void","at":1,"round":2}"#.to_vec(),
            ),
            (
                "another kind".to_owned(),
                br#"{"kind":"other","at":1}"#.to_vec(),
            ),
            (
                "a kind by number".to_owned(),
                br#"{"kind":0,"at":1}"#.to_vec(),
            ),
        ],
    ];
    for (note, text) in texts.concat() {
        assert!(
            matches!(read(&[sign(&text)]), Err(Error::Format(_))),
            "{note}"
        );
    }
}

#[test]
fn limits_are_those_of_the_page() {
    let most = 9_007_199_254_740_991_u64;
    let reason = |length: usize| json!("王".repeat(length));
    let reasoned = Statement::Void {
        at: 5,
        reason: Some(String::new()),
    };
    let rules = [
        (
            &reasoned,
            "reason",
            vec![reason(0), reason(1000)],
            vec![reason(1001)],
        ),
        (
            &VOID,
            "at",
            vec![json!(0), json!(most)],
            vec![json!(most + 1), json!(-1), json!(1.0)],
        ),
        (&round(1, 2), "at", vec![json!(most)], vec![json!(most + 1)]),
        (
            &round(1, 2),
            "signer",
            vec![json!(0), json!(999)],
            vec![json!(1000), json!(-1)],
        ),
        (
            &round(1, 2),
            "round",
            vec![json!(2), json!(1_000_000)],
            vec![json!(0), json!(1), json!(1_000_001)],
        ),
    ];
    for (statement, name, good, bad) in rules {
        for value in good {
            let text = changed(statement, |json| json[name] = value.clone());
            assert!(read(&[sign(&text)]).is_ok(), "{name}: {value}");
        }
        for value in bad {
            let text = changed(statement, |json| json[name] = value.clone());
            let found = read(&[sign(&text)]);
            assert!(matches!(found, Err(Error::Format(_))), "{name}: {value}");
        }
    }
    for bad in [round(1000, 2), round(1, 1), round(1, ROUND_MAX + 1)] {
        assert!(root().state(BINDING, &bad).is_err(), "{bad:?}");
    }
}

#[test]
fn a_statement_has_at_most_8192_bytes() {
    let mut text = serde_json::to_vec(&VOID).unwrap();
    text.resize(STATEMENT_BYTES_MAX, b' ');
    assert_eq!(read(&[sign(&text)]).unwrap().void(), Some(5));
    text.push(b' ');
    assert!(matches!(read(&[sign(&text)]), Err(Error::Format(_))));
}

proptest! {
    #[test]
    fn what_is_stated_is_read(signer in 0_u16..1000, number in 2_u32..1_000_001) {
        let read = read(&[state(&round(signer, number))]).unwrap();
        prop_assert_eq!(read.round(signer), number);
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
        prop_assert!(matches!(read(&[sign(&bytes)]), Err(Error::Format(_))));
    }
}
