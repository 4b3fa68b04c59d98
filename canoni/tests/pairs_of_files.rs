//! Pairs of archives that differ in what lies around layers, or in the config.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod support;
use support::pair::End::{One, Refused, Two};
use support::pair::pair;
use support::*;

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
