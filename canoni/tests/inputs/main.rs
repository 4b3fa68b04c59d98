//! One small image of each kind that other tools write or that was made to be read differently: an
//! image with its files, or refused in these words.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod archives;
mod layers;
mod layouts;
mod names;
mod packings;

// The helpers of all tests.
#[path = "../engines/mod.rs"]
mod engines;
#[path = "../support/mod.rs"]
mod support;

use support::layout::{Layout, named};
use support::*;

/// An image and what becomes of it.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) archive: Vec<u8>,
    pub(crate) outcome: Outcome,
}

pub(crate) enum Outcome {
    /// The lines of the flattened image.
    Image(Vec<String>),
    /// Words of the refusal, layered and flattened alike.
    Refused(&'static str),
}

pub(crate) fn image(name: &'static str, archive: Vec<u8>, lines: &[&str]) -> Case {
    let lines = lines.iter().map(|&line| line.to_owned()).collect();
    Case {
        name,
        archive,
        outcome: Outcome::Image(lines),
    }
}

pub(crate) fn refusal_of(name: &'static str, archive: Vec<u8>, words: &'static str) -> Case {
    Case {
        name,
        archive,
        outcome: Outcome::Refused(words),
    }
}

/// A folder with a file, and its lines.
pub(crate) fn plain() -> Vec<u8> {
    tar(&[dir("etc/"), file("etc/a", "hello\n")])
}

pub(crate) const PLAIN: &[&str] = &["etc 755 0:0 dir", "etc/a 644 0:0 file hello\n"];

/// The config that has nothing but what it must.
pub(crate) fn config_of(layers: &[Vec<u8>]) -> serde_json::Value {
    let ids: Vec<_> = layers
        .iter()
        .map(|layer| format!("sha256:{}", sha256(layer)))
        .collect();
    serde_json::json!({
        "architecture": "amd64", "os": "linux", "config": {},
        "rootfs": {"type": "layers", "diff_ids": ids},
    })
}

fn all() -> Vec<Case> {
    let parts = [
        names::cases(),
        layers::cases(),
        archives::cases(),
        layouts::cases(),
        packings::cases(),
    ];
    parts.into_iter().flatten().collect()
}

fn opened(archive: &[u8]) -> canoni::Image {
    let folder = tempfile::tempdir().unwrap();
    open(&put(folder.path(), "i.tar", archive)).unwrap()
}

#[test]
fn each_input_has_its_outcome() {
    for case in all() {
        match case.outcome {
            Outcome::Refused(words) => refused(case.name, &case.archive, words),
            Outcome::Image(lines) => {
                let tree = opened(&case.archive).flatten(&canoni::TreeOptions::default());
                let tree = tree.unwrap_or_else(|error| panic!("{}: {error}", case.name));
                assert_eq!(engines::with_attributes(&tree), lines, "{}", case.name);
                // Once more changes nothing, and flattened it is what its layers add up to.
                let made = digests(&case.archive).unwrap_or_else(|e| panic!("{}: {e}", case.name));
                let canonical = engines::canonical(&case.archive);
                assert_eq!(digest(&canonical, false).unwrap(), made[0], "{}", case.name);
                assert_eq!(digest(&canonical, true).unwrap(), made[1], "{}", case.name);
            }
        }
    }
}

/// A refusal names the archive and the thing in it: a layer and path, a blob, a config, a document.
#[test]
fn each_refusal_names_a_thing() {
    for case in all() {
        // A choice between platforms is about the image as a whole.
        if matches!(case.outcome, Outcome::Image(_)) || case.name == "attestation-multi" {
            continue;
        }
        let error = digest(&case.archive, false).unwrap_err();
        let rest = error.split("i.tar").nth(1).unwrap_or_default();
        let layer = rest.contains(": layer ") && rest.contains(" of ");
        let things = ["blob sha256:", "config sha256:", "sha256:", "the file "];
        let thing = things.iter().any(|thing| rest.contains(thing));
        let offset = rest.contains("offset ");
        assert!(layer && offset || !layer && thing, "{}: {error}", case.name);
    }
}

/// umoci makes the same files of those that skopeo takes as docker-archive.
#[test]
fn umoci_unpacks_the_images_alike() {
    if let Err(reason) = engines::ready() {
        return letsesign_tests::skip(&reason);
    }
    let mut count = 0;
    for case in [names::cases(), layers::cases()].into_iter().flatten() {
        // umoci 0.4.7 knows no global headers, and makes no bundle for Windows.
        if let Outcome::Image(lines) = case.outcome
            && !["pax-global-comment", "windows-plain"].contains(&case.name)
        {
            let seen = engines::umoci(&case.archive);
            assert_eq!(seen.unwrap(), lines, "{}", case.name);
            count += 1;
        }
    }
    assert!(count > 15, "{count}");
}

/// `tag-only`, `two-tags`, `name-digest`
#[test]
fn names_are_kept_as_they_are() {
    for (name, tags) in [
        ("tag-only", &[":1.0"][..]),
        ("two-tags", &[":1.0", ":latest"]),
        ("name-digest", &[]),
    ] {
        let archive = all().into_iter().find(|case| case.name == name).unwrap();
        let image = opened(&archive.archive);
        let options = canoni::CanonicalOptions {
            tags: image.tags().to_vec(),
            ..Default::default()
        };
        let canonical = canoni::Canonical::from_image(&image, &options).unwrap();
        assert_eq!(canonical.tags(), tags, "{name}");
    }
}

/// `attestation-multi`: the platforms are a choice, the attestation of one of them is none.
#[test]
fn attestations_are_no_platforms() {
    let case = all()
        .into_iter()
        .find(|one| one.name == "attestation-multi");
    let folder = tempfile::tempdir().unwrap();
    let path = put(folder.path(), "i.tar", &case.unwrap().archive);
    let archive = canoni::Archive::open(&path, &canoni::Limits::default()).unwrap();
    for platform in ["linux/amd64", "linux/arm64"] {
        let selector = canoni::Selector {
            platform: Some(platform.to_owned()),
            ..Default::default()
        };
        let image = archive.image(&selector).unwrap();
        assert_eq!(image.platform(), platform);
        let tree = image.flatten(&canoni::TreeOptions::default()).unwrap();
        assert_eq!(lines(&tree), PLAIN);
    }
    assert_eq!(archive.platforms(None).unwrap().len(), 2);
}

/// `history-too-many`: a history is the layered form's alone.
#[test]
fn a_history_of_too_many_layers_is_refused_unless_it_is_written_anew() {
    let layers = [plain()];
    let mut config = config_of(&layers);
    config["history"] = serde_json::json!([{"created_by": "x"}, {"created_by": "y"}]);
    let mut layout = Layout::new();
    let image = layout.image_with(&config.to_string(), &layers);
    layout.index(&[named(image, "app:1")]);
    let error = digest(&layout.tar(), false).unwrap_err();
    let words = "has a history of 2 layers, but 1 layers, for which docker history fails";
    assert!(error.contains(words), "{error}");
    assert!(digest(&layout.tar(), true).is_ok());
}

/// `root-mode`: the root's own metadata are part of the image.
#[test]
fn the_root_has_metadata() {
    let layer = |mode| {
        let root = Raw {
            mode,
            uid: octal(5, 8),
            ..dir("./")
        };
        docker_archive(&[tar(&[root, file("a", "x")])])
    };
    let plain = docker_archive(&[tar(&[dir("./"), file("a", "x")])]);
    let digests: std::collections::BTreeSet<_> = [plain, layer(0o755), layer(0o700)]
        .iter()
        .map(|archive| digest(archive, true).unwrap())
        .collect();
    assert_eq!(digests.len(), 3);
}
