//! Extended attributes: what one reader sets and another does not must not share a digest.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod engines;
mod support;
use canoni::{Metadata, TreeBuilder, TreeOptions, XattrPolicy};
use support::*;

/// Version 2, effective, `cap_setgid`.
const CAPABILITY: &[u8] = b"\x01\0\0\x02\x40\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
/// The same in the base64 of libarchive.
const CAPABILITY_64: &[u8] = b"AQAAAkAAAAAAAAAAAAAAAAAAAAA";
const SCHILY: &[u8] = b"SCHILY.xattr.security.capability";
const LIBARCHIVE: &[u8] = b"LIBARCHIVE.xattr.security.capability";

fn with(records: &[(&[u8], &[u8])], raw: Raw) -> Vec<Raw> {
    if records.is_empty() {
        vec![raw]
    } else {
        vec![pax(records), raw]
    }
}

/// A file and a link to it, in one layer or in two.
fn linked(of_file: &[(&[u8], &[u8])], of_link: &[(&[u8], &[u8])], layers: usize) -> Vec<u8> {
    let one = with(of_file, file("tool", "x"));
    let two = with(of_link, hard_link("zlink", "tool"));
    if layers == 2 {
        return docker_archive(&[tar(&one), tar(&two)]);
    }
    docker_archive(&[tar(&[one, two].concat())])
}

#[test]
fn a_hard_link_that_grants_a_capability() {
    let cap: &[(&[u8], &[u8])] = &[(SCHILY, CAPABILITY)];
    let other: &[(&[u8], &[u8])] = &[(SCHILY, b"\x01\0\0\x02\x80")];
    let user: &[(&[u8], &[u8])] = &[(b"SCHILY.xattr.user.a", b"1")];
    let more: &[(&[u8], &[u8])] = &[(SCHILY, CAPABILITY), (b"SCHILY.xattr.user.a", b"1")];
    for layers in [1, 2] {
        for (of_file, of_link) in [
            (&[][..], cap),
            (cap, other),
            (cap, user),
            (user, cap),
            (cap, more),
            (more, cap),
        ] {
            refused(
                "link",
                &linked(of_file, of_link, layers),
                "hard link with other extended attributes than its file",
            );
        }
        // Docker repeats a file's attributes at each link, others do not.
        let repeated = digests(&linked(cap, cap, layers)).unwrap();
        assert_eq!(repeated, digests(&linked(cap, &[], layers)).unwrap());
        assert_ne!(repeated, digests(&linked(&[], &[], layers)).unwrap());
    }
}

#[test]
fn engines_differ_on_a_hard_links_attributes() {
    if let Err(reason) = engines::ready() {
        return letsesign_tests::skip(&reason);
    }
    let cap: &[(&[u8], &[u8])] = &[(SCHILY, CAPABILITY)];
    let attack = linked(&[], cap, 1);
    let plain = engines::umoci(&linked(&[], &[], 1)).unwrap();
    assert_eq!(engines::umoci(&attack).unwrap(), plain);
    let podman = engines::podman(&attack).unwrap();
    assert!(
        podman
            .iter()
            .all(|line| line.contains("security.capability")),
        "{podman:?}"
    );
    // The canonical form does not change the honest pair.
    for honest in [linked(cap, cap, 1), linked(cap, &[], 1)] {
        let seen = engines::podman(&honest).unwrap();
        assert_eq!(seen, podman);
        assert_eq!(seen, engines::umoci(&honest).unwrap());
        assert_eq!(seen, engines::podman(&engines::canonical(&honest)).unwrap());
    }
    // LIBARCHIVE's record alone is nothing to either.
    let alone = linked(&[(LIBARCHIVE, CAPABILITY_64)], &[], 1);
    assert_eq!(engines::umoci(&alone).unwrap(), plain);
    assert_eq!(engines::podman(&alone).unwrap(), plain);
}

