//! Two archives that differ in one thing have one digest if and only if umoci and podman make one image of them.
#![allow(missing_docs)]

mod engines;
mod support;
use proptest::prelude::*;
use proptest::test_runner::{TestCaseError, TestRunner};
use support::engine::{Engine, tree};
use support::*;

/// An entry with the records of its extended header.
#[derive(Debug, Clone)]
struct Piece {
    records: Vec<(Vec<u8>, Vec<u8>)>,
    before: Vec<Raw>,
    raw: Raw,
}

impl From<Raw> for Piece {
    fn from(raw: Raw) -> Self {
        Self {
            records: Vec::new(),
            before: Vec::new(),
            raw,
        }
    }
}

/// An image before it is written: layers, and a config member by member.
#[derive(Debug, Clone)]
struct Drawn {
    layers: Vec<Vec<Piece>>,
    settings: Vec<(String, String)>,
    swapped: bool,
}

impl Drawn {
    fn base() -> Self {
        let piece = |raws: Vec<Raw>| raws.into_iter().map(Piece::from).collect();
        let attribute = |mut raw: Piece| {
            raw.records
                .push((b"SCHILY.xattr.user.a".to_vec(), b"1".to_vec()));
            raw
        };
        let mut one: Vec<Piece> = piece(vec![
            dir("d/"),
            file("d/f", "1"),
            file("e", "22"),
            symlink("s", "d/f"),
            hard_link("h", "e"),
            dir("x/"),
            file("x/y", ""),
        ]);
        one.push(attribute(file("attr", "a").into()));
        one.push(attribute(dir("xd/").into()));
        let device = Raw {
            device: (1, 3),
            ..raw("n", b'3')
        };
        one.push(device.into());
        let two = piece(vec![
            dir("d/"),
            file("d/.wh.f", ""),
            file("d/g", "3"),
            file("x/.wh..wh..opq", ""),
            file("x/z", "4"),
            hard_link("l", "e"),
            file(".wh.s", ""),
        ]);
        let setting = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        Self {
            layers: vec![one, two],
            settings: vec![
                setting("Cmd", "[\"/a\"]"),
                setting("User", "\"1\""),
                setting("Env", "[\"A=1\"]"),
            ],
            swapped: false,
        }
    }

    fn layers(&self) -> Vec<Vec<u8>> {
        let write = |piece: &Piece| {
            let records: Vec<(&[u8], &[u8])> = piece
                .records
                .iter()
                .map(|(key, value)| (key.as_slice(), value.as_slice()))
                .collect();
            let mut raws = piece.before.clone();
            if !records.is_empty() {
                raws.push(pax(&records));
            }
            raws.push(piece.raw.clone());
            raws
        };
        self.layers
            .iter()
            .map(|layer| tar(&layer.iter().flat_map(write).collect::<Vec<_>>()))
            .collect()
    }

    fn archive(&self) -> Vec<u8> {
        let layers = self.layers();
        let ids: Vec<String> = layers
            .iter()
            .map(|layer| format!("\"sha256:{}\"", sha256(layer)))
            .collect();
        let members: Vec<String> = self
            .settings
            .iter()
            .map(|(key, value)| format!("\"{key}\":{value}"))
            .collect();
        let mut halves = [
            format!(
                "\"config\":{{{}}},\"architecture\":\"amd64\"",
                members.join(",")
            ),
            format!(
                "\"os\":\"linux\",\"rootfs\":{{\"type\":\"layers\",\"diff_ids\":[{}]}}",
                ids.join(",")
            ),
        ];
        if self.swapped {
            halves.reverse();
        }
        let mut entries = vec![file("c.json", format!("{{{}}}", halves.join(",")))];
        let names: Vec<String> = (0..layers.len())
            .map(|at| format!("{at}/layer.tar"))
            .collect();
        entries.extend(
            layers
                .iter()
                .zip(&names)
                .map(|(layer, name)| file(name, layer)),
        );
        let manifest = serde_json::json!([{"Config": "c.json", "RepoTags": ["localhost/t:1"], "Layers": names}]);
        entries.push(file("manifest.json", manifest.to_string()));
        tar(&entries)
    }

