//! Images that differ in one header field, record, key or order.

use super::*;
use proptest::prelude::*;

/// Keyword and value of an extended header.
type Record = (&'static [u8], &'static [u8]);

/// An entry with the records of its extended header.
#[derive(Debug, Clone)]
pub struct Piece {
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
pub struct Drawn {
    layers: Vec<Vec<Piece>>,
    settings: Vec<(String, String)>,
    swapped: bool,
}

impl Drawn {
    pub fn base() -> Self {
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

    pub fn layers(&self) -> Vec<Vec<u8>> {
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

    pub fn archive(&self) -> Vec<u8> {
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
    pub fn settings(&self) -> std::collections::BTreeMap<String, String> {
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
pub struct Change {
    pub kind: usize,
    pub layer: usize,
    pub pick: usize,
    pub value: usize,
}

pub const KINDS: usize = 21;

/// Some changes, more often than not of one entry.
pub fn changes() -> impl Strategy<Value = Vec<Change>> {
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

pub const NAMES: &[&str] = &[
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
pub const KEYS: &[Record] = &[
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
pub const TYPES: &[u8] = b"0\x00123567gSx";
const LINKS: &[&str] = &[
    "e", "/e", "./e", "d/f", "d", "s", "nowhere", "h", "attr", "d/g",
];
pub const SETTINGS: &[(&str, &str)] = &[
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

    pub fn apply(&self, drawn: &mut Drawn) {
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
                let fields = [
                    octal(7, 8),
                    binary(7, 8),
                    vec![0xff; 8],
                    b"\t7\0".to_vec(),
                    b"  7 \0".to_vec(),
                    b"8\0".to_vec(),
                ];
                raw.uid.clone_from(self.choose(&fields));
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
