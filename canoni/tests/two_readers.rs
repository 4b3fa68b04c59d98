//! Two archives that differ in one thing have one digest if and only if umoci and podman make one
//! image of them.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod engines;
mod support;
use proptest::prelude::*;
use proptest::test_runner::{TestCaseError, TestRunner};
use std::sync::OnceLock;
use support::drawn::{Change, Drawn, KEYS, KINDS, NAMES, SETTINGS, TYPES, changes};
use support::engine::{Engine, tree};
use support::*;

/// canoni's result for an image, lines and digests, and the engines' results.
type Seen = (
    Option<(Vec<String>, [String; 2])>,
    [Result<Vec<String>, String>; 2],
);

fn both(drawn: &Drawn) -> [Result<Vec<String>, String>; 2] {
    let layers = drawn.layers();
    [tree(&layers, Engine::Umoci), tree(&layers, Engine::Podman)]
}

fn flattened(drawn: &Drawn) -> Option<(Vec<String>, [String; 2])> {
    let archive = drawn.archive();
    let digests = digests(&archive).ok()?;
    let folder = tempfile::tempdir().unwrap();
    let image = open(&put(folder.path(), "i.tar", &archive)).unwrap();
    let tree = image.flatten(&canoni::TreeOptions::default()).unwrap();
    Some((engines::with_attributes(&tree), digests))
}

#[test]
fn the_base_is_an_image_to_all() {
    let base = Drawn::base();
    let (lines, _) = flattened(&base).unwrap();
    assert_eq!(both(&base), [Ok(lines.clone()), Ok(lines)]);
}

/// Whether canoni takes both.
fn compare(changes: &[Change]) -> Result<bool, TestCaseError> {
    static BASE: OnceLock<Seen> = OnceLock::new();
    let mut one = Drawn::base();
    let mut other = one.clone();
    for (at, change) in changes.iter().enumerate() {
        change.apply(&mut other);
        if at + 1 < changes.len() {
            change.apply(&mut one);
        }
    }
    let see = |drawn: &Drawn| (flattened(drawn), both(drawn));
    let first = if changes.len() == 1 {
        BASE.get_or_init(|| see(&one)).clone()
    } else {
        see(&one)
    };
    let seen = [first, see(&other)];
    if let (Some((_, digests)), 1) = (&seen[1].0, changes.len()) {
        // canoni accepts its own output and does not change it.
        let written = engines::canonical(&other.archive());
        prop_assert_eq!(digest(&written, false), Ok(digests[0].clone()));
    }
    // umoci and podman read an image as canoni does, or refuse it.
    for (read, engines) in &seen {
        if let Some((lines, _)) = read {
            for engine in engines.iter().flatten() {
                prop_assert_eq!(lines, engine);
            }
        }
    }
    let [
        (Some((_, one_digests)), one_engines),
        (Some((_, other_digests)), other_engines),
    ] = &seen
    else {
        return Ok(false);
    };
    let same_settings = one.settings() == other.settings();
    let engines = || one_engines.iter().zip(other_engines);
    let same_trees = engines().all(|(one, other)| one.is_err() || other.is_err() || one == other);
    let read_by_none = engines().all(|(one, other)| one.is_err() || other.is_err());
    if one_digests[1] == other_digests[1] {
        prop_assert!(same_trees && same_settings, "one digest, two images");
    } else {
        prop_assert!(
            !same_trees || !same_settings || read_by_none,
            "two digests, one image"
        );
    }
    if one_digests[0] == other_digests[0] {
        prop_assert!(
            same_trees && same_settings,
            "one layered digest, two images"
        );
    }
    Ok(true)
}

