//! Properties of every value and of all bytes.

#![cfg(test)]

mod common;

use common::Value;
use letsesign_cbor::{Decoder, Problem, Rules, check};
use proptest::prelude::*;
use std::collections::BTreeMap;

fn leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        integer().prop_map(Value::Unsigned),
        integer().prop_map(Value::Negative),
        proptest::collection::vec(any::<u8>(), 0..40).prop_map(Value::Bytes),
        ".{0,20}".prop_map(Value::Text),
        any::<bool>().prop_map(Value::Bool),
        Just(Value::Null),
        any::<f64>().prop_map(Value::Float),
        any::<f32>().prop_map(|value| Value::Float(value.into())),
        any::<i8>().prop_map(|value| Value::Float(value.into())),
        (0_u8..20).prop_map(|value| Value::Simple(vec![0xe0 | value])),
        (32_u8..).prop_map(|value| Value::Simple(vec![0xf8, value])),
    ]
}

/// Numbers of all widths, the limits among them.
fn integer() -> impl Strategy<Value = u64> {
    prop_oneof![
        any::<u64>(),
        any::<u8>().prop_map(u64::from),
        (0_u32..64, 0_u64..2).prop_map(|(bits, less)| (1_u64 << bits) - less),
    ]
}

/// Items of at most 8 levels, whose maps are sorted.
fn value() -> impl Strategy<Value = Value> {
    leaf().prop_recursive(8, 40, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::Array),
            proptest::collection::vec((inner.clone(), inner.clone()), 0..5).prop_map(|entries| {
                let entries = entries.into_iter().map(|(k, v)| (k.to_bytes(), (k, v)));
                let sorted: BTreeMap<_, _> = entries.collect();
                Value::Map(sorted.into_values().collect())
            }),
            (integer(), inner).prop_map(|(number, value)| Value::Tag(number, Box::new(value))),
        ]
    })
}

/// Deterministic items, now and then with a byte changed.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let changed = (value(), any::<prop::sample::Index>(), any::<u8>());
    let changed = changed.prop_map(|(value, index, byte)| {
        let mut bytes = value.to_bytes();
        let index = index.index(bytes.len());
        bytes[index] = byte;
        bytes
    });
    prop_oneof![proptest::collection::vec(any::<u8>(), 0..60), changed]
}

proptest! {
    #[test]
    fn a_value_comes_back(value in value()) {
        let bytes = value.to_bytes();
        prop_assert_eq!(check(&bytes), Ok(()));
        let mut decoder = Decoder::new(&bytes);
        let read = Value::read(&mut decoder).unwrap();
        prop_assert_eq!(decoder.end(), Ok(()));
        // Not by value: a NaN differs from itself.
        prop_assert_eq!(read.to_string(), value.to_string());
        prop_assert_eq!(read.to_bytes(), bytes);
    }

    #[test]
    fn every_strict_prefix_ends_in_the_middle(value in value()) {
        let bytes = value.to_bytes();
        for length in 0..bytes.len() {
            let problem = check(&bytes[..length]).unwrap_err().problem;
            prop_assert_eq!(problem, Problem::End, "{} bytes", length);
        }
    }

    #[test]
    fn trailing_bytes_are_refused(
        value in value(), more in proptest::collection::vec(any::<u8>(), 1..9),
    ) {
        let mut bytes = value.to_bytes();
        let length = bytes.len();
        bytes.extend(more);
        let error = check(&bytes).unwrap_err();
        prop_assert_eq!((error.offset, error.problem), (length, Problem::Trailing));
    }

    /// Otherwise one meaning would have two encodings.
    #[test]
    fn accepted_bytes_are_what_the_writer_makes(bytes in bytes()) {
        if check(&bytes).is_ok() {
            let value = Value::read(&mut Decoder::new(&bytes)).unwrap();
            prop_assert_eq!(value.to_bytes(), bytes);
        }
    }

    /// A rule permits, and forbids nothing.
    #[test]
    fn lenient_rules_accept_all_that_is_deterministic(bytes in bytes(), any_order: bool,
                                                      indefinite: bool, heads: bool) {
        let mut rules = Rules::DETERMINISTIC;
        if any_order { rules = rules.any_order(); }
        if indefinite { rules = rules.indefinite_lists(); }
        if heads { rules = rules.long_heads().long_floats(); }
        let mut lenient = Decoder::with_rules(&bytes, rules);
        let result = lenient.skip().and_then(|()| lenient.end());
        prop_assert!(check(&bytes).is_err() || result.is_ok());
        // Reading item by item accepts the same as `skip`.
        let mut decoder = Decoder::with_rules(&bytes, rules);
        let read = Value::read(&mut decoder).and_then(|_| decoder.end());
        prop_assert_eq!(read.is_ok(), result.is_ok());
    }
}
