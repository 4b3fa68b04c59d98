//! Refusals of the reader: each violation with its offset, and the rule that permits it if any.

#![cfg(test)]

use letsesign_cbor::{Decoder, DuplicateKey, Encoder, Map, Problem, Rules, check};

fn refusal(bytes: &[u8]) -> (usize, Problem) {
    let error = check(bytes).unwrap_err();
    (error.offset, error.problem)
}

fn accepted(bytes: &[u8], rules: Rules) -> bool {
    let mut decoder = Decoder::with_rules(bytes, rules);
    decoder.skip().and_then(|()| decoder.end()).is_ok()
}

#[test]
fn long_heads_are_refused_unless_permitted() {
    let long: [&[u8]; 8] = [
        &[0x18, 23],
        &[0x19, 0, 255],
        &[0x1a, 0, 0, 255, 255],
        &[0x1b, 0, 0, 0, 0, 255, 255, 255, 255],
        &[0x38, 0],
        &[0x58, 1, 9],
        &[0x98, 0],
        &[0xd8, 18, 0],
    ];
    for bytes in long {
        assert_eq!(refusal(bytes), (0, Problem::Overlong), "{bytes:x?}");
        assert!(accepted(bytes, Rules::DETERMINISTIC.long_heads()));
    }
}

#[test]
fn wide_floats_are_refused_unless_permitted() {
    // 1.0 in 32 and 64 bits, 100000.0 in 64, a NaN with a payload.
    for hex in [
        "fa3f800000",
        "fb3ff0000000000000",
        "fb40f86a0000000000",
        "f97e01",
    ] {
        let bytes = hex::decode(hex).unwrap();
        assert_eq!(refusal(&bytes), (0, Problem::Overlong), "{hex}");
        assert!(
            accepted(&bytes, Rules::DETERMINISTIC.long_floats()),
            "{hex}"
        );
        assert!(
            !accepted(&bytes, Rules::DETERMINISTIC.long_heads()),
            "{hex}"
        );
    }
}

#[test]
fn small_simple_values_in_two_bytes_are_refused_by_all_rules() {
    let lenient = Rules::DETERMINISTIC.long_heads().long_floats();
    assert_eq!(refusal(&[0xf8, 31]), (0, Problem::Overlong));
    assert!(!accepted(&[0xf8, 31], lenient));
    assert!(accepted(&[0xf8, 32], Rules::DETERMINISTIC));
}

#[test]
fn keys_are_sorted_by_their_bytes_and_differ() {
    // 10 before "a": by bytes, not by length. -1 before "": by bytes of the heads.
    for sorted in ["a20a00616100", "a220006000", "a2187800616100"] {
        assert_eq!(check(&hex::decode(sorted).unwrap()), Ok(()), "{sorted}");
    }
    let unsorted = [0xa2, 0x61, b'b', 0, 0x61, b'a', 0];
    assert_eq!(refusal(&unsorted), (4, Problem::Order));
    let twice = [0xa2, 0x61, b'a', 0, 0x61, b'a', 1];
    assert_eq!(refusal(&twice), (4, Problem::Duplicate));
    for bytes in [unsorted, twice] {
        assert!(accepted(&bytes, Rules::DETERMINISTIC.any_order()));
        // A caller that reads the entries itself meets the same refusal.
        let mut decoder = Decoder::new(&bytes);
        let mut entries = decoder.map().unwrap();
        assert!(decoder.more(&mut entries).unwrap());
        decoder.text().unwrap();
        decoder.unsigned().unwrap();
        let error = decoder.more(&mut entries).unwrap_err();
        assert_eq!((error.offset, error.problem), refusal(&bytes));
    }
}

#[test]
fn maps_as_keys_of_maps_are_checked_too() {
    let inner = [0xa2, 1, 0, 1, 0];
    let bytes = [&[0xa1][..], &inner, &[0]].concat();
    assert_eq!(refusal(&bytes), (4, Problem::Duplicate));
}