#[test]
fn one_digest_one_image() {
    let config = ProptestConfig {
        cases: 256,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let taken = std::cell::Cell::new(0);
    TestRunner::new(config)
        .run(&changes(), |changes| {
            let both = compare(&changes)?;
            taken.set(taken.get() + u32::from(both));
            Ok(())
        })
        .unwrap();
    assert!(taken.get() > 50, "only {} pairs were taken", taken.get());
}

/// Every value of every change, of one entry of each kind.
#[test]
fn every_single_change() {
    let (mut taken, mut all) = (0, 0);
    for kind in 0..KINDS {
        let values = match kind {
            0 | 17 => NAMES.len(),
            1 => TYPES.len(),
            8 => 15,
            11 => KEYS.len(),
            15 => 9,
            19 => SETTINGS.len(),
            12..=14 | 16 | 20 => 1,
            _ => 5,
        };
        // A folder, a file, a file with an attribute; a whiteout, a link to the layer below.
        for (layer, pick) in [(0, 0), (0, 2), (0, 7), (1, 1), (1, 5)] {
            for value in 0..values {
                let change = Change {
                    kind,
                    layer,
                    pick,
                    value,
                };
                match compare(&[change]) {
                    Ok(both) => taken += u32::from(both),
                    Err(error) => panic!("{change:?}: {error}"),
                }
                all += 1;
            }
        }
    }
    println!("{taken} of {all} were taken");
    assert!(taken > all / 4, "only {taken} of {all} were taken");
}

/// The model is what umoci and podman do: each of these, by the model and by the programs.
#[test]
fn the_model_is_true() {
    if let Err(reason) = engines::ready() {
        return letsesign_tests::skip(&reason);
    }
    let comment = |name: &str| Raw {
        kind: b'g',
        name: name.into(),
        ..pax(&[(b"comment", b"c")])
    };
    let user = pax(&[(b"SCHILY.xattr.user.a", b"1")]);
    let samples: Vec<(&str, Vec<Vec<Raw>>)> = vec![
        (
            "GNU prefix",
            vec![vec![Raw {
                magic: GNU,
                prefix: b"p".to_vec(),
                ..file("a", "x")
            }]],
        ),
        (
            "slash",
            vec![vec![
                file("a/", ""),
                Raw {
                    kind: 0,
                    ..file("b/", "")
                },
            ]],
        ),
        ("global", vec![vec![comment("e/g"), file("a", "x")]]),
        (
            "global whiteout",
            vec![vec![file("a", "x")], vec![comment(".wh.a")]],
        ),
        (
            "link attributes",
            vec![vec![file("a", "x"), user, hard_link("b", "a")]],
        ),
        (
            "link mode",
            vec![vec![
                file("a", "x"),
                Raw {
                    mode: 0o600,
                    ..hard_link("b", "a")
                },
            ]],
        ),
        (
            "no folder",
            vec![vec![file("a", "x")], vec![file("n/.wh.a", "")]],
        ),
        ("twice", vec![vec![file("a", "x"), file("a", "y")]]),
        (
            "absolute",
            vec![vec![file("/a", "x"), hard_link("/b", "/a")]],
        ),
        (
            "aufs",
            vec![vec![
                dir(".wh..wh.plnk"),
                file(".wh..wh.plnk/1", "x"),
                file(".wh..wh.aufs", ""),
            ]],
        ),
        (
            "type 7",
            vec![vec![Raw {
                kind: b'7',
                ..file("a", "x")
            }]],
        ),
        (
            "replaced",
            vec![vec![dir("a"), file("a/b", "x"), hard_link("a", "a/b")]],
        ),
    ];
    for (name, layers) in samples {
        let layers: Vec<Vec<u8>> = layers.iter().map(|raws| tar(raws)).collect();
        let archive = docker_archive(&layers);
        for (engine, real) in [
            (Engine::Umoci, engines::umoci(&archive)),
            (Engine::Podman, engines::podman(&archive)),
        ] {
            match (tree(&layers, engine), real) {
                (Ok(model), Ok(real)) => assert_eq!(model, real, "{name}: {engine:?}"),
                (Err(_), Err(_)) => {}
                (model, real) => panic!("{name}: {engine:?}: {model:?} {real:?}"),
            }
        }
    }
    let base = Drawn::base();
    assert_eq!(
        engines::umoci(&base.archive()),
        tree(&base.layers(), Engine::Umoci)
    );
    assert_eq!(
        engines::podman(&base.archive()),
        tree(&base.layers(), Engine::Podman)
    );
}