    /// The settings as Go's encoding/json reads them: members by folded name, the last one counts.
    fn settings(&self) -> std::collections::BTreeMap<String, String> {
        let fold = |key: &str| -> String {
            let upper = key.to_uppercase();
            upper.replace('\u{212a}', "K").replace('\u{17f}', "S")
        };
        self.settings
            .iter()
            .filter(|(_, value)| !matches!(value.as_str(), "null" | "\"\"" | "[]" | "{}" | "false"))
            .map(|(key, value)| (fold(key), value.clone()))
            .collect()
    }
}

/// One change. `layer` and `pick` choose what is changed, `kind` and `value` what becomes of it.
#[derive(Debug, Clone, Copy)]
struct Change {
    kind: usize,
    layer: usize,
    pick: usize,
    value: usize,
}

const KINDS: usize = 21;

/// Some changes, more often than not of one entry.
fn changes() -> impl Strategy<Value = Vec<Change>> {
    let change = (0..KINDS, 0..2_usize, 0..60_usize, 0..1000_usize).prop_map(
        |(kind, layer, pick, value)| Change {
            kind,
            layer,
            pick,
            value,
        },
    );
    (
        proptest::collection::vec(change, 1..4),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(mut changes, one, other)| {
            let (layer, pick) = (changes[0].layer, changes[0].pick);
            for change in &mut changes {
                if one || other {
                    (change.layer, change.pick) = (layer, pick);
                }
            }
            changes
        })
}

const NAMES: &[&str] = &[
    "d/f",
    "e",
    "./e",
    "/e",
    "e/",
    "d//f",
    "new",
    "d/new",
    "n/.wh.a",
    "d/.wh.g",
    ".wh.d",
    "s/x",
    "d",
    "x/y",
    "../e",
    "d/../e",
    ".wh..wh.aufs",
    ".wh..wh.plnk/1",
    "h",
    "pax_global_header",
];
const KEYS: &[(&[u8], &[u8])] = &[
    (b"path", b"p"),
    (b"path", b""),
    (b"path", b"d/f"),
    (b"linkpath", b"e"),
    (b"linkpath", b"d/g"),
    (b"uid", b"7"),
    (b"uid", b""),
    (b"gid", b"3000000"),
    (b"size", b"1"),
    (b"size", b"0"),
    (b"mtime", b"1.5"),
    (b"mtime", b"-1"),
    (b"atime", b"9"),
    (b"uname", b"me"),
    (b"comment", b"c"),
    (b"hdrcharset", b"BINARY"),
    (b"SCHILY.xattr.user.a", b"1"),
    (b"SCHILY.xattr.user.a", b"2"),
    (b"SCHILY.xattr.user.b", b"="),
    (b"SCHILY.xattr.user.a", b""),
    (b"LIBARCHIVE.xattr.user.a", b"MQ"),
    (b"LIBARCHIVE.xattr.user.c", b"MQ"),
    (b"SCHILY.dev", b"5"),
    (b"SCHILY.fflags", b"x"),
    (b"VENDOR.x", b"y"),
];
const TYPES: &[u8] = b"0\x00123567gSx";
const LINKS: &[&str] = &[
    "e", "/e", "./e", "d/f", "d", "s", "nowhere", "h", "attr", "d/g",
];
const SETTINGS: &[(&str, &str)] = &[
    ("cmd", "[\"/evil\"]"),
    ("CMD", "[\"/a\"]"),
    ("Cmd", "[\"/b\"]"),
    ("u\u{17f}er", "\"0\""),
    ("User", "\"0\""),
    ("Tty", "false"),
    ("WorkingDir", "\"/w\""),
    ("workingdir", "\"/w\""),
    ("Entrypoint", "null"),
    ("own", "1"),
    ("OWN", "1"),
    ("own", "1.0"),
    ("ENV", "[]"),
];

