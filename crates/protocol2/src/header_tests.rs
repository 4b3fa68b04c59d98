use super::*;
use crate::Error;
use crate::samples::{bad_texts, changed, header};
use proptest::prelude::*;
use serde_json::json;

#[test]
fn the_bytes_count_as_they_were_written() {
    let written = SentHeader::new(header()).unwrap();
    let read = SentHeader::parse(written.as_bytes().to_vec()).unwrap();
    assert_eq!(read, written);
    let mut spaced = written.as_bytes().to_vec();
    spaced.push(b' ');
    let spaced = SentHeader::parse(spaced).unwrap();
    assert_eq!(spaced.header(), written.header());
    assert_ne!(spaced.hash(), written.hash());
}

#[test]
fn another_form_is_refused() {
    for (note, text) in bad_texts(&header(), &[]) {
        let found = SentHeader::parse(text);
        assert!(matches!(found, Err(Error::Format(_))), "{note}");
    }
}

#[test]
fn limits_are_those_of_the_page() {
    let hash = "0a".repeat(32);
    let rules = [
        (
            "protocol",
            vec![json!(2)],
            vec![json!(1), json!(3), json!(2.0), json!("2")],
        ),
        (
            "task",
            vec![json!(hash)],
            vec![json!(hash.to_uppercase()), json!(hash[2..])],
        ),
        (
            "account",
            vec![json!(hash)],
            vec![json!(hash.to_uppercase()), json!(hash[2..])],
        ),
        (
            "kmsKeyARN",
            vec![json!("!"), json!("~".repeat(256))],
            vec![
                json!(""),
                json!("k".repeat(257)),
                json!("a b"),
                json!("ü"),
                json!("\u{7f}"),
            ],
        ),
        (
            "signers",
            vec![json!(1), json!(1000)],
            vec![json!(0), json!(1001), json!(-1)],
        ),
        (
            "inOrder",
            vec![json!(true), json!(false)],
            vec![json!(1), json!("true")],
        ),
        (
            "expiry",
            vec![json!(0), json!(9_007_199_254_740_991_u64)],
            vec![json!(9_007_199_254_740_992_u64), json!(-1), json!(1.5)],
        ),
    ];
    for (name, good, bad) in rules {
        let read = |value: &serde_json::Value| {
            SentHeader::parse(changed(&header(), |json| json[name] = value.clone()))
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
}

#[test]
fn a_header_that_would_be_refused_is_not_written() {
    let mut bad = header();
    bad.signers = 0;
    assert!(matches!(SentHeader::new(bad), Err(Error::Format(_))));
}

#[test]
fn a_header_has_at_most_2048_bytes() {
    let mut text = serde_json::to_vec(&header()).unwrap();
    text.resize(HEADER_BYTES_MAX, b' ');
    assert!(SentHeader::parse(text.clone()).is_ok());
    text.push(b' ');
    assert!(matches!(SentHeader::parse(text), Err(Error::Format(_))));
}

#[test]
fn the_moment_of_expiry_is_in_time() {
    assert!(!header().expired_at(header().expiry));
    assert!(header().expired_at(header().expiry + 1));
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
        prop_assert!(SentHeader::parse(bytes).is_err());
    }
}
