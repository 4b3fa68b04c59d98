//! Archives that no image has: each is refused, with the rule and the offset.
#![allow(missing_docs)]

mod support;
use support::*;

#[test]
fn names_and_links() {
    let long = vec![b'x'; 256];
    let deep = [b"d/".repeat(2100), b"f".to_vec()].concat();
    for (entries, words) in [
        (vec![file("../x", "")], "contains '..'"),
        (vec![file("a/../../x", "")], "contains '..'"),
        (vec![file("/../etc/passwd", "")], "contains '..'"),
        (vec![hard_link("a", "../x")], "contains '..'"),
        (vec![hard_link("a", "/a")], "hard link to itself"),
        (vec![file("", "")], "path is empty"),
        (vec![file(b"a\0b", "")], "contains a NUL"),
        (vec![symlink("a", b"b\0c")], "contains a NUL"),
        (vec![symlink("a", "")], "link name is empty"),
        (vec![hard_link("a", "")], "link name is empty"),
        (vec![file("./", "x")], "name has a trailing slash"),
        // A file to umoci and podman, a directory to tar.
        (vec![file("a/", "")], "name has a trailing slash"),
        (vec![file(".", "x")], "root must be a directory"),
        (
            vec![pax(&[(b"path", &long)]), file("x", "")],
            "too long for Linux",
        ),
        (
            vec![pax(&[(b"path", &deep)]), file("x", "")],
            "too long for Linux",
        ),
        (
            vec![pax(&[(b"path", b"a\0b")]), file("x", "")],
            "contains a NUL",
        ),
        (vec![pax(&[(b"path", b"")]), file("x", "")], "path is empty"),
        (
            vec![pax(&[(b"path", b"../x")]), file("x", "")],
            "contains '..'",
        ),
        (
            vec![pax(&[(b"linkpath", b"../../x")]), hard_link("x", "y")],
            "contains '..'",
        ),
    ] {
        let error = refusal(&tar(&entries));
        assert!(error.contains(words), "expected {words:?} in {error:?}");
    }
}

#[test]
fn two_answers_to_one_question() {
    let gnu_name = |name: &str| Raw {
        kind: b'L',
        magic: GNU,
        ..file("././@LongLink", format!("{name}\0"))
    };
    let mut prefixed = file("x", "");
    prefixed.prefix = b"..".to_vec();
    for (entries, words) in [
        (
            vec![pax(&[(b"size", b"0")]), file("x", "abc")],
            "header says 3 bytes, extended header 0",
        ),
        (
            vec![pax(&[(b"size", b"1024")]), file("x", "")],
            "header says 0 bytes, extended header 1024",
        ),
        (
            vec![pax(&[(b"path", b"a"), (b"path", b"b")]), file("x", "")],
            "path twice",
        ),
        (
            vec![
                pax(&[(b"path", b"a")]),
                pax(&[(b"path", b"a")]),
                file("x", ""),
            ],
            "the extended header is given twice",
        ),
        (
            vec![gnu_name("a"), gnu_name("a"), file("x", "")],
            "name is given twice",
        ),
        (
            vec![gnu_name("a"), pax(&[(b"path", b"b")]), file("x", "")],
            "name is given twice",
        ),
        (vec![gnu_name("a")], "extended header without an entry"),
        (
            vec![pax(&[(b"path", b"a")])],
            "extended header without an entry",
        ),
        (
            vec![
                Raw {
                    kind: b'g',
                    ..pax(&[(b"path", b"a")])
                },
                file("x", ""),
            ],
            "global extended header sets path",
        ),
        (
            vec![Raw {
                size: octal(3, 12),
                content: b"abc".to_vec(),
                ..dir("d")
            }],
            "must have size 0",
        ),
        (
            vec![Raw {
                size: octal(3, 12),
                content: b"abc".to_vec(),
                ..symlink("d", "x")
            }],
            "must have size 0",
        ),
        (
            vec![Raw {
                size: octal(3, 12),
                content: b"abc".to_vec(),
                ..hard_link("d", "x")
            }],
            "must have size 0",
        ),
        (vec![file("d/", "abc")], "trailing slash"),
        (vec![prefixed], "contains '..'"),
        (
            vec![
                pax(&[
                    (b"SCHILY.xattr.user.a", b"1"),
                    (b"LIBARCHIVE.xattr.user.a", b"Mg"),
                ]),
                file("x", ""),
            ],
            "extended attribute is given twice",
        ),
        (
            vec![
                pax(&[(b"hdrcharset", b"EBCDIC"), (b"path", b"b")]),
                file("x", ""),
            ],
            "unknown hdrcharset",
        ),
    ] {
        let error = refusal(&tar(&entries));
        assert!(error.contains(words), "expected {words:?} in {error:?}");
    }
}