#[test]
fn canonicalising_must_not_grant_a_capability() {
    let image =
        |records: &[(&[u8], &[u8])]| docker_archive(&[tar(&with(records, file("tool", "x")))]);
    for key in [
        LIBARCHIVE,
        b"LIBARCHIVE.xattr.security%2Ecapability",
        b"LIBARCHIVE.xattr.user.a",
    ] {
        let words = format!("has the tar keyword {}", String::from_utf8_lossy(key));
        refused("alone", &image(&[(key, CAPABILITY_64)]), &words);
        refused(
            "alone",
            &image(&[(key, CAPABILITY_64), (b"SCHILY.xattr.user.b", b"1")]),
            &words,
        );
    }
    let both = image(&[(LIBARCHIVE, CAPABILITY_64), (SCHILY, CAPABILITY)]);
    assert_eq!(
        digests(&both).unwrap(),
        digests(&image(&[(SCHILY, CAPABILITY)])).unwrap()
    );
    let differ = image(&[(LIBARCHIVE, b"AQ"), (SCHILY, CAPABILITY)]);
    refused(
        "differ",
        &differ,
        "extended attribute is given twice and differently",
    );
    // Left out on demand, as engines leave it out.
    let folder = tempfile::tempdir().unwrap();
    let path = put(
        folder.path(),
        "i.tar",
        &image(&[(LIBARCHIVE, CAPABILITY_64)]),
    );
    let drop = TreeOptions {
        xattrs: XattrPolicy::Drop,
        ..TreeOptions::default()
    };
    let tree = open(&path).unwrap().flatten(&drop).unwrap();
    assert!(tree.entries()[0].xattrs.is_empty());
}

#[test]
fn names_that_no_archive_can_carry() {
    let image = |key: &[u8]| docker_archive(&[tar(&with(&[(key, b"MQ")], file("x", "")))]);
    // `user.a=b` with the value `c` and `user.a` with `b=c` are one PAX record.
    refused("=", &image(b"LIBARCHIVE.xattr.user.a%3Db"), "tar keyword");
    refused("NUL", &image(b"LIBARCHIVE.xattr.user.a%00"), "tar keyword");
    refused("NUL", &image(b"SCHILY.xattr.user.a\0b"), "NUL");
    for name in ["user.a=b", "user.a\0b", "", "="] {
        let mut metadata = Metadata::root(0o644);
        metadata.xattrs = vec![(name.into(), b"1".to_vec())];
        let mut builder = TreeBuilder::new();
        let error = builder
            .file("x", metadata.clone(), b"".to_vec().into())
            .unwrap_err();
        assert!(
            error.to_string().contains("no archive can carry"),
            "{error}"
        );
        builder.root(metadata);
        assert!(builder.build().is_err());
    }
    let mut metadata = Metadata::root(0o644);
    metadata.xattrs = vec![
        (b"user.a".to_vec(), b"2".to_vec()),
        (b"user.a".to_vec(), b"1".to_vec()),
    ];
    let error = TreeBuilder::new().dir("x", metadata).unwrap_err();
    assert!(error.to_string().contains("user.a twice"), "{error}");
}

#[test]
fn a_folder_with_an_equals_sign_in_an_attributes_name() {
    let folder = tempfile::tempdir().unwrap();
    let file = put(folder.path(), "x", b"");
    let flags = rustix::fs::XattrFlags::empty();
    if let Err(error) = rustix::fs::setxattr(&file, "user.a=b", b"c", flags) {
        return letsesign_tests::skip(&format!("attributes cannot be set here: {error}"));
    }
    let error = canoni::Tree::from_directory(folder.path(), &TreeOptions::default()).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("has the extended attribute user.a=b"),
        "{error}"
    );
    // Those that an archive can carry are kept, short and long.
    rustix::fs::removexattr(&file, "user.a=b").unwrap();
    rustix::fs::setxattr(&file, "user.long", &[7; 2000], flags).unwrap();
    rustix::fs::setxattr(&file, "user.a", b"c", flags).unwrap();
    let tree = canoni::Tree::from_directory(folder.path(), &TreeOptions::default()).unwrap();
    assert_eq!(
        tree.entries()[0].xattrs,
        [
            (b"user.a".to_vec(), b"c".to_vec()),
            (b"user.long".to_vec(), vec![7; 2000])
        ]
    );
}

#[test]
fn attributes_without_a_value() {
    // umoci and older podman take the record away, newer engines set an empty attribute.
    let empty = docker_archive(&[tar(&with(&[(b"SCHILY.xattr.user.a", b"")], file("x", "")))]);
    refused("empty", &empty, "extended attribute user.a");
}

#[test]
fn a_directory_that_loses_an_attribute_by_being_named_twice() {
    let attribute: &[(&[u8], &[u8])] = &[(b"SCHILY.xattr.user.a", b"1")];
    for path in ["d/", "./"] {
        let twice = [with(attribute, dir(path)), vec![dir(path)]].concat();
        refused(
            path,
            &docker_archive(&[tar(&twice)]),
            "directory that the layer has twice",
        );
        let kept = [vec![dir(path)], with(attribute, dir(path))].concat();
        assert!(digests(&docker_archive(&[tar(&kept)])).is_ok());
    }
}