#[test]
fn nesting_is_limited() {
    let nested = |levels: usize| [vec![0x81; levels], vec![0]].concat();
    assert_eq!(check(&nested(8)), Ok(()));
    assert_eq!(refusal(&nested(9)), (9, Problem::Depth));
    assert_eq!(refusal(&nested(100_000)), (9, Problem::Depth));
    let tags = [vec![0xc1; 9], vec![0]].concat();
    assert_eq!(refusal(&tags), (9, Problem::Depth));
    assert!(accepted(&nested(0), Rules::DETERMINISTIC.depth_max(0)));
    assert!(!accepted(&nested(1), Rules::DETERMINISTIC.depth_max(0)));
}

#[test]
fn malformed_bytes_are_refused() {
    for first in (0..8).flat_map(|major| (28..31).map(move |low| major << 5 | low)) {
        assert_eq!(refusal(&[first, 0, 0]), (0, Problem::Reserved), "{first:x}");
    }
    // A break, and numbers and tags without an argument.
    for first in [0xff, 0x1f, 0x3f, 0xdf] {
        assert_eq!(refusal(&[first]), (0, Problem::Indefinite), "{first:x}");
    }
    assert_eq!(refusal(&[0x62, 0xc3, 0x28]), (0, Problem::Utf8));
    assert_eq!(refusal(&[]), (0, Problem::End));
    assert_eq!(refusal(&[0, 0]), (1, Problem::Trailing));
    // A break between a key and its value.
    let lenient = Rules::DETERMINISTIC.indefinite_lists();
    assert!(!accepted(&[0xbf, 1, 0xff], lenient));
    assert!(accepted(&[0xbf, 1, 2, 0xff], lenient));
}

#[test]
fn claimed_lengths_cost_nothing() {
    let strings = [0x5b, 0x7b].map(|first| [vec![first], vec![0xff; 8]].concat());
    for bytes in strings {
        assert_eq!(refusal(&bytes).1, Problem::End);
    }
    let lists = [0x9b, 0xbb].map(|first| [vec![first], vec![0xff; 8]].concat());
    for bytes in lists {
        assert_eq!(refusal(&bytes), (9, Problem::End));
    }
}

#[test]
fn another_type_is_named() {
    let text = |error: letsesign_cbor::Error| error.to_string();
    assert_eq!(
        text(Decoder::new(&[0x60]).bytes().unwrap_err()),
        "byte 0: there is something else than a byte string"
    );
    let wrong = [
        Decoder::new(&[0x40]).text().is_err(),
        Decoder::new(&[0x20]).unsigned().is_err(),
        Decoder::new(&[0x40]).integer().is_err(),
        Decoder::new(&[0xf6]).bool().is_err(),
        Decoder::new(&[0x01]).float().is_err(),
        Decoder::new(&[0xa0]).array().is_err(),
        Decoder::new(&[0x80]).map().is_err(),
    ];
    assert_eq!(wrong, [true; 7]);
    assert_eq!(Decoder::new(&[0x00]).tag(), Ok(None));
    assert_eq!(Decoder::new(&[0x00]).null(), Ok(false));
}

#[test]
fn errors_inside_a_string_have_offsets_of_the_outer_input() {
    let bytes = [0x82, 0x00, 0x43, 0x01, 0x18, 0x01];
    let mut outer = Decoder::new(&bytes);
    outer.array().unwrap();
    outer.unsigned().unwrap();
    let content = outer.bytes().unwrap();
    let mut inside = outer.inside(content);
    inside.unsigned().unwrap();
    let error = inside.unsigned().unwrap_err();
    assert_eq!((error.offset, error.problem), (4, Problem::Overlong));
}

#[test]
fn a_key_is_written_once() {
    let mut map = Map::new();
    map.insert("a", 1_u64).unwrap();
    assert_eq!(map.insert("a", 2_u64), Err(DuplicateKey));
    map.insert(-1_i64, [1_u8, 2]).unwrap();
    map.insert("", None::<bool>).unwrap();
    let bytes = Encoder::new().map(&map).to_bytes();
    assert_eq!(hex::encode(bytes), "a32042010260f6616101");
}

#[test]
fn the_integers_at_the_ends_are_written() {
    let written = |value| hex::encode(Encoder::new().integer(value).to_bytes());
    assert_eq!(written(i64::MAX), "1b7fffffffffffffff");
    assert_eq!(written(i64::MIN), "3b7fffffffffffffff");
    assert_eq!(written(-1), "20");
}
