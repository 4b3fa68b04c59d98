//! Archives as other tools write them (kaniko, ko, buildpacks, nixpkgs, eStargz, star and others):
//! taken, and unpacked as umoci unpacks them.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod engines;
mod support;
use support::*;

/// The lines of a flattened image.
fn seen(archive: &[u8]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let image = open(&put(folder.path(), "i.tar", archive)).unwrap();
    let tree = image.flatten(&canoni::TreeOptions::default()).unwrap();
    engines::with_attributes(&tree)
}

/// star's header: the end of the prefix holds times, and `tar` ends the block.
fn star(name: &str, prefix: &str, content: &str) -> Vec<u8> {
    let mut block = Raw {
        prefix: prefix.into(),
        ..file(name, content)
    }
    .block();
    block[476..500].copy_from_slice(b"00000000001 00000000002 ");
    block[508..512].copy_from_slice(b"tar\0");
    checksum(&mut block);
    let mut bytes = [block, content.into()].concat();
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

/// Name, layer, and what is in it.
fn layers() -> Vec<(&'static str, Vec<u8>, &'static [&'static str])> {
    let no_end = |raws: &[Raw]| raws.iter().flat_map(Raw::bytes).collect::<Vec<u8>>();
    let toc = tar(&[file("stargz.index.json", r#"{"version":1,"entries":[]}"#)]);
    let a: &[&str] = &["a 644 0:0 file x"];
    let etc: &[&str] = &[
        "etc 755 0:0 dir",
        "etc/a 644 0:0 file x",
        "etc/h 644 0:0 == etc/a",
        "etc/l 777 0:0 -> /etc/a",
    ];
    let absolute = [
        dir("/etc/"),
        file("/etc/a", "x"),
        hard_link("/etc/h", "/etc/a"),
        symlink("/etc/l", "/etc/a"),
    ];
    let version = Raw {
        magic: *b"ustar\0\0\0",
        ..file("a", "x")
    };
    let prefixed = Raw {
        prefix: b"p".to_vec(),
        ..version.clone()
    };
    let end = vec![0; 1024];
    vec![
        ("root-slash", tar(&[dir("/"), file("a", "x")]), a),
        ("absolute", tar(&absolute), etc),
        ("no-end", no_end(&[file("a", "x")]), a),
        (
            "one zero block",
            no_end(&[file("a", "x")])
                .into_iter()
                .chain([0; 512])
                .collect(),
            a,
        ),
        ("nothing", Vec::new(), &[]),
        ("estargz", [tar(&[file("a", "x")]), toc].concat(), a),
        ("ustar-v-nul", tar(std::slice::from_ref(&version)), a),
        (
            "ustar-v-nul with a prefix",
            tar(&[prefixed]),
            &["p 755 0:0 dir", "p/a 644 0:0 file x"],
        ),
        (
            "star",
            [star("a", "", "x"), star("a", "p/q", "y"), end].concat(),
            &[
                "a 644 0:0 file x",
                "p 755 0:0 dir",
                "p/q 755 0:0 dir",
                "p/q/a 644 0:0 file y",
            ],
        ),
    ]
}

#[test]
fn layers_of_other_builders() {
    for (name, layer, lines) in layers() {
        let archive = docker_archive(&[layer]);
        assert_eq!(seen(&archive), lines, "{name}");
        assert!(digests(&archive).is_ok(), "{name}");
    }
    // A prefix of star's without an end would go on into the times for other readers.
    let long = [star("a", &"p".repeat(131), "x"), vec![0; 1024]].concat();
    refused("star", &docker_archive(&[long]), "unknown tar dialect");
}

#[test]
fn umoci_unpacks_them_alike() {
    if let Err(reason) = engines::ready() {
        return letsesign_tests::skip(&reason);
    }
    for (name, layer, lines) in layers() {
        let archive = docker_archive(&[layer]);
        assert_eq!(engines::umoci(&archive).unwrap(), lines, "{name}");
    }
}

/// Layers that only their digests protect: the archive around them needs its end.
#[test]
fn the_archive_itself_needs_an_end_marker() {
    let archive = docker_archive(&[tar(&[file("a", "x")])]);
    let cut = &archive[..archive.len() - 1024];
    refused("cut", cut, "no end marker");
    let toc = tar(&[file("stargz.index.json", "{}")]);
    refused(
        "longer",
        &[archive, toc].concat(),
        "another archive follows",
    );
}

/// The layered form refuses everything that the page refuses, as the flattened one does.
#[test]
fn layers_that_do_not_fit_each_other() {
    let lower = tar(&[
        dir("usr"),
        dir("usr/lib"),
        symlink("lib", "usr/lib"),
        file("t", "x"),
    ]);
    let mode = Raw {
        mode: 0,
        ..hard_link("q/h", "t")
    };
    for (name, upper, words) in [
        (
            "below-symlink",
            tar(&[file("lib/x.so", "x")]),
            "lies below lib, which is a symbolic link",
        ),
        (
            "hardlink-lower-mode0",
            tar(&[dir("q"), mode]),
            "another mode or owner",
        ),
        (
            "below a file",
            tar(&[file("t/x", "x")]),
            "lies below t, which is not a directory",
        ),
        (
            "link to nothing",
            tar(&[hard_link("h", "none")]),
            "which is not there",
        ),
        (
            "link to a folder",
            tar(&[hard_link("h", "usr")]),
            "hard link to the directory usr",
        ),
    ] {
        refused(name, &docker_archive(&[lower.clone(), upper]), words);
    }
}
