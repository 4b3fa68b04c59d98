//! The answers of `compare` and `check`, and their agreement with the digests.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

mod support;
use canoni::{
    Canonical, CanonicalOptions, CompareOptions, Difference, Format, Progress, TreeOptions, check,
    compare,
};
use proptest::prelude::*;
use std::path::Path;
use support::model::{Spelling, archive, model};
use support::*;

/// Differences between two one-layer images.
fn differences(left: &[Raw], right: &[Raw]) -> Vec<Difference> {
    let folder = tempfile::tempdir().unwrap();
    let image = |name, entries: &[Raw]| {
        open(&put(folder.path(), name, &docker_archive(&[tar(entries)]))).unwrap()
    };
    let all = compare(
        &image("a.tar", left),
        &image("b.tar", right),
        &CompareOptions::default(),
    )
    .unwrap();
    // The configs differ in the layer's digest, which does not count on its own.
    assert!(all.iter().all(|one| one.place != "config"), "{all:#?}");
    all
}

/// The one difference, as path, field, left and right.
#[track_caller]
fn one(left: &[Raw], right: &[Raw], meaning: bool) -> (String, String, String, String) {
    let all = differences(left, right);
    assert_eq!(all.len(), 1, "{all:#?}");
    assert_eq!(all[0].meaning, meaning);
    let side = |side: &Option<String>| side.clone().unwrap_or_default();
    (
        all[0].path.clone(),
        all[0].field.clone(),
        side(&all[0].left),
        side(&all[0].right),
    )
}

fn words(path: &str, field: &str, left: &str, right: &str) -> (String, String, String, String) {
    (path.into(), field.into(), left.into(), right.into())
}

#[test]
fn what_the_canonical_form_keeps_is_a_difference_of_meaning() {
    let plain = || file("a/f", "text\n");
    let cases: Vec<(Raw, (String, String, String, String))> = vec![
        (
            Raw {
                mode: 0o755,
                ..plain()
            },
            words("a/f", "mode", "0644", "0755"),
        ),
        (
            Raw {
                uid: octal(7, 8),
                ..plain()
            },
            words("a/f", "owner", "0:0", "7:0"),
        ),
        (
            file("a/f", "other\n"),
            words("a/f", "content", "5 bytes", "6 bytes"),
        ),
    ];
    for (changed, expected) in cases {
        assert_eq!(
            one(&[dir("a"), plain()], &[dir("a"), changed], true),
            expected
        );
    }
    assert_eq!(
        one(&[symlink("l", "x")], &[symlink("l", "y")], true),
        words("l", "target", "x", "y")
    );
    assert_eq!(
        one(&[file("f", "")], &[file("f", ""), dir("d")], true),
        words("d", "presence", "", "directory")
    );
    assert_eq!(
        one(&[file("f", "")], &[file("f", ""), file(".wh.g", "")], true),
        words("whiteout of g", "presence", "", "whiteout")
    );
    assert_eq!(
        one(
            &[file("f", "1"), file("g", "1")],
            &[file("f", "1"), hard_link("g", "f")],
            true
        ),
        words("g", "hard link to", "a file of its own", "f")
    );
    let attribute: &[(&[u8], &[u8])] = &[(b"SCHILY.xattr.user.a", b"1")];
    assert_eq!(
        one(&[file("f", "")], &[pax(attribute), file("f", "")], true),
        words("f", "attribute user.a", "", "1")
    );
    let kinds = differences(&[file("x", "")], &[dir("x")]);
    assert!(kinds.iter().any(|one| one.field == "type"), "{kinds:#?}");
}

