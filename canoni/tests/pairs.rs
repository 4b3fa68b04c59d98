//! Pairs of archives that differ in a header or a record: two digests, or a refusal that names the
//! rule.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod support;
use support::pair::End::{One, Refused, Two};
use support::pair::{End, layers, pair};
use support::*;

fn comment(name: &str) -> Raw {
    Raw {
        kind: b'g',
        name: name.into(),
        ..pax(&[(b"comment", b"b")])
    }
}

fn gnu(kind: u8, text: &str) -> Raw {
    Raw {
        kind,
        magic: GNU,
        ..file("././@LongLink", format!("{text}\0"))
    }
}

#[test]
#[allow(clippy::too_many_lines, reason = "one table")]
fn headers() {
    let plain = layers(&[&[file("a", "x")]]);
    let same: &[(&str, Vec<Raw>, End)] = &[
        ("a leading slash", vec![file("/a", "x")], One),
        ("dots and slashes", vec![file(".//./a", "x")], One),
        (
            "a trailing slash",
            vec![file("a/", "x")],
            Refused("trailing slash"),
        ),
        (
            "type 0 with a slash is a file to engines",
            vec![file("a/", "")],
            Refused("trailing slash"),
        ),
        (
            "prefix and PAX path",
            vec![
                pax(&[(b"path", b"a")]),
                Raw {
                    prefix: b"p".to_vec(),
                    ..file("q", "x")
                },
            ],
            One,
        ),
        (
            "prefix",
            vec![Raw {
                prefix: b"p".to_vec(),
                ..file("a", "x")
            }],
            Two,
        ),
        // umoci and podman unpack it to p/a: Go takes GNU's times for a prefix where they are not
        // numbers.
        (
            "GNU has no prefix",
            vec![Raw {
                magic: GNU,
                prefix: b"p".to_vec(),
                ..file("a", "x")
            }],
            Refused("field atime"),
        ),
        (
            "nor in its second half",
            vec![Raw {
                magic: GNU,
                prefix: b"00000000001\0p".to_vec(),
                ..file("a", "x")
            }],
            Refused("field ctime"),
        ),
        (
            "GNU has times",
            vec![Raw {
                magic: GNU,
                prefix: b"00000000001\x0000000000002\0".to_vec(),
                ..file("a", "x")
            }],
            One,
        ),
        (
            "GNU long name and PAX path",
            vec![gnu(b'L', "a"), pax(&[(b"path", b"b")]), file("c", "x")],
            Refused("name is given twice"),
        ),
        (
            "PAX path and GNU long name",
            vec![pax(&[(b"path", b"b")]), gnu(b'L', "a"), file("c", "x")],
            Refused("name is given twice"),
        ),
        (
            "both alike",
            vec![gnu(b'L', "a"), pax(&[(b"path", b"a")]), file("c", "x")],
            One,
        ),
        (
            "PAX path twice",
            vec![pax(&[(b"path", b"b"), (b"path", b"a")]), file("c", "x")],
            Refused("path twice"),
        ),
        (
            "two extended headers",
            vec![
                pax(&[(b"path", b"a")]),
                pax(&[(b"mtime", b"1")]),
                file("c", "x"),
            ],
            Refused("extended header is given twice"),
        ),
        (
            "an empty PAX path",
            vec![pax(&[(b"path", b"")]), file("a", "x")],
            Refused("is empty"),
        ),
        (
            "global path",
            vec![
                Raw {
                    kind: b'g',
                    ..pax(&[(b"path", b"b")])
                },
                file("a", "x"),
            ],
            Refused("global extended header sets path"),
        ),
        (
            "global comment",
            vec![comment("pax_global_header"), file("a", "x")],
            One,
        ),
        // podman takes the header's name for a path: it removes a, or makes e; to umoci, too, a
        // whiteout is one.
        (
            "global comment named as a file",
            vec![file("a", "x"), comment("a"), file("b", "")],
            Refused("not pax_global_header"),
        ),
        (
            "global comment in a folder",
            vec![comment("e/pax_global_header"), file("a", "x")],
            Refused("not pax_global_header"),
        ),
        (
            "global comment as a whiteout",
            vec![comment(".wh.b"), file("a", "x")],
            Refused("not pax_global_header"),
        ),
        (
            "global comment beside its name",
            vec![
                file("pax_global_header", ""),
                comment("pax_global_header"),
                file("a", "x"),
            ],
            Refused("name of a global extended header"),
        ),
        (
            "global comment at the end",
            vec![file("a", "x"), comment("pax_global_header")],
            Refused("extended header without an entry"),
        ),
        (
            "fractions of a time",
            vec![pax(&[(b"mtime", b"-1.5")]), file("a", "x")],
            One,
        ),
        (
            "a uid of PAX",
            vec![pax(&[(b"uid", b"7")]), file("a", "x")],
            Two,
        ),
        (
            "a uid in base 256",
            vec![Raw {
                uid: binary(7, 8),
                ..file("a", "x")
            }],
            Two,
        ),
        (
            "a negative uid",
            vec![Raw {
                uid: vec![0xff; 8],
                ..file("a", "x")
            }],
            Refused("field uid"),
        ),
        (
            "a negative PAX uid",
            vec![pax(&[(b"uid", b"-1")]), file("a", "x")],
            Refused("field uid"),
        ),
        (
            "a uid with a tab",
            vec![Raw {
                uid: b"\t000007\0".to_vec(),
                ..file("a", "x")
            }],
            Refused("field uid"),
        ),
        (
            "a uid beyond 32 bits",
            vec![pax(&[(b"uid", b"4294967296")]), file("a", "x")],
            Refused("field uid"),
        ),
        (
            "a uid beyond 64 bits",
            vec![pax(&[(b"uid", b"18446744073709551616")]), file("a", "x")],
            Refused("field uid"),
        ),
        (
            "a uid in base 256 beyond 64 bits",
            vec![Raw {
                uid: vec![0x81, 0, 0, 0, 0, 0, 0, 0],
                ..file("a", "x")
            }],
            Refused("field uid"),
        ),
        (
            "the file type above the mode",
            vec![Raw {
                mode: 0o100_644,
                ..file("a", "x")
            }],
            One,
        ),
        (
            "another size in PAX",
            vec![pax(&[(b"size", b"0")]), file("a", "x")],
            Refused("extended header 0"),
        ),
        (
            "trusted attribute",
            vec![pax(&[(b"SCHILY.xattr.trusted.a", b"1")]), file("a", "x")],
            Refused("trusted.a"),
        ),
        (
            "security attribute",
            vec![pax(&[(b"SCHILY.xattr.security.ima", b"1")]), file("a", "x")],
            Refused("security.ima"),
        ),
        (
            "user attribute",
            vec![pax(&[(b"SCHILY.xattr.user.a", b"1")]), file("a", "x")],
            Two,
        ),
        (
            "a sparse map without a size",
            vec![pax(&[(b"GNU.sparse.map", b"0,1")]), file("a", "x")],
            Refused("no real size"),
        ),
        // To Go the file is called a and has what is stored.
        (
            "a sparse name without a map",
            vec![
                pax(&[(b"GNU.sparse.name", b"b"), (b"GNU.sparse.size", b"5")]),
                file("a", ""),
            ],
            Refused("no map and no version"),
        ),
        (
            "half a sparse version",
            vec![
                pax(&[
                    (b"GNU.sparse.major", b"0"),
                    (b"GNU.sparse.name", b"b"),
                    (b"GNU.sparse.size", b"1"),
                    (b"GNU.sparse.map", b"0,1"),
                ]),
                file("a", "x"),
            ],
            Refused("formats are mixed"),
        ),
        (
            "an odd sparse version",
            vec![
                pax(&[
                    (b"GNU.sparse.major", b"00"),
                    (b"GNU.sparse.minor", b"1"),
                    (b"GNU.sparse.name", b"b"),
                    (b"GNU.sparse.size", b"1"),
                    (b"GNU.sparse.map", b"0,1"),
                ]),
                file("a", "x"),
            ],
            Refused("formats are mixed"),
        ),
        (
            "a sparse name",
            vec![
                pax(&[
                    (b"GNU.sparse.major", b"0"),
                    (b"GNU.sparse.minor", b"1"),
                    (b"GNU.sparse.name", b"b"),
                    (b"GNU.sparse.size", b"1"),
                    (b"GNU.sparse.map", b"0,1"),
                ]),
                file("a", "x"),
            ],
            Two,
        ),
        ("twice", vec![file("a", "y"), file("./a", "x")], One),
        (
            "twice the other way round",
            vec![file("a", "x"), file("./a", "y")],
            Two,
        ),
    ];
    for (name, entries, end) in same {
        pair(name, &plain, &layers(&[entries]), end);
    }
    let lower = layers(&[
        &[file("pax_global_header", "")],
        &[comment("pax_global_header"), file("a", "x")],
    ]);
    refused(
        "global comment above its name",
        &lower,
        "name of a global extended header",
    );
    let device = |device| {
        layers(&[&[Raw {
            device,
            ..raw("d", b'3')
        }]])
    };
    pair("device numbers", &device((1, 3)), &device((1, 5)), &Two);
    pair("device numbers", &device((1, 3)), &device((3, 1)), &Two);
    pair(
        "device numbers",
        &device((1, 3)),
        &device((0, 0)),
        &Refused("0:0"),
    );
    let block = layers(&[&[Raw {
        device: (1, 3),
        ..raw("d", b'4')
    }]]);
    pair("kinds of device", &device((1, 3)), &block, &Two);
}
