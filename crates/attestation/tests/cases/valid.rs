//! Valid documents at the limits of the rules.

use super::{Case, TIME, good};
use letsesign_test_authority::{array, map, text, unsigned};

/// n, the order of P-384 (SEC 2, section 2.5.1).
const ORDER: [u8; 48] = [
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xc7, 0x63, 0x4d, 0x81, 0xf4, 0x37, 0x2d, 0xdf,
    0x58, 0x1a, 0x0d, 0xb2, 0x48, 0xb0, 0xa7, 0x7a, 0xec, 0xec, 0x19, 0x6a, 0xcc, 0xc5, 0x29, 0x73,
];

/// Replaces s, at the end of a document, by n - s.
fn negate_s(document: &mut [u8]) {
    let start = document.len() - 48;
    let mut borrow = 0;
    for (byte, order) in document[start..].iter_mut().zip(ORDER).rev() {
        let difference = i16::from(order) - i16::from(*byte) - borrow;
        borrow = i16::from(difference < 0);
        *byte = u8::try_from(difference.rem_euclid(256)).unwrap();
    }
}

pub(super) fn cases() -> Vec<Case> {
    let mut other_s = good(
        "valid-other-s",
        1,
        "s replaced by n - s: ECDSA takes both",
        |_| {},
    );
    negate_s(&mut other_s.document);
    vec![
        good("valid", 0, "as small as a document gets", |_| {}),
        good("valid-tagged", 1, "tag 18", |d| d.head = vec![0xd2, 0x84]),
        other_s,
        good(
            "valid-indefinite",
            2,
            "a payload without length, as newer NSMs write it",
            |d| {
                d.indefinite = true;
            },
        ),
        good("valid-31-pcrs", 2, "PCR0 to PCR30", |d| {
            d.pcrs = (0..31).map(|number| (number, vec![0x11; 48])).collect();
        }),
        good("valid-32-pcrs", 2, "PCR0 to PCR31", |d| {
            d.pcrs = (0..32).map(|number| (number, vec![0x11; 48])).collect();
        }),
        good("valid-3-pcrs", 2, "PCR0 to PCR2 alone, backwards", |d| {
            d.pcrs.truncate(3);
            d.pcrs.reverse();
        }),
        good(
            "valid-long-fields",
            2,
            "public_key, user_data and nonce of 1024 bytes",
            |d| {
                d.public_key = Some(vec![1; 1024]);
                d.user_data = Some(vec![2; 1024]);
                d.nonce = Some(vec![3; 1024]);
            },
        ),
        good(
            "valid-empty-fields",
            2,
            "user_data and nonce of no bytes",
            |d| {
                d.user_data = Some(Vec::new());
                d.nonce = Some(Vec::new());
            },
        ),
        good(
            "valid-absent-fields",
            2,
            "no public_key, user_data, nonce at all",
            |d| {
                d.without = vec!["public_key", "user_data", "nonce"];
            },
        ),
        good(
            "valid-unknown-member",
            2,
            "a member that a later NSM may add, nested",
            |d| {
                let value = [array(2), map(1), text("a"), unsigned(1 << 40), vec![0xf6]].concat();
                d.more = vec![("later", value)];
            },
        ),
        good(
            "valid-first-second",
            4,
            "made in the first second of its certificate",
            |d| {
                d.chain[4].from = TIME / 1000;
            },
        ),
        good(
            "valid-last-second",
            4,
            "made in the last second of its certificate",
            |d| {
                d.chain[4].to = TIME / 1000;
            },
        ),
        good(
            "valid-leaf-without-constraints",
            4,
            "no basicConstraints in the signing certificate",
            |d| {
                d.chain[4].constraints = None;
            },
        ),
        good(
            "valid-uncritical-extension",
            4,
            "an unknown extension that is not critical",
            |d| {
                d.chain[3].more = vec![super::chain::extension(99, false)];
            },
        ),
        good("valid-running", 5, "asked now, with a nonce", |d| {
            d.nonce = Some(vec![7; 16])
        })
        .running(TIME + 1000, 5000, Some(&[7; 16])),
        good("valid-running-oldest", 5, "as old as allowed", |_| {}).running(
            TIME + 5000,
            5000,
            None,
        ),
        good(
            "valid-running-ahead",
            5,
            "as far ahead of the clock as tolerated",
            |_| {},
        )
        .running(TIME - 60_000, 5000, None),
    ]
}