#[test]
fn what_the_canonical_form_takes_away_is_a_difference_of_writing() {
    assert_eq!(
        one(
            &[file("f", "")],
            &[Raw {
                mtime: octal(86_400, 12),
                ..file("f", "")
            }],
            false
        ),
        words("f", "mtime", "1970-01-01T00:00:00Z", "1970-01-02T00:00:00Z")
    );
    assert_eq!(
        one(
            &[file("a", ""), file("b", "")],
            &[file("b", ""), file("a", "")],
            false
        ),
        words("", "order, from entry 1 on", "a", "b")
    );
    assert_eq!(
        one(
            &[file("f", "")],
            &[Raw {
                owner: ("root", "root"),
                ..file("f", "")
            }],
            false
        ),
        words(
            "f",
            "spelling of the header",
            "owner's name \"\"",
            "owner's name \"root\""
        )
    );
    assert_eq!(
        one(&[file("f", "1")], &[file("f", "2"), file("f", "1")], false),
        words("", "entries that a later one replaces", "0", "1")
    );
    let trusted: &[(&[u8], &[u8])] = &[(b"SCHILY.xattr.trusted.x", b"1")];
    assert_eq!(
        one(&[file("f", "")], &[pax(trusted), file("f", "")], false),
        words("f", "attribute trusted.x", "", "1")
    );
}

#[test]
fn configs_are_compared_member_by_member() {
    let folder = tempfile::tempdir().unwrap();
    let layer = tar(&[file("f", "")]);
    let image = |name: &str, change: &dyn Fn(&mut serde_json::Value)| {
        let mut value: serde_json::Value =
            serde_json::from_str(&config(std::slice::from_ref(&layer))).unwrap();
        change(&mut value);
        let manifest = r#"[{"Config":"c.json","RepoTags":["t:1"],"Layers":["l.tar"]}]"#;
        let bytes = tar(&[
            file("c.json", value.to_string()),
            file("l.tar", &layer),
            file("manifest.json", manifest),
        ]);
        open(&put(folder.path(), name, &bytes)).unwrap()
    };
    let left = image("a", &|_| {});
    let right = image("b", &|value| {
        value["config"]["Env"] = serde_json::json!(["A=1"]);
        value["config"]["Cmd"][0] = "/b".into();
        value["created"] = "2020-01-01T00:00:00Z".into();
        value["container"] = "x/y~z".into();
    });
    let all = compare(&left, &right, &CompareOptions::default()).unwrap();
    let list: Vec<(bool, &str)> = all
        .iter()
        .map(|one| (one.meaning, one.path.as_str()))
        .collect();
    assert_eq!(
        list,
        [
            (true, "/config/Cmd/0"),
            (true, "/config/Env"),
            (false, "/container"),
            (false, "/created"),
        ]
    );
    assert_eq!(all[0].left.as_deref(), Some("\"/a\""));
    // The same values, spelt in another way.
    let spaced = image("c", &|_| {});
    assert!(
        compare(&left, &spaced, &CompareOptions::default())
            .unwrap()
            .is_empty()
    );
}