#[test]
fn malformed_headers() {
    let broken_pax = |text: &[u8]| {
        vec![
            Raw {
                kind: b'x',
                ..file("p", text)
            },
            file("x", ""),
        ]
    };
    for (entries, words) in [
        (
            vec![Raw {
                size: b"0000000008\0\0".to_vec(),
                ..file("x", "")
            }],
            "field size",
        ),
        (
            vec![Raw {
                size: binary(u64::MAX, 12),
                ..file("x", "")
            }],
            "field size",
        ),
        (
            vec![Raw {
                size: vec![0xff; 12],
                ..file("x", "")
            }],
            "field size",
        ),
        (
            vec![Raw {
                uid: binary(1 << 32, 8),
                ..file("x", "")
            }],
            "field uid",
        ),
        (
            vec![Raw {
                mtime: b"12345678901x".to_vec(),
                ..file("x", "")
            }],
            "field mtime",
        ),
        (
            vec![Raw {
                magic: *b"ustarXX\0",
                ..file("x", "")
            }],
            "unknown tar dialect",
        ),
        (
            vec![Raw {
                device: (4096, 0),
                ..raw("x", b'3')
            }],
            "field devmajor",
        ),
        (
            vec![Raw {
                magic: V7,
                ..raw("x", b'3')
            }],
            "field devmajor",
        ),
        (vec![raw("x", b'D')], "entry type 'D' (GNU directory dump"),
        (vec![raw("x", b's')], "(socket)"),
        (vec![raw("x", b'Z')], "entry type 'Z'"),
        (broken_pax(b"9 path=x\n9 path"), "record length"),
        (broken_pax(b"99 path=x\n"), "record length is wrong"),
        (broken_pax(b"07 a=bc\n"), "record length is wrong"),
        (broken_pax(b"x a=b\n"), "record length is not a number"),
        (broken_pax(b"6 a=bc"), "does not end in a newline"),
        (broken_pax(b"5 ab\n"), "record without '='"),
        (broken_pax(b"5 =b\n"), "empty keyword"),
        (broken_pax(&pax_record(b"size", b"0x10")), "field size"),
        (broken_pax(&pax_record(b"uid", b"-1")), "field uid"),
        (broken_pax(&pax_record(b"mtime", b"1.x")), "field mtime"),
        (
            broken_pax(&pax_record(b"LIBARCHIVE.xattr.user.a", b"!")),
            "LIBARCHIVE.xattr",
        ),
    ] {
        let error = refusal(&tar(&entries));
        assert!(error.contains(words), "expected {words:?} in {error:?}");
    }
    let mut bytes = tar(&[file("x", "")]);
    bytes[3] ^= 1;
    assert!(
        refusal(&bytes).contains("at offset 0: header checksum"),
        "{}",
        refusal(&bytes)
    );
}

