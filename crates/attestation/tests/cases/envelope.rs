//! Rule 1: the COSE_Sign1.

use super::{Case, bad};
use letsesign_test_authority::text;

fn raw(name: &'static str, kind: &'static str, note: &'static str, document: Vec<u8>) -> Case {
    Case {
        document,
        ..bad(name, 1, kind, note, |_| {})
    }
}

pub(super) fn cases() -> Vec<Case> {
    vec![
        raw("01-empty", "cbor/end", "no bytes at all", Vec::new()),
        raw("01-truncated", "cbor/end", "the last byte is missing", {
            let mut document = bad("", 1, "", "", |_| {}).document;
            document.pop();
            document
        }),
        bad("01-tag", 1, "tag", "tag 17 (COSE_Mac0)", |d| {
            d.head = vec![0xd1, 0x84]
        }),
        bad("01-tag-twice", 1, "cbor/type", "tag 18 twice", |d| {
            d.head = vec![0xd2, 0xd2, 0x84]
        }),
        bad(
            "01-tag-overlong",
            1,
            "cbor/overlong",
            "tag 18 in two bytes",
            |d| {
                d.head = vec![0xd8, 18, 0x84];
            },
        ),
        bad("01-three-items", 1, "items", "an array of 3", |d| {
            d.head = vec![0x83]
        }),
        bad("01-five-items", 1, "items", "an array of 5", |d| {
            d.head = vec![0x85];
            d.behind = vec![0xf6];
        }),
        bad(
            "01-indefinite",
            1,
            "items",
            "an array without length",
            |d| {
                d.head = vec![0x9f];
                d.behind = vec![0xff];
            },
        ),
        bad(
            "01-overlong",
            1,
            "cbor/overlong",
            "an array of 4, its length in two bytes",
            |d| {
                d.head = vec![0x98, 4];
            },
        ),
        bad("01-algorithm", 1, "algorithm", "ES256", |d| {
            d.protected = vec![0xa1, 1, 0x26]
        }),
        bad(
            "01-algorithm-text",
            1,
            "cbor/type",
            "the algorithm as a text",
            |d| {
                d.protected = [vec![0xa1, 1], text("ES384")].concat();
            },
        ),
        bad(
            "01-no-algorithm",
            1,
            "no-algorithm",
            "an empty protected header",
            |d| d.protected = vec![0xa0],
        ),
        bad(
            "01-empty-header",
            1,
            "cbor/end",
            "a protected header of no bytes",
            |d| d.protected = Vec::new(),
        ),
        bad("01-crit", 1, "protected-header", "crit: [1]", |d| {
            d.protected = vec![0xa2, 1, 0x38, 0x22, 2, 0x81, 1];
        }),
        bad(
            "01-header-twice",
            1,
            "protected-header",
            "the algorithm twice",
            |d| {
                d.protected = vec![0xa2, 1, 0x38, 0x22, 1, 0x38, 0x22];
            },
        ),
        bad(
            "01-header-trailing",
            1,
            "trailing",
            "a byte behind the protected header",
            |d| d.protected.push(0),
        ),
        bad(
            "01-unprotected",
            1,
            "unprotected-header",
            "a key identifier in the unprotected header",
            |d| {
                d.unprotected = vec![0xa1, 4, 0x41, 0];
            },
        ),
        bad(
            "01-signature-short",
            1,
            "signature-length",
            "95 bytes",
            |d| d.signature = Some(vec![1; 95]),
        ),
        bad(
            "01-signature-long",
            1,
            "signature-length",
            "97 bytes",
            |d| d.signature = Some(vec![1; 97]),
        ),
        bad("01-signature-zero", 1, "signature", "r and s are 0", |d| {
            d.signature = Some(vec![0; 96])
        }),
        bad(
            "01-signature-range",
            1,
            "signature",
            "r and s are beyond n",
            |d| {
                d.signature = Some(vec![0xff; 96]);
            },
        ),
        bad(
            "01-signature-key",
            1,
            "signature",
            "signed with the instance's key",
            |d| d.signer = 4,
        ),
        bad("01-trailing", 1, "trailing", "a byte behind the end", |d| {
            d.behind = vec![0]
        }),
    ]
}