impl Change {
    fn choose<'a, T>(&self, list: &'a [T]) -> &'a T {
        &list[self.value % list.len()]
    }

    fn apply(&self, drawn: &mut Drawn) {
        let count = drawn.layers.len();
        let layer = &mut drawn.layers[self.layer % count];
        if layer.is_empty() {
            return;
        }
        let at = self.pick % layer.len();
        let piece = &mut layer[at];
        let raw = &mut piece.raw;
        match self.kind {
            0 => raw.name = self.choose(NAMES).as_bytes().to_vec(),
            1 => raw.kind = *self.choose(TYPES),
            2 => raw.mode = *self.choose(&[0o644, 0o755, 0o4755, 0o100_644, 0o40_755, 0]),
            3 => {
                raw.uid = self
                    .choose(&[
                        octal(7, 8),
                        binary(7, 8),
                        vec![0xff; 8],
                        b"\t7\0".to_vec(),
                        b"  7 \0".to_vec(),
                        b"8\0".to_vec(),
                    ])
                    .clone()
            }
            4 => raw.gid = octal(self.value as u64, 8),
            5 => raw.mtime = octal(self.value as u64, 12),
            6 => raw.link = self.choose(LINKS).as_bytes().to_vec(),
            7 => raw.magic = *self.choose(&[USTAR, GNU, V7, *b"ustar\0\0\0", *b"ustarXX\0"]),
            8 => {
                raw.magic = [USTAR, GNU, V7][self.value % 3];
                let prefixes = [
                    "p",
                    "d",
                    "00000000001\0",
                    "00000000001\0p",
                    "00000000001\x0000000000001",
                ];
                raw.prefix = prefixes[self.value / 3 % prefixes.len()].into();
            }
            9 => raw.owner = *self.choose(&[("root", "root"), ("me", ""), ("", "")]),
            10 => raw.device = *self.choose(&[(1, 3), (1, 5), (0, 0), (7, 4000)]),
            11 | 12 => {
                let (key, value) = self.choose(KEYS);
                piece.records.push((key.to_vec(), value.to_vec()));
            }
            13 => piece.records.clear(),
            14 => drop(layer.remove(at)),
            15 => {
                let other = self.value % layer.len();
                layer.swap(at, other);
            }
            16 => {
                let copy = layer[at].clone();
                layer.push(copy);
            }
            17 => {
                let kind = *self.choose(b"LK");
                let text = *self.choose(NAMES);
                piece.before.push(Raw {
                    kind,
                    magic: GNU,
                    ..file("././@LongLink", format!("{text}\0"))
                });
            }
            18 => {
                let name = self.choose(&["pax_global_header", "e", "new/g", ".wh.d"]);
                let global = Raw {
                    kind: b'g',
                    name: name.as_bytes().to_vec(),
                    ..pax(&[(b"comment", b"c")])
                };
                piece.before.push(global);
            }
            19 => {
                let (key, value) = self.choose(SETTINGS);
                let at = self.pick % (drawn.settings.len() + 1);
                drawn
                    .settings
                    .insert(at, ((*key).to_owned(), (*value).to_owned()));
            }
            _ => drawn.swapped = !drawn.swapped,
        }
    }
}

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
    let mut one = Drawn::base();
    let mut other = one.clone();
    for (at, change) in changes.iter().enumerate() {
        change.apply(&mut other);
        if at + 1 < changes.len() {
            change.apply(&mut one);
        }
    }
    let seen = [&one, &other].map(|drawn| (flattened(drawn), both(drawn)));
    // What canoni reads, umoci and podman read alike, unless they refuse it.
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
        cases: 400,
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
            0 | 17 => NAMES.len() * 2,
            1 => TYPES.len(),
            8 => 15,
            11 => KEYS.len(),
            15 => 9,
            19 => SETTINGS.len(),
            12..=14 | 16 | 20 => 1,
            _ => 6,
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