#[test]
fn ends_that_are_none() {
    let one = tar(&[file("a", "x")]);
    let entry = one.len() - 1024;
    let mut garbage = one.clone();
    garbage.extend_from_slice(b"trailing bytes are dropped");
    assert_eq!(lines(&flatten(&[garbage]).unwrap()), ["a 644 0:0 file x"]);
    assert_eq!(
        lines(&flatten(&[one[..entry + 512].to_vec()]).unwrap()).len(),
        1,
        "one zero block ends an archive"
    );
    assert_eq!(
        lines(&flatten(&[one[..entry].to_vec(), Vec::new()]).unwrap()),
        ["a 644 0:0 file x"],
        "a layer's digest covers its end"
    );
    let contents = tar(&[file("stargz.index.json", "{\"version\":1,\"entries\":[]}")]);
    assert_eq!(
        lines(&flatten(&[[one.clone(), contents.clone()].concat()]).unwrap()),
        ["a 644 0:0 file x"],
        "the table of contents of eStargz"
    );
    for (bytes, words) in [
        (
            [one.clone(), contents.clone(), contents].concat(),
            "another archive follows",
        ),
        (
            [one.clone(), one.clone()].concat(),
            "another archive follows",
        ),
        (
            [one[..entry + 512].to_vec(), one.clone()].concat(),
            "lone zero block",
        ),
        (one[..entry - 1].to_vec(), "truncated (no end marker)"),
        (one[..513].to_vec(), "truncated (no end marker)"),
        (one[..512].to_vec(), "truncated (inside an entry's content)"),
        (one[..300].to_vec(), "truncated (inside a header)"),
        (
            tar(&[pax(&[(b"path", b"a")])])[..1024].to_vec(),
            "truncated (no end marker)",
        ),
    ] {
        let error = refusal(&bytes);
        assert!(error.contains(words), "expected {words:?} in {error:?}");
        assert!(
            error.contains("image.tar: layer 1 of 1: ") && error.contains("at offset"),
            "{error}"
        );
    }
}

#[test]
fn attributes_are_kept_refused_or_dropped_never_silently() {
    let layer = |key: &str| tar(&[pax(&[(key.as_bytes(), b"v")]), file("x", "")]);
    let tree = flatten(&[layer("SCHILY.xattr.security.capability")]).unwrap();
    assert_eq!(
        tree.entries()[0].xattrs,
        [(b"security.capability".to_vec(), b"v".to_vec())]
    );
    for key in [
        "SCHILY.xattr.security.selinux",
        "SCHILY.xattr.trusted.overlay.opaque",
        "SCHILY.acl.access",
        "SCHILY.fflags",
        "VENDOR.x",
    ] {
        let error = refusal(&layer(key));
        assert!(
            error.contains("--drop-xattrs") && error.contains("x: has the"),
            "{error}"
        );
        let folder = tempfile::tempdir().unwrap();
        let path = put(folder.path(), "i.tar", &docker_archive(&[layer(key)]));
        let options = canoni::TreeOptions {
            xattrs: canoni::XattrPolicy::Drop,
            ..Default::default()
        };
        assert!(
            open(&path).unwrap().flatten(&options).unwrap().entries()[0]
                .xattrs
                .is_empty()
        );
    }
}

#[test]
fn bombs_hit_limits() {
    use canoni::{Archive, Limits, Selector, TreeOptions};
    use std::io::Write;
    let folder = tempfile::tempdir().unwrap();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(&vec![0; 4 << 20]).unwrap();
    let bomb = put(folder.path(), "bomb.gz", &gzip.finish().unwrap());
    let limits = Limits {
        archive_bytes: 1 << 20,
        ..Limits::default()
    };
    let error = Archive::open(&bomb, &limits).unwrap_err().to_string();
    assert!(
        error.contains("more than 1048576 bytes") && error.contains("--max-bytes"),
        "{error}"
    );

    let many = tar(&(0..100)
        .map(|n| file(n.to_string(), ""))
        .collect::<Vec<_>>());
    let sparse = {
        let mut block = Raw {
            kind: b'S',
            magic: GNU,
            ..file("s", "")
        }
        .block();
        block[483..495].copy_from_slice(&binary(8 << 30, 12));
        checksum(&mut block);
        [block, vec![0; 1024]].concat()
    };
    let header = tar(&[pax(&[(b"comment", &vec![b'x'; 9000])]), file("x", "")]);
    for (layer, limits, words) in [
        (
            many,
            Limits {
                entries: 50,
                ..Limits::default()
            },
            "--max-entries",
        ),
        (
            sparse,
            Limits {
                content_bytes: 1 << 30,
                ..Limits::default()
            },
            "--max-bytes",
        ),
        (
            header,
            Limits {
                header_bytes: 4096,
                ..Limits::default()
            },
            "--max-header-bytes",
        ),
    ] {
        let path = put(folder.path(), "i.tar", &docker_archive(&[layer]));
        let image = Archive::open(&path, &limits)
            .unwrap()
            .image(&Selector::default())
            .unwrap();
        let error = image
            .flatten(&TreeOptions::default())
            .unwrap_err()
            .to_string();
        assert!(error.contains(words), "{error}");
    }
}
