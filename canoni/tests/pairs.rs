//! Pairs of archives that readers take for two images: two digests, or a refusal that names the rule.
#![allow(missing_docs)]

mod support;
use support::*;

/// What becomes of a pair.
enum End {
    /// The first is read, the second refused in these words.
    Refused(&'static str),
    /// Two images, two digests.
    Two,
    /// One image in two spellings.
    One,
}
use End::{One, Refused, Two};

fn layers(list: &[&[Raw]]) -> Vec<u8> {
    docker_archive(&list.iter().map(|entries| tar(entries)).collect::<Vec<_>>())
}

#[track_caller]
fn pair(name: &str, one: &[u8], other: &[u8], end: &End) {
    let first = digests(one).unwrap_or_else(|error| panic!("{name}: {error}"));
    match (end, digests(other)) {
        (Refused(words), Err(_)) => refused(name, other, words),
        (Two, Ok(second)) => {
            assert!(
                first[0] != second[0] && first[1] != second[1],
                "{name}: one digest"
            );
        }
        (One, Ok(second)) => assert_eq!(first, second, "{name}"),
        (_, other) => panic!("{name}: {other:?}"),
    }
}

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
        // umoci and podman unpack it to p/a: Go takes GNU's times for a prefix where they are no numbers.
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
        // podman takes the header's name for a path: it removes a, or makes e; to umoci, too, a whiteout is one.
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

#[test]
fn links() {
    let base: &[Raw] = &[dir("a"), file("a/b", "x"), symlink("s", "t")];
    let with = |raws: &[Raw]| layers(&[&[base, raws].concat()]);
    let above = |raws: &[Raw]| layers(&[base, raws]);
    let lower = "which this layer also replaces or hides";
    for (name, one, other, end) in [
        (
            "a link to a symbolic link",
            with(&[hard_link("l", "s")]),
            with(&[symlink("l", "t")]),
            Two,
        ),
        (
            "a link's own size",
            with(&[hard_link("l", "a/b")]),
            with(&[pax(&[(b"size", b"5")]), hard_link("l", "a/b")]),
            Refused("extended header 5"),
        ),
        (
            "a link before its file",
            with(&[]),
            layers(&[&[hard_link("a/b", "c"), file("c", "x")]]),
            Refused(lower),
        ),
        (
            "a link in place of its target's folder",
            with(&[]),
            with(&[hard_link("a", "a/b")]),
            Refused("which it replaces"),
        ),
        (
            "the same in a lower layer",
            with(&[]),
            above(&[hard_link("a", "a/b")]),
            Refused("which it replaces"),
        ),
        (
            "a file in place of the folder of a lower target",
            above(&[hard_link("l", "a/b")]),
            above(&[hard_link("l", "a/b"), file("a", "")]),
            Refused(lower),
        ),
        (
            "an absolute target",
            with(&[hard_link("l", "a/b")]),
            with(&[hard_link("/l", "/a/b")]),
            One,
        ),
        (
            "a target with dots",
            with(&[hard_link("l", "a/b")]),
            with(&[hard_link("l", "./a/./b")]),
            One,
        ),
        (
            "a target with a slash",
            with(&[hard_link("l", "a/b")]),
            with(&[hard_link("l", "a//b/")]),
            One,
        ),
        (
            "another mode",
            above(&[hard_link("l", "a/b")]),
            above(&[Raw {
                mode: 0,
                ..hard_link("l", "a/b")
            }]),
            Refused("another mode or owner"),
        ),
        (
            "below a symbolic link of a lower layer",
            above(&[]),
            above(&[file("s/x", "")]),
            Refused("lies below s"),
        ),
        (
            "a link to a folder of a lower layer",
            above(&[]),
            above(&[hard_link("l", "a")]),
            Refused("hard link to the directory a"),
        ),
        (
            "a link to nothing",
            above(&[]),
            above(&[hard_link("l", "none")]),
            Refused("which is not there"),
        ),
    ] {
        pair(name, &one, &other, &end);
    }
}

#[test]
fn whiteouts() {
    let base: &[Raw] = &[
        dir("d"),
        file("d/x", "1"),
        dir("d/e"),
        file("d/e/y", "2"),
        symlink("s", "d"),
    ];
    let above = |raws: &[Raw]| layers(&[base, raws]);
    let nowhere = "which neither this layer nor one below it has";
    for (name, one, other, end) in [
        // podman makes the folder of a whiteout, umoci does not.
        (
            "a whiteout in no folder",
            above(&[]),
            above(&[file("n/.wh.x", "")]),
            Refused(nowhere),
        ),
        (
            "deeper",
            above(&[]),
            above(&[file("d/n/m/.wh.x", "")]),
            Refused(nowhere),
        ),
        (
            "opaque, but no folder",
            above(&[]),
            above(&[file("n/.wh..wh..opq", "")]),
            Refused(nowhere),
        ),
        (
            "in a folder that goes",
            above(&[file(".wh.d", "")]),
            above(&[file(".wh.d", ""), file("d/.wh.x", "")]),
            Refused(nowhere),
        ),
        (
            "in a folder of its own",
            above(&[dir("n")]),
            above(&[dir("n"), file("n/.wh.x", "")]),
            Refused(""),
        ),
        (
            "in a lower folder",
            above(&[]),
            above(&[file("d/.wh.x", "")]),
            Two,
        ),
        (
            "below a symbolic link",
            above(&[]),
            above(&[file("s/.wh.x", "")]),
            Refused("lies below s"),
        ),
        (
            "below a file",
            above(&[]),
            above(&[file("d/x/.wh.y", "")]),
            Refused("lies below d/x"),
        ),
        (
            "after its path",
            above(&[file(".wh.d", ""), file("d", "f")]),
            above(&[file("d", "f"), file(".wh.d", "")]),
            Refused("whiteout of what this layer has before it"),
        ),
        (
            "opaque first or last",
            above(&[file("d/.wh..wh..opq", ""), file("d/z", "")]),
            above(&[file("d/z", ""), file("d/.wh..wh..opq", "")]),
            One,
        ),
        (
            "opaque or not",
            above(&[file("d/z", "")]),
            above(&[file("d/z", ""), file("d/.wh..wh..opq", "")]),
            Two,
        ),
        // Left by AUFS: Docker ignores it, umoci and podman unpack it.
        (
            "below a leftover of AUFS",
            above(&[]),
            above(&[file(".wh..wh.plnk/1", "x")]),
            Refused("below a whiteout"),
        ),
        (
            "and deeper",
            above(&[]),
            above(&[dir("d/.wh..wh.q"), file("d/.wh..wh.q/a", "x")]),
            Refused("below a whiteout"),
        ),
        (
            "a leftover of AUFS",
            above(&[]),
            above(&[file(".wh..wh.aufs", ""), dir(".wh..wh.orph")]),
            One,
        ),
    ] {
        if name == "in a folder of its own" {
            // The same tree, in other layers.
            assert_eq!(digest(&one, true), digest(&other, true), "{name}");
            assert_ne!(digest(&one, false), digest(&other, false), "{name}");
            continue;
        }
        pair(name, &one, &other, &end);
    }
}

/// Bytes around archives and layers that some readers look at.
#[test]
fn ends_and_wrappings() {
    use std::io::Write;
    let layer = tar(&[file("a", "x")]);
    let honest = docker_archive(std::slice::from_ref(&layer));
    let gzip = |bytes: &[u8]| {
        let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        out.write_all(bytes).unwrap();
        out.finish().unwrap()
    };
    let stored = |bytes: Vec<u8>| {
        let manifest = r#"[{"Config":"c.json","RepoTags":["t:1"],"Layers":["l"]}]"#;
        tar(&[
            file("c.json", config(std::slice::from_ref(&layer))),
            file("l", bytes),
            file("manifest.json", manifest),
        ])
    };
    let tail = |tail: &[u8]| docker_archive(&[[&layer[..], tail].concat()]);
    let evil = tar(&[file("a", "evil")]);
    let skippable = [&[0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0][..], b"abc"].concat();
    let zstd =
        ruzstd::encoding::compress_to_vec(&layer[..], ruzstd::encoding::CompressionLevel::Fastest);
    for (name, other, end) in [
        ("zeros after the end", tail(&[0; 5120]), One),
        ("garbage after the end", tail(b"garbage"), One),
        (
            "an archive after the end",
            tail(&evil),
            Refused("another archive follows"),
        ),
        ("gzip", stored(gzip(&layer)), One),
        (
            "gzip in two members",
            stored([gzip(&layer[..700]), gzip(&layer[700..])].concat()),
            One,
        ),
        (
            "a member more",
            stored([gzip(&layer), gzip(&evil)].concat()),
            Refused("digest"),
        ),
        (
            "garbage after gzip",
            stored([gzip(&layer), b"garbage".to_vec()].concat()),
            Refused("cannot decompress"),
        ),
        (
            "a skippable zstd frame",
            stored([skippable.clone(), zstd.clone(), skippable].concat()),
            One,
        ),
        (
            "a frame more",
            stored([zstd.clone(), zstd].concat()),
            Refused("digest"),
        ),
        ("another layer", stored(evil), Refused("digest")),
    ] {
        pair(name, &honest, &other, &end);
    }
}

#[test]
fn configs() {
    let layer = tar(&[file("a", "x")]);
    let archive = |config: &str| {
        let manifest = r#"[{"Config":"c.json","RepoTags":["t:1"],"Layers":["l"]}]"#;
        tar(&[
            file("c.json", config),
            file("l", &layer),
            file("manifest.json", manifest),
        ])
    };
    let plain = config(std::slice::from_ref(&layer));
    let honest = archive(&plain);
    let history = r#""history":[{"created":"2026-11-23T00:00:00Z","created_by":"x"}"#;
    assert!(plain.contains(history));
    let change = |from: &str, to: &str| {
        assert!(plain.contains(from), "{from}");
        archive(&plain.replacen(from, to, 1))
    };
    for (name, other, end) in [
        (
            "a key twice",
            change("{", r#"{"os":"linux","#),
            Refused("duplicate key"),
        ),
        (
            "a key twice, escaped",
            change("{", r#"{"\u006fs":"linux","#),
            Refused("duplicate key"),
        ),
        (
            "a byte order mark",
            change("{", "\u{feff}{"),
            Refused("acceptable JSON"),
        ),
        (
            "another order of Env",
            change(r#""Cmd""#, r#""Env":["B=1","A=1"],"Cmd""#),
            Two,
        ),
        ("an author", change("{", r#"{"author":"me","#), One),
        (
            "another member",
            change("{", r#"{"extra":{"a":[null]},"#),
            Two,
        ),
        ("another command", change(r#"["/a"]"#, r#"["/b"]"#), Two),
        (
            "a command that is a text",
            change(r#"["/a"]"#, r#""/a""#),
            Two,
        ),
    ] {
        pair(name, &honest, &other, &end);
    }
    // Layered images keep their history, which must fit the layers; flattened ones get a new one.
    for more in [
        r#",{"created_by":"y"}"#,
        r#",{"created_by":"y","empty_layer":false}"#,
    ] {
        let error = digest(&change(history, &format!("{history}{more}")), false).unwrap_err();
        assert!(
            error.contains("has a history of 2 layers, but 1"),
            "{error}"
        );
    }
    let empty = change(history, &format!("{history},{{\"empty_layer\":true}}"));
    assert_ne!(
        digest(&empty, false).unwrap(),
        digest(&honest, false).unwrap()
    );
    assert_eq!(
        digest(&empty, true).unwrap(),
        digest(&honest, true).unwrap()
    );
    // A layer without entries is a layer.
    let two = |layers: &[Vec<u8>]| docker_archive(layers);
    let (one, other) = (
        two(std::slice::from_ref(&layer)),
        two(&[layer.clone(), tar(&[])]),
    );
    assert_ne!(digest(&one, false).unwrap(), digest(&other, false).unwrap());
    assert_eq!(digest(&one, true).unwrap(), digest(&other, true).unwrap());
}
