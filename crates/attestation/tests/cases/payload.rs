//! Rule 2: the payload.

use super::{Case, bad};
use letsesign_test_authority::{array, bytes, text};

pub(super) fn cases() -> Vec<Case> {
    let mut all = members();
    all.extend(registers());
    all
}

fn members() -> Vec<Case> {
    let nested = |depth: usize| [vec![0x81; depth], vec![0xf6]].concat();
    vec![
        bad("02-too-large", 2, "too-large", "more than 16 KiB", |d| {
            d.more = vec![("later", bytes(&[0; 16 << 10]))];
        }),
        bad(
            "02-module-id-empty",
            2,
            "module-id",
            "an empty module_id",
            |d| d.module_id.clear(),
        ),
        bad(
            "02-module-id-bytes",
            2,
            "cbor/type",
            "module_id is a byte string",
            |d| {
                d.instead = vec![("module_id", bytes(b"i-0"))];
            },
        ),
        bad("02-module-id-missing", 2, "missing", "no module_id", |d| {
            d.without = vec!["module_id"]
        }),
        bad(
            "02-not-utf8",
            2,
            "cbor/utf8",
            "module_id is not UTF-8",
            |d| {
                d.instead = vec![("module_id", vec![0x62, 0xc3, 0x28])];
            },
        ),
        bad("02-digest", 2, "digest", "SHA512", |d| {
            "SHA512".clone_into(&mut d.digest)
        }),
        bad("02-digest-missing", 2, "missing", "no digest", |d| {
            d.without = vec!["digest"]
        }),
        bad(
            "02-timestamp-zero",
            2,
            "timestamp",
            "a timestamp of 0",
            |d| {
                d.instead = vec![("timestamp", vec![0])];
            },
        ),
        bad(
            "02-timestamp-negative",
            2,
            "cbor/type",
            "a timestamp of -1",
            |d| {
                d.instead = vec![("timestamp", vec![0x20])];
            },
        ),
        bad("02-timestamp-missing", 2, "missing", "no timestamp", |d| {
            d.without = vec!["timestamp"]
        }),
        bad(
            "02-timestamp-overlong",
            2,
            "cbor/overlong",
            "a number that is longer than it needs",
            |d| {
                d.instead = vec![("timestamp", vec![0x1b, 0, 0, 0, 0, 0, 0, 0, 1])];
            },
        ),
        bad(
            "02-certificate-missing",
            2,
            "missing",
            "no certificate",
            |d| d.without = vec!["certificate"],
        ),
        bad(
            "02-certificate-empty",
            2,
            "field-length",
            "a certificate of no bytes",
            |d| {
                d.instead = vec![("certificate", bytes(&[]))];
            },
        ),
        bad(
            "02-certificate-long",
            2,
            "field-length",
            "a certificate of 1025 bytes",
            |d| {
                d.instead = vec![("certificate", bytes(&[0x30; 1025]))];
            },
        ),
        bad("02-cabundle-missing", 2, "missing", "no cabundle", |d| {
            d.without = vec!["cabundle"]
        }),
        bad(
            "02-cabundle-empty",
            2,
            "no-bundle",
            "no certificate in it",
            |d| drop(d.chain.drain(..4)),
        ),
        bad(
            "02-cabundle-empty-item",
            2,
            "field-length",
            "a certificate of no bytes in it",
            |d| {
                d.instead = vec![("cabundle", [array(1), bytes(&[])].concat())];
            },
        ),
        bad(
            "02-cabundle-long-item",
            2,
            "field-length",
            "a certificate of 1025 bytes in it",
            |d| {
                d.instead = vec![("cabundle", [array(1), bytes(&[0x30; 1025])].concat())];
            },
        ),
        bad(
            "02-cabundle-long",
            2,
            "bundle-length",
            "17 certificates in it",
            |d| {
                d.instead = vec![("cabundle", [array(17), bytes(&[0x30]).repeat(17)].concat())];
            },
        ),
        bad(
            "02-public-key-empty",
            2,
            "field-length",
            "a public_key of no bytes",
            |d| {
                d.public_key = Some(Vec::new());
            },
        ),
        bad(
            "02-public-key-long",
            2,
            "field-length",
            "a public_key of 1025 bytes",
            |d| {
                d.public_key = Some(vec![1; 1025]);
            },
        ),
        bad(
            "02-user-data-long",
            2,
            "field-length",
            "user_data of 1025 bytes",
            |d| {
                d.user_data = Some(vec![1; 1025]);
            },
        ),
        bad(
            "02-nonce-long",
            2,
            "field-length",
            "a nonce of 1025 bytes",
            |d| d.nonce = Some(vec![1; 1025]),
        ),
        bad(
            "02-nonce-text",
            2,
            "cbor/type",
            "a nonce that is a text",
            |d| {
                d.instead = vec![("nonce", text("nonce"))];
            },
        ),
        bad(
            "02-chunks",
            2,
            "cbor/indefinite",
            "user_data in chunks",
            |d| {
                d.instead = vec![(
                    "user_data",
                    [vec![0x5f], bytes(b"a"), bytes(b"b"), vec![0xff]].concat(),
                )];
            },
        ),
        bad(
            "02-claimed-length",
            2,
            "cbor/end",
            "user_data claims 2^63 bytes",
            |d| {
                d.instead = vec![("user_data", [vec![0x5b, 0x80], vec![0; 7]].concat())];
            },
        ),
        bad(
            "02-claimed-items",
            2,
            "cbor/type",
            "cabundle claims 2^63 certificates",
            |d| {
                d.instead = vec![("cabundle", array(1 << 63))];
            },
        ),
        bad("02-duplicate", 2, "duplicate", "nonce twice", |d| {
            d.more = vec![("nonce", vec![0xf6])]
        }),
        bad(
            "02-duplicate-unknown",
            2,
            "duplicate",
            "an unknown member twice",
            |d| {
                d.more = vec![("later", vec![0xf6]), ("later", vec![0xf6])];
            },
        ),
        bad(
            "02-trailing",
            2,
            "trailing",
            "a byte behind the payload's map",
            |d| d.behind_payload = vec![0],
        ),
        bad(
            "02-nested",
            2,
            "cbor/depth",
            "an unknown member, nested ten deep",
            |d| {
                d.more = vec![("later", nested(10))];
            },
        ),
        bad(
            "02-reserved",
            2,
            "cbor/reserved",
            "a byte that starts no item",
            |d| d.more = vec![("later", vec![0x1c])],
        ),
    ]
}

