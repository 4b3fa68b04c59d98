//! Images that are incomplete, contradict themselves, or come compressed.
#![allow(missing_docs)]

mod support;
use canoni::{Archive, Limits};
use support::*;

#[test]
fn damaged_images_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let good = docker_archive(&[tar(&[file("a", "content")])]);
    let at = good
        .windows(7)
        .position(|window| window == b"content")
        .unwrap();
    let mut bad = good.clone();
    bad[at] = b'k';
    let path = put(folder.path(), "bad.tar", &bad);
    let error = open(&path)
        .unwrap()
        .flatten(&canoni::TreeOptions::default())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("bad.tar: layer 1 of 1 (tar archive) has digest sha256:"),
        "{error}"
    );

    let config = |text: &str| {
        let manifest = r#"[{"Config":"c.json","RepoTags":null,"Layers":[]}]"#;
        tar(&[file("c.json", text), file("manifest.json", manifest)])
    };
    for (bytes, words) in [
        (
            tar(&[file("x", "")]),
            "neither manifest.json (docker-archive) nor oci-layout",
        ),
        (tar(&[file("manifest.json", "[]")]), "lists no image"),
        (
            tar(&[file("manifest.json", "{}")]),
            "is not what it should be",
        ),
        (
            tar(&[file("manifest.json", "[{\"Config\":\"c.json\"}]")]),
            "lacks c.json",
        ),
        (config("{\"a\":1,\"a\":2}"), "duplicate key"),
        (
            config("{\"rootfs\":{\"diff_ids\":[\"sha256:00\"]}}"),
            "names 1 layers, but the manifest has 0",
        ),
        (
            tar(&[file("oci-layout", "{\"imageLayoutVersion\":\"2.0.0\"}")]),
            "has version 2.0.0",
        ),
        (
            tar(&[support::symlink("manifest.json", "../x")]),
            "leaves the archive",
        ),
        (
            tar(&[support::symlink("manifest.json", "manifest.json")]),
            "without end",
        ),
        (
            tar(&[file("a", ""), file("a", "")]),
            "is in the archive twice",
        ),
        (b"BZh91AY&SY".to_vec(), "cannot decompress"),
        (b"\xfd7zXZ\0\0".to_vec(), "cannot decompress"),
        (b"LZIP\x01".to_vec(), "compressed with lzip"),
        (b"no archive at all".repeat(60), "not a tar archive"),
        (Vec::new(), "is empty"),
    ] {
        let path = put(folder.path(), "i.tar", &bytes);
        let error = open(&path).unwrap_err().to_string();
        assert!(error.contains(words), "expected {words:?} in {error:?}");
    }
    assert!(
        Archive::open(&folder.path().join("none"), &Limits::default())
            .unwrap_err()
            .to_string()
            .contains("none")
    );
}

#[test]
fn compressed_layers_and_archives() {
    use std::io::Write;
    let gzip = |bytes: &[u8]| {
        let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        out.write_all(bytes).unwrap();
        out.finish().unwrap()
    };
    let zstd = |bytes: &[u8]| {
        ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
    };
    let skippable = [&[0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0][..], b"abc"].concat();
    let layer = tar(&[file("a", "x".repeat(100_000))]);
    let (first, second) = layer.split_at(50_000);
    let folder = tempfile::tempdir().unwrap();
    let plain = put(
        folder.path(),
        "plain.tar",
        &docker_archive(std::slice::from_ref(&layer)),
    );
    let expected = canonical(&plain, false).digest();
    let config = config(std::slice::from_ref(&layer));
    for stored in [
        gzip(&layer),
        [gzip(first), gzip(second)].concat(),
        zstd(&layer),
        [zstd(first), skippable, zstd(second)].concat(),
    ] {
        let manifest = r#"[{"Config":"c.json","RepoTags":["t:1"],"Layers":["l.tar.gz"]}]"#;
        let bytes = tar(&[
            file("c.json", &config),
            file("l.tar.gz", &stored),
            file("manifest.json", manifest),
        ]);
        for (name, bytes) in [
            ("i.tar", bytes.clone()),
            ("i.tar.gz", gzip(&bytes)),
            ("i.tar.zst", zstd(&bytes)),
        ] {
            assert_eq!(
                canonical(&put(folder.path(), name, &bytes), false).digest(),
                expected,
                "{name}"
            );
        }
        let cut = tar(&[
            file("c.json", &config),
            file("l.tar.gz", &stored[..stored.len() - 9]),
            file("manifest.json", manifest),
        ]);
        let error = open(&put(folder.path(), "cut.tar", &cut))
            .unwrap()
            .flatten(&canoni::TreeOptions::default())
            .unwrap_err();
        assert!(
            error.to_string().contains("cannot decompress")
                && error.to_string().contains("layer 1 of 1"),
            "{error}"
        );
    }
}
