use crate::{Limits, Problem, check, scan};
use proptest::prelude::*;

fn problem(text: &str) -> Option<(Problem, usize)> {
    check(text.as_bytes(), Limits::default())
        .err()
        .map(|error| (error.problem, error.offset))
}

#[test]
fn accepts_what_the_grammar_allows() {
    for text in [
        "null",
        " true ",
        "false",
        "0",
        "-0",
        "1e-7",
        "0.000001",
        "1.0",
        "1E+400",
        "123456789012345678901234567890",
        "\"\"",
        r#""\u00e9\ud83d\ude00\"\\\/\b\f\n\r\t""#,
        "[]",
        "{}",
        "[ ]",
        "{ }",
        r#"[1,[2,{"a":[]}],"x"]"#,
        r#"{"a":{"a":1},"b":{"a":1}}"#,
        "\t[\r\n1 , 2 ]\n",
        "\"\u{7f}\u{10ffff}\"",
    ] {
        assert_eq!(problem(text), None, "{text}");
    }
}

#[test]
fn refuses_with_place_and_reason() {
    use Problem as P;
    for (text, expected, offset) in [
        ("", P::End, 0),
        ("  ", P::End, 2),
        ("NaN", P::Literal, 0),
        ("[Infinity]", P::Literal, 1),
        ("-", P::End, 1),
        ("-x", P::Literal, 1),
        ("01", P::Literal, 1),
        ("1.", P::End, 2),
        ("[.5]", P::Literal, 1),
        ("+1", P::Literal, 0),
        ("1e", P::End, 2),
        ("tru", P::End, 3),
        ("trux", P::Literal, 3),
        ("'a'", P::Unexpected, 0),
        ("[1,]", P::Unexpected, 3),
        ("[1 2]", P::Unexpected, 3),
        ("{\"a\":1,}", P::Unexpected, 7),
        ("{a:1}", P::Unexpected, 1),
        ("{\"a\" 1}", P::Unexpected, 5),
        ("[1}", P::Unexpected, 2),
        ("[", P::End, 1),
        ("1 1", P::Trailing, 2),
        ("{}{}", P::Trailing, 2),
        ("\"\n\"", P::Control, 1),
        (r#""\x""#, P::Escape, 2),
        (r#""\u12g4""#, P::Escape, 5),
        (r#""\ud800""#, P::Surrogate, 1),
        (r#""\ud800\n""#, P::Surrogate, 1),
        (r#""\ud800\ud800""#, P::Surrogate, 1),
        (r#""a\udc00""#, P::Surrogate, 2),
        (r#"{"a":1,"a":2}"#, P::DuplicateKey, 7),
        (r#"{"k":{"é":1,"\u00e9":2}}"#, P::DuplicateKey, 13),
        ("\u{feff}1", P::Unexpected, 0),
        ("\"abc", P::End, 4),
    ] {
        assert_eq!(problem(text), Some((expected, offset)), "{text}");
    }
    assert_eq!(
        check(b"\"\xff\"", Limits::default()).map_err(|e| (e.problem, e.offset)),
        Err((P::Utf8, 1))
    );
}

#[test]
fn depth_is_counted_in_open_levels() {
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    assert_eq!(problem(&nested(64)), None);
    assert_eq!(problem(&nested(65)), Some((Problem::Depth, 64)));
    let mixed = format!("{}1{}", "{\"a\":[".repeat(33), "]}".repeat(33));
    assert_eq!(problem(&mixed).map(|p| p.0), Some(Problem::Depth));
    assert!(
        check(
            b"1",
            Limits {
                depth: 0,
                ..Limits::default()
            }
        )
        .is_ok()
    );
    assert!(
        check(
            nested(1_000_000).as_bytes(),
            Limits {
                depth: 2_000_000,
                ..Limits::default()
            }
        )
        .is_ok()
    );
}

proptest! {
    // serde_json is the oracle: what it refuses is refused here. (Not the converse: that is the
    // point.)
    #[test]
    fn never_accepts_more_than_serde_json(text in r#"[\[\]{}",:0-9.eE+\-a\\ud8tfn ]{0,24}"#) {
        if check(text.as_bytes(), Limits::default()).is_ok() {
            let parsed: Result<serde_json::Value, _> = serde_json::from_str(&text);
            // A number beyond f64 is grammar for us and an error for serde_json.
            if let Err(error) = parsed {
                prop_assert!(error.to_string().contains("out of range"), "{text}: {error}");
            }
        }
    }

    #[test]
    fn accepts_what_serde_json_prints(map in proptest::collection::btree_map(".*", proptest::collection::vec(any::<Option<f64>>(), 0..4), 0..8)) {
        let text = serde_json::to_vec(&map).unwrap();
        prop_assert!(check(&text, Limits::default()).is_ok());
    }

    #[test]
    fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        let _ = check(&bytes, Limits { depth: 4, ..Limits::default() });
    }
}

/// Keys are distinguished however they are spelt and however long they are.
#[test]
fn keys_are_compared_after_unescaping_at_any_length() {
    for length in [0, 1, 63, 64, 65, 127, 128, 1000] {
        let key = "k".repeat(length);
        let escaped = "\\u006b".repeat(length);
        let mixed = format!(
            "{}{}",
            "k".repeat(length / 2),
            "\\u006b".repeat(length - length / 2)
        );
        for (first, second) in [(&key, &key), (&key, &escaped), (&mixed, &escaped)] {
            let text = format!("{{\"{first}\":1,\"{second}\":2}}");
            let error = check(text.as_bytes(), Limits::default()).unwrap_err();
            assert_eq!(error.problem, Problem::DuplicateKey, "{length}");
        }
        let text = format!("{{\"{key}\":1,\"{mixed}k\":2,\"{escaped}l\":3}}");
        assert_eq!(
            check(text.as_bytes(), Limits::default()),
            Ok(()),
            "{length}"
        );
    }
}

/// A text of nothing but keys must not make the reader hold them all.
#[test]
fn keys_that_are_held_at_once_are_bounded() {
    let limits = Limits { depth: 64, keys: 4 };
    let fits = br#"{"a":{"a":1,"b":2,"c":3},"b":{"a":{},"b":2},"c":{"a":4}}"#;
    assert_eq!(check(fits, limits), Ok(()));
    for text in [
        &br#"{"a":1,"b":2,"c":3,"d":4,"e":5}"#[..],
        br#"{"a":{"a":{"a":{"a":{"a":1}}}}}"#,
        br#"[{"a":1,"b":{"c":3,"d":4,"e":5}}]"#,
    ] {
        let error = check(text, limits).unwrap_err();
        assert_eq!(error.problem, Problem::Keys, "{text:?}");
    }
}

/// A text, with the limits that decide most.
fn texts() -> impl Strategy<Value = Vec<u8>> {
    let plain = "[a-z\u{80}-\u{7ff}\u{10000}]{0,80}";
    let string = (plain, ".{0,3}", plain)
        .prop_map(|(a, b, c)| [a, b, c].concat())
        .boxed();
    let leaf = prop_oneof![
        3 => string.clone().prop_map(serde_json::Value::from),
        1 => any::<i64>().prop_map(serde_json::Value::from),
        1 => any::<Option<bool>>().prop_map(serde_json::Value::from),
    ];
    let value = leaf.prop_recursive(6, 30, 5, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(serde_json::Value::from),
            proptest::collection::vec((string.clone(), inner), 0..5)
                .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
        ]
    });
    value.prop_map(|value| serde_json::to_vec(&value).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    /// The scanner that looks at each byte is the oracle: same verdict, same place.
    #[test]
    fn runs_change_no_verdict(
        mut text in texts(),
        changes in proptest::collection::vec(
            (any::<prop::sample::Index>(), prop_oneof![
                Just(b'"'), Just(b'\\'), Just(0), Just(0x1f), Just(0x20), Just(b'}'), any::<u8>(),
            ]),
            0..3,
        ),
        cut in proptest::option::of(any::<prop::sample::Index>()),
    ) {
        for (at, byte) in changes {
            let at = at.index(text.len());
            text[at] = byte;
        }
        if let Some(cut) = cut {
            text.truncate(cut.index(text.len()));
        }
        let limits = Limits { depth: 4, keys: 6 };
        prop_assert_eq!(check(&text, limits), scan::check(&text, limits, |_| 0));
    }
}

/// Every byte at every place of chunks, and around their ends.
#[test]
fn every_special_byte_ends_a_run() {
    for length in [0, 1, 31, 32, 33, 63, 64, 65, 100] {
        let plain = vec![b'a'; length];
        assert_eq!(scan::run(&plain), length);
        for at in 0..length {
            for byte in 0..=u8::MAX {
                let mut text = plain.clone();
                text[at] = byte;
                let expected = if matches!(byte, b'"' | b'\\' | 0..0x20) {
                    at
                } else {
                    length
                };
                assert_eq!(scan::run(&text), expected, "{length} {at} {byte}");
            }
        }
    }
}

/// A string of a document's length, with one byte that decides.
#[test]
fn long_strings_are_read_to_their_end() {
    let long = "QUJD".repeat(1 << 16);
    for (text, expected) in [
        (format!("\"{long}\""), None),
        (format!("\"{long}"), Some((Problem::End, long.len() + 1))),
        (
            format!("\"{long}\n\""),
            Some((Problem::Control, long.len() + 1)),
        ),
        (
            format!("\"{long}\\x{long}\""),
            Some((Problem::Escape, long.len() + 2)),
        ),
        (
            format!("{{\"{long}\":1,\"{long}\":2}}"),
            Some((Problem::DuplicateKey, long.len() + 6)),
        ),
    ] {
        assert_eq!(problem(&text), expected);
    }
}