fn registers() -> Vec<Case> {
    vec![
        bad("02-pcrs-missing", 2, "missing", "no pcrs", |d| {
            d.without = vec!["pcrs"]
        }),
        bad("02-pcrs-empty", 2, "no-pcrs", "no register", |d| {
            d.pcrs.clear()
        }),
        bad("02-pcr-32", 2, "pcr-index", "a PCR32", |d| {
            d.pcrs.push((32, vec![1; 48]))
        }),
        bad(
            "02-pcr-256",
            2,
            "pcr-index",
            "a PCR256, which is 0 in eight bits",
            |d| {
                d.pcrs.push((256, vec![1; 48]));
            },
        ),
        bad("02-pcr-duplicate", 2, "pcr-duplicate", "PCR0 twice", |d| {
            d.pcrs.push((0, vec![0x11; 48]))
        }),
        bad("02-pcr-short", 2, "pcr-length", "PCR3 has 32 bytes", |d| {
            d.pcrs[3].1 = vec![1; 32]
        }),
        bad("02-pcr-long", 2, "pcr-length", "PCR3 has 64 bytes", |d| {
            d.pcrs[3].1 = vec![1; 64]
        }),
        bad("02-pcr-empty", 2, "pcr-length", "PCR31 has no bytes", |d| {
            d.pcrs.push((31, Vec::new()))
        }),
    ]
}
