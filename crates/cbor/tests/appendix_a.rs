//! The examples of RFC 8949, appendix A.

#![cfg(test)]

mod common;

use common::Value;
use letsesign_cbor::{Decoder, Problem, Rules, check};

/// Encodings that are deterministic, with their diagnostic notation.
const DETERMINISTIC: &[(&str, &str)] = &[
    ("00", "0"),
    ("01", "1"),
    ("0a", "10"),
    ("17", "23"),
    ("1818", "24"),
    ("1819", "25"),
    ("1864", "100"),
    ("1903e8", "1000"),
    ("1a000f4240", "1000000"),
    ("1b000000e8d4a51000", "1000000000000"),
    ("1bffffffffffffffff", "18446744073709551615"),
    ("c249010000000000000000", "2(h'010000000000000000')"),
    ("3bffffffffffffffff", "-18446744073709551616"),
    ("c349010000000000000000", "3(h'010000000000000000')"),
    ("20", "-1"),
    ("29", "-10"),
    ("3863", "-100"),
    ("3903e7", "-1000"),
    ("f90000", "0.0"),
    ("f98000", "-0.0"),
    ("f93c00", "1.0"),
    ("fb3ff199999999999a", "1.1"),
    ("f93e00", "1.5"),
    ("f97bff", "65504.0"),
    ("fa47c35000", "100000.0"),
    ("fa7f7fffff", "3.4028234663852886e38"),
    ("fb7e37e43c8800759c", "1e300"),
    ("f90001", "5.960464477539063e-8"),
    ("f90400", "6.103515625e-5"),
    ("f9c400", "-4.0"),
    ("fbc010666666666666", "-4.1"),
    ("f97c00", "inf"),
    ("f97e00", "NaN"),
    ("f9fc00", "-inf"),
    ("f4", "false"),
    ("f5", "true"),
    ("f6", "null"),
    ("f7", "undefined"),
    ("f0", "simple(16)"),
    ("f8ff", "simple(255)"),
    (
        "c074323031332d30332d32315432303a30343a30305a",
        "0(\"2013-03-21T20:04:00Z\")",
    ),
    ("c11a514b67b0", "1(1363896240)"),
    ("c1fb41d452d9ec200000", "1(1363896240.5)"),
    ("d74401020304", "23(h'01020304')"),
    ("d818456449455446", "24(h'6449455446')"),
    (
        "d82076687474703a2f2f7777772e6578616d706c652e636f6d",
        "32(\"http://www.example.com\")",
    ),
    ("40", "h''"),
    ("4401020304", "h'01020304'"),
    ("60", "\"\""),
    ("6161", "\"a\""),
    ("6449455446", "\"IETF\""),
    ("62225c", "\"\\\"\\\\\""),
    ("62c3bc", "\"\u{fc}\""),
    ("63e6b0b4", "\"\u{6c34}\""),
    ("64f0908591", "\"\u{10151}\""),
    ("80", "[]"),
    ("83010203", "[1, 2, 3]"),
    ("8301820203820405", "[1, [2, 3], [4, 5]]"),
    (
        "98190102030405060708090a0b0c0d0e0f101112131415161718181819",
        "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25]",
    ),
    ("a0", "{}"),
    ("a201020304", "{1: 2, 3: 4}"),
    ("a26161016162820203", "{\"a\": 1, \"b\": [2, 3]}"),
    ("826161a161626163", "[\"a\", {\"b\": \"c\"}]"),
    (
        "a56161614161626142616361436164614461656145",
        "{\"a\": \"A\", \"b\": \"B\", \"c\": \"C\", \"d\": \"D\", \"e\": \"E\"}",
    ),
];

/// Encodings that are valid and not deterministic, with their notation without the sign for an
/// indefinite length.
const DEVIATING: &[(&str, Problem, &str)] = &[
    ("fa7f800000", Problem::Overlong, "inf"),
    ("fa7fc00000", Problem::Overlong, "NaN"),
    ("faff800000", Problem::Overlong, "-inf"),
    ("fb7ff0000000000000", Problem::Overlong, "inf"),
    ("fb7ff8000000000000", Problem::Overlong, "NaN"),
    ("fbfff0000000000000", Problem::Overlong, "-inf"),
    ("9fff", Problem::Indefinite, "[]"),
    (
        "9f018202039f0405ffff",
        Problem::Indefinite,
        "[1, [2, 3], [4, 5]]",
    ),
    (
        "9f01820203820405ff",
        Problem::Indefinite,
        "[1, [2, 3], [4, 5]]",
    ),
    (
        "83018202039f0405ff",
        Problem::Indefinite,
        "[1, [2, 3], [4, 5]]",
    ),
    (
        "83019f0203ff820405",
        Problem::Indefinite,
        "[1, [2, 3], [4, 5]]",
    ),
    (
        "9f0102030405060708090a0b0c0d0e0f101112131415161718181819ff",
        Problem::Indefinite,
        "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25]",
    ),
    (
        "bf61610161629f0203ffff",
        Problem::Indefinite,
        "{\"a\": 1, \"b\": [2, 3]}",
    ),
    (
        "826161bf61626163ff",
        Problem::Indefinite,
        "[\"a\", {\"b\": \"c\"}]",
    ),
    (
        "bf6346756ef563416d7421ff",
        Problem::Indefinite,
        "{\"Fun\": true, \"Amt\": -2}",
    ),
];

/// Strings in chunks, which no rule permits.
const CHUNKS: &[&str] = &["5f42010243030405ff", "7f657374726561646d696e67ff"];

const LENIENT: Rules = Rules::DETERMINISTIC
    .long_heads()
    .long_floats()
    .indefinite_lists()
    .any_order();

#[test]
fn deterministic_examples_are_read_and_written() {
    for (hex, notation) in DETERMINISTIC {
        let bytes = hex::decode(hex).unwrap();
        assert_eq!(check(&bytes), Ok(()), "{notation}");
        let value = Value::read(&mut Decoder::new(&bytes)).unwrap();
        assert_eq!(value.to_string(), *notation);
        assert_eq!(hex::encode(value.to_bytes()), *hex, "{notation}");
    }
}

#[test]
fn other_examples_are_refused_unless_the_rules_permit_them() {
    for (hex, problem, notation) in DEVIATING {
        let bytes = hex::decode(hex).unwrap();
        assert_eq!(check(&bytes).unwrap_err().problem, *problem, "{notation}");
        let mut decoder = Decoder::with_rules(&bytes, LENIENT);
        let value = Value::read(&mut decoder).unwrap();
        decoder.end().unwrap();
        assert_eq!(value.to_string(), *notation);
        assert_eq!(check(&value.to_bytes()), Ok(()), "{notation}");
    }
}

#[test]
fn strings_in_chunks_are_refused_by_all_rules() {
    for hex in CHUNKS {
        let bytes = hex::decode(hex).unwrap();
        let error = Decoder::with_rules(&bytes, LENIENT).skip().unwrap_err();
        assert_eq!((error.offset, error.problem), (0, Problem::Indefinite));
    }
}
