//! Sparse files in all four formats, and maps that make no sense.
#![allow(missing_docs, clippy::indexing_slicing)]

mod support;
use support::*;

/// PAX format 1.0.
fn v1(records: &[(&[u8], &[u8])], content: &[u8]) -> Vec<u8> {
    let mut all: Vec<(&[u8], &[u8])> = vec![
        (b"GNU.sparse.major", b"1"),
        (b"GNU.sparse.minor", b"0"),
        (b"GNU.sparse.name", b"s"),
    ];
    all.extend_from_slice(records);
    tar(&[pax(&all), file("GNUSparseFile.0/s", content)])
}

/// GNU's old format.
fn old(realsize: u64, extents: &[(u64, u64)], content: &[u8]) -> Vec<u8> {
    let mut block = Raw {
        kind: b'S',
        magic: GNU,
        ..file("s", content)
    }
    .block();
    for (at, (offset, len)) in extents.iter().enumerate() {
        block[386 + at * 24..][..24]
            .copy_from_slice(&[octal(*offset, 12), octal(*len, 12)].concat());
    }
    block[483..495].copy_from_slice(&octal(realsize, 12));
    checksum(&mut block);
    let mut bytes = [block, content.to_vec()].concat();
    bytes.resize(bytes.len().next_multiple_of(512) + 1024, 0);
    bytes
}

/// A map of one run of two bytes at 4, and the bytes.
fn map() -> Vec<u8> {
    let mut map = b"1\n4\n2\n".to_vec();
    map.resize(512, 0);
    map.extend_from_slice(b"hi");
    map
}

#[test]
fn all_formats_are_expanded() {
    let map = map();
    let tree = flatten(&[v1(&[(b"GNU.sparse.realsize", b"8")], &map)]).unwrap();
    assert_eq!(lines(&tree), ["s 644 0:0 file \0\0\0\0hi\0\0"]);

    assert_eq!(
        lines(&flatten(&[old(5, &[(1, 2), (5, 0)], b"hi")]).unwrap()),
        ["s 644 0:0 file \0hi\0\0"]
    );

    let v0: Vec<(&[u8], &[u8])> = vec![
        (b"GNU.sparse.size", b"4"),
        (b"GNU.sparse.numblocks", b"2"),
        (b"GNU.sparse.offset", b"0"),
        (b"GNU.sparse.numbytes", b"1"),
        (b"GNU.sparse.offset", b"3"),
        (b"GNU.sparse.numbytes", b"1"),
    ];
    assert_eq!(
        lines(&flatten(&[tar(&[pax(&v0), file("s", "ab")])]).unwrap()),
        ["s 644 0:0 file a\0\0b"]
    );
    let v01: Vec<(&[u8], &[u8])> = vec![
        (b"GNU.sparse.size", b"4"),
        (b"GNU.sparse.map", b"0,1,3,1"),
        (b"GNU.sparse.numblocks", b"2"),
        (b"GNU.sparse.name", b"t"),
    ];
    assert_eq!(
        lines(&flatten(&[tar(&[pax(&v01), file("s", "ab")])]).unwrap()),
        ["t 644 0:0 file a\0\0b"]
    );
}

#[test]
fn senseless_maps() {
    let map = map();
    for (bytes, words) in [
        (old(5, &[(4, 2)], b"hi"), "beyond the file's end"),
        (
            old(9, &[(4, 1), (2, 1)], b"hi"),
            "overlap or are out of order",
        ),
        (old(9, &[(4, 1)], b"hi"), "runs and stored size disagree"),
        (
            old(u64::from(u32::MAX), &[(1 << 32, 2)], b"hi"),
            "beyond the file's end",
        ),
        (
            v1(&[(b"GNU.sparse.realsize", b"8")], b"1\n4\n"),
            "longer than the entry",
        ),
        (v1(&[(b"GNU.sparse.realsize", b"8")], b"x\n"), "no number"),
        (
            v1(&[(b"GNU.sparse.realsize", b"8")], &b"9".repeat(600)),
            "no number",
        ),
        (
            v1(&[(b"GNU.sparse.realsize", b"8")], b"99999999999\n"),
            "too many runs",
        ),
        (v1(&[], &map), "no real size"),
        (
            v1(
                &[(b"GNU.sparse.realsize", b"8"), (b"GNU.sparse.size", b"8")],
                &map,
            ),
            "different formats are mixed",
        ),
        (
            v1(
                &[(b"GNU.sparse.realsize", b"8"), (b"GNU.sparse.odd", b"8")],
                &map,
            ),
            "unknown GNU.sparse record",
        ),
        (
            tar(&[
                pax(&[(b"GNU.sparse.size", b"4"), (b"GNU.sparse.map", b"0,1,3")]),
                file("s", "a"),
            ]),
            "odd number of values",
        ),
        (
            tar(&[
                pax(&[
                    (b"GNU.sparse.size", b"4"),
                    (b"GNU.sparse.numblocks", b"3"),
                    (b"GNU.sparse.map", b"0,1"),
                ]),
                file("s", "a"),
            ]),
            "number of runs",
        ),
        (
            tar(&[
                pax(&[(b"GNU.sparse.size", b"4"), (b"GNU.sparse.map", b"0,1")]),
                dir("s"),
            ]),
            "not a regular file",
        ),
    ] {
        let error = refusal(&bytes);
        assert!(error.contains(words), "expected {words:?} in {error:?}");
    }
}
