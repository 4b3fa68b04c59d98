use super::Scanner;
use proptest::prelude::*;

/// Reads `text` in pieces of `size`.
fn scan(text: &[u8], size: usize) -> Result<(Option<String>, Option<u16>), &'static str> {
    let mut scanner = Scanner::new();
    for piece in text.chunks(size.max(1)) {
        scanner.push(piece)?;
    }
    scanner.end()?;
    Ok((scanner.session().map(str::to_owned), scanner.code()))
}

#[test]
fn session_and_code_are_found_wherever_they_are() {
    let texts = [
        r#"{"session":"s-1","jobResult":{"code":0}}"#,
        r#" { "x" : [ {"session":"no","jobResult":{"code":7}} ] , "jobResult" : {"a":{"code":9},
            "code" : 0 , "b":[1,-0.5e+3,true,null,"\"\\\u00e4"]} , "session" : "s-1" } "#,
        r#"{"\u0073ession":"s\u002d1","jobResult":{"c\u006fde":0,"x":"\ud83d\ude00 ü €"}}"#,
    ];
    for text in texts {
        for size in 1..=text.len() {
            assert_eq!(
                scan(text.as_bytes(), size),
                Ok((Some("s-1".into()), Some(0))),
                "{text}"
            );
        }
    }
}

#[test]
fn what_is_malformed_is_refused() {
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(64), "]".repeat(64));
    let long = format!("{{\"session\":\"{}\"}}", "ä".repeat(257));
    let texts: [&[u8]; 25] = [
        b"",
        b"1",
        b"[]",
        b"{",
        b"{}x",
        b"{\"a\"}",
        b"{\"a\":}",
        b"{\"a\":1,}",
        b"{\"a\":01}",
        b"{\"a\":1.}",
        b"{\"a\":tru}",
        b"{\"a\":\"\x01\"}",
        b"{\"a\":\"\xff\"}",
        b"{\"a\":\"\xc0\x80\"}",
        b"{\"a\":\"\xed\xa0\x80\"}",
        b"{\"a\":\"\\ud800\"}",
        b"{\"a\":\"\\udc00\"}",
        b"{\"a\":\"\\x\"}",
        b"{\"a\":[1}}",
        b"{\"session\":\"a\",\"session\":\"b\"}",
        b"{\"session\":1}",
        b"{\"session\":\"\"}",
        b"{\"jobResult\":{\"code\":0,\"code\":1}}",
        deep.as_bytes(),
        long.as_bytes(),
    ];
    for text in texts {
        assert!(scan(text, 1).is_err(), "{}", text.escape_ascii());
        assert_eq!(scan(text, 1), scan(text, 4096), "{}", text.escape_ascii());
    }
    for code in ["-1", "65536", "1.0", "1e3", "\"0\"", "null"] {
        let text = format!("{{\"jobResult\":{{\"code\":{code}}}}}");
        assert!(scan(text.as_bytes(), 3).is_err(), "{text}");
    }
}

proptest! {
    /// It accepts what serde_json accepts, for objects that do not nest too deep.
    #[test]
    fn it_agrees_with_serde(
        text in r#"\{("[a-z\\\\u0-9"]{0,6}:?[\[\]{},:0-9.eE+\-"\\ntruefalsn ]{0,24}"?,?){0,3}\}"#,
        size in 1usize..8,
    ) {
        let expected = serde_json::from_str::<serde_json::Value>(&text).is_ok();
        // Floats beyond the range are a matter of serde_json's numbers, not of the grammar.
        let is_huge = text.contains(['e', 'E']);
        let scanned = scan(text.as_bytes(), size);
        if !is_huge {
            prop_assert_eq!(scanned.is_ok(), expected, "{}", text);
        }
    }

    #[test]
    fn values_pass_and_cuts_do_not(value in values(), cut in any::<prop::sample::Index>()) {
        let text = serde_json::json!({"session": "s", "v": value, "jobResult": {"code": 2999}});
        let text = text.to_string();
        prop_assert_eq!(scan(text.as_bytes(), 5), Ok((Some("s".into()), Some(2999))));
        let cut = cut.index(text.len());
        prop_assert!(scan(&text.as_bytes()[..cut], 7).is_err());
    }
}

fn values() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        any::<String>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        any::<bool>().prop_map(Into::into),
        Just(serde_json::Value::Null),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            prop::collection::btree_map(any::<String>(), inner, 0..4)
                .prop_map(|map| map.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    })
}