#[test]
fn flattened_images_are_compared_by_what_they_add_up_to() {
    let folder = tempfile::tempdir().unwrap();
    let one = open(&put(
        folder.path(),
        "a",
        &docker_archive(&[
            tar(&[file("f", "1"), file("g", "1")]),
            tar(&[file(".wh.g", "")]),
        ]),
    ))
    .unwrap();
    let other = open(&put(
        folder.path(),
        "b",
        &docker_archive(&[tar(&[file("f", "1")])]),
    ))
    .unwrap();
    let options = |flatten| CompareOptions {
        flatten,
        ..CompareOptions::default()
    };
    let meaning = |all: Vec<Difference>| all.iter().any(|one| one.meaning);
    assert!(!meaning(compare(&one, &other, &options(true)).unwrap()));
    let layered = compare(&one, &other, &options(false)).unwrap();
    assert!(
        layered.iter().any(|one| one.field == "layers"),
        "{layered:#?}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// No difference of meaning is the same as one digest; and an image is canonical exactly when
    /// check says so.
    #[test]
    fn differences_of_meaning_are_differences_of_digest(
        first in model(), second in model(), same in any::<bool>(),
        shuffle in proptest::collection::vec(any::<prop::sample::Index>(), 1..40),
        gnu in any::<bool>(), noise in 0..64_u32,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let plain = Spelling { gnu: false, dot: false, noise: 0 };
        let left = docker_archive(&[archive(&first, &shuffle, plain)]);
        let other = if same { &first } else { &second };
        let right = docker_archive(&[archive(other, &shuffle, Spelling { gnu, dot: true, noise })]);
        let (left, right) = (put(folder.path(), "a", &left), put(folder.path(), "b", &right));
        for flatten in [false, true] {
            let options = CompareOptions { flatten, ..CompareOptions::default() };
            let all = compare(&open(&left).unwrap(), &open(&right).unwrap(), &options).unwrap();
            let equal = canonical(&left, flatten).digest() == canonical(&right, flatten).digest();
            prop_assert_eq!(!all.iter().any(|one| one.meaning), equal, "{:#?}", all);
        }
    }
}

fn checked(path: &Path) -> canoni::Check {
    check(
        &open(path).unwrap(),
        path.is_file().then_some(path),
        &TreeOptions::default(),
        &Progress::default(),
    )
    .unwrap()
}

#[test]
fn check_accepts_what_canoni_writes_and_names_what_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let layers = [
        tar(&[
            Raw {
                mtime: octal(5, 12),
                ..file("b", "1")
            },
            file("a", "2"),
        ]),
        tar(&[file(".wh.a", "")]),
    ];
    let source = put(folder.path(), "i.tar", &docker_archive(&layers));
    let found = checked(&source);
    assert!(!found.canonical);
    let fields: Vec<&str> = found
        .findings
        .iter()
        .map(|one| one.field.as_str())
        .collect();
    assert!(
        fields.contains(&"mtime") && fields.contains(&"order, from entry 1 on"),
        "{fields:?}"
    );
    for epoch in [0, 1_700_000_000] {
        for flatten in [false, true] {
            let options = CanonicalOptions {
                epoch,
                flatten,
                tags: vec!["app:1".into(), "app:2".into()],
                ..CanonicalOptions::default()
            };
            let image = Canonical::from_image(&open(&source).unwrap(), &options).unwrap();
            for format in [Format::DockerArchive, Format::OciTar, Format::OciDir] {
                let path = folder.path().join(format!("{epoch}-{flatten}-{format:?}"));
                image.write(&path, format).unwrap();
                let archive = canoni::Archive::open(&path, &canoni::Limits::default()).unwrap();
                let selector = canoni::Selector {
                    reference: Some("app:1".into()),
                    platform: None,
                };
                let opened = archive.image(&selector).unwrap();
                let file =
                    (path.is_file() && format == Format::DockerArchive).then_some(path.as_path());
                let answer =
                    check(&opened, file, &TreeOptions::default(), &Progress::default()).unwrap();
                assert!(answer.canonical, "{format:?} {:#?}", answer.findings);
                assert_eq!((answer.epoch, answer.digest), (epoch, image.digest()));
            }
        }
    }
}

#[test]
fn check_looks_at_the_bytes_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let source = put(
        folder.path(),
        "i.tar",
        &docker_archive(&[tar(&[file("a", "1")])]),
    );
    let target = folder.path().join("c.tar");
    canonical(&source, false)
        .write(&target, Format::DockerArchive)
        .unwrap();
    assert!(checked(&target).canonical);
    let mut bytes = std::fs::read(&target).unwrap();
    let length = bytes.len();
    bytes.extend([0; 512]);
    let longer = checked(&put(folder.path(), "d.tar", &bytes));
    assert!(
        longer.findings[0]
            .field
            .contains(&format!("from byte {length} on")),
        "{longer:#?}"
    );
    // The first entry's time.
    bytes.truncate(length);
    bytes[136..147].copy_from_slice(b"00000000001");
    checksum(&mut bytes[..512]);
    let other = checked(&put(folder.path(), "e.tar", &bytes));
    assert!(
        other.findings[0].field.contains("from byte 146 on"),
        "{other:#?}"
    );
}
