//! Tar archives and images built byte by byte, as no well-meaning writer would.
#![allow(dead_code, missing_docs, unreachable_pub)] // each test file uses its share
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // as in tests

pub mod drawn;
pub mod engine;
pub mod layout;
pub mod model;
pub mod pair;

use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A header with every field at hand.
#[derive(Debug, Clone)]
pub struct Raw {
    pub name: Vec<u8>,
    pub kind: u8,
    pub mode: u32,
    pub uid: Vec<u8>,
    pub gid: Vec<u8>,
    pub size: Vec<u8>,
    pub mtime: Vec<u8>,
    pub link: Vec<u8>,
    pub magic: [u8; 8],
    pub owner: (&'static str, &'static str),
    pub device: (u32, u32),
    pub prefix: Vec<u8>,
    pub content: Vec<u8>,
}

pub const USTAR: [u8; 8] = *b"ustar\x0000";
pub const GNU: [u8; 8] = *b"ustar  \0";
pub const V7: [u8; 8] = [0; 8];

pub fn octal(number: u64, width: usize) -> Vec<u8> {
    format!("{number:0digits$o}\0", digits = width - 1).into_bytes()
}

/// GNU's base-256.
pub fn binary(number: u64, width: usize) -> Vec<u8> {
    let mut field = vec![0; width];
    field[width - 8..].copy_from_slice(&number.to_be_bytes());
    field[0] |= 0x80;
    field
}

pub fn raw(name: impl AsRef<[u8]>, kind: u8) -> Raw {
    Raw {
        name: name.as_ref().to_vec(),
        kind,
        mode: if kind == b'5' { 0o755 } else { 0o644 },
        uid: octal(0, 8),
        gid: octal(0, 8),
        size: octal(0, 12),
        mtime: octal(0, 12),
        link: Vec::new(),
        magic: USTAR,
        owner: ("", ""),
        device: (0, 0),
        prefix: Vec::new(),
        content: Vec::new(),
    }
}

pub fn file(name: impl AsRef<[u8]>, content: impl AsRef<[u8]>) -> Raw {
    let content = content.as_ref().to_vec();
    Raw {
        size: octal(content.len() as u64, 12),
        content,
        ..raw(name, b'0')
    }
}

pub fn dir(name: impl AsRef<[u8]>) -> Raw {
    raw(name, b'5')
}

pub fn symlink(name: impl AsRef<[u8]>, target: impl AsRef<[u8]>) -> Raw {
    Raw {
        link: target.as_ref().to_vec(),
        mode: 0o777,
        ..raw(name, b'2')
    }
}

pub fn hard_link(name: impl AsRef<[u8]>, target: impl AsRef<[u8]>) -> Raw {
    Raw {
        link: target.as_ref().to_vec(),
        ..raw(name, b'1')
    }
}

/// An extended header with these records; `{}` in a key stands for nothing.
pub fn pax(records: &[(&[u8], &[u8])]) -> Raw {
    let mut text = Vec::new();
    for (key, value) in records {
        text.extend(pax_record(key, value));
    }
    Raw {
        kind: b'x',
        ..file("PaxHeaders.4711/x", text)
    }
}

pub fn pax_record(key: &[u8], value: &[u8]) -> Vec<u8> {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + 1;
    while rest + length.to_string().len() != length {
        length = rest + length.to_string().len();
    }
    [length.to_string().as_bytes(), b" ", key, b"=", value, b"\n"].concat()
}

impl Raw {
    pub fn block(&self) -> Vec<u8> {
        let mut block = vec![0; 512];
        let mut put = |at: usize, width: usize, bytes: &[u8]| {
            let bytes = &bytes[..bytes.len().min(width)];
            block[at..at + bytes.len()].copy_from_slice(bytes);
        };
        put(0, 100, &self.name);
        put(100, 8, &octal(u64::from(self.mode), 8));
        put(108, 8, &self.uid);
        put(116, 8, &self.gid);
        put(124, 12, &self.size);
        put(136, 12, &self.mtime);
        put(156, 1, &[self.kind]);
        put(157, 100, &self.link);
        put(257, 8, &self.magic);
        if self.magic != V7 {
            put(265, 32, self.owner.0.as_bytes());
            put(297, 32, self.owner.1.as_bytes());
            put(329, 8, &octal(u64::from(self.device.0), 8));
            put(337, 8, &octal(u64::from(self.device.1), 8));
            put(345, 155, &self.prefix);
        }
        checksum(&mut block);
        block
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.block();
        bytes.extend_from_slice(&self.content);
        bytes.resize(bytes.len().next_multiple_of(512), 0);
        bytes
    }
}

pub fn checksum(block: &mut [u8]) {
    block[148..156].copy_from_slice(b"        ");
    let sum: u32 = block[..512].iter().map(|&byte| u32::from(byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

/// The entries and an end marker.
pub fn tar(entries: &[Raw]) -> Vec<u8> {
    let mut bytes: Vec<u8> = entries.iter().flat_map(Raw::bytes).collect();
    bytes.resize(bytes.len() + 1024, 0);
    bytes
}

pub fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

pub fn config(layers: &[Vec<u8>]) -> String {
    let ids: Vec<String> = layers
        .iter()
        .map(|layer| format!("sha256:{}", sha256(layer)))
        .collect();
    let history: Vec<_> = layers
        .iter()
        .map(|_| serde_json::json!({"created": "2026-11-23T00:00:00Z", "created_by": "x"}))
        .collect();
    serde_json::json!({
        "architecture": "amd64", "os": "linux", "created": "2026-11-23T01:02:03.456Z", "config": {"Cmd": ["/a"]},
        "rootfs": {"type": "layers", "diff_ids": ids}, "history": history,
    })
    .to_string()
}

/// A docker-archive like old `docker save`'s.
pub fn docker_archive(layers: &[Vec<u8>]) -> Vec<u8> {
    let config = config(layers);
    let config_name = format!("{}.json", sha256(config.as_bytes()));
    let mut entries = vec![file(&config_name, &config)];
    let mut names = Vec::new();
    for (at, layer) in layers.iter().enumerate() {
        let name = format!("layer{at}/layer.tar");
        entries.push(dir(format!("layer{at}/")));
        entries.push(file(&name, layer));
        names.push(name);
    }
    let manifest =
        serde_json::json!([{"Config": config_name, "RepoTags": ["t:1"], "Layers": names}]);
    entries.push(file("manifest.json", manifest.to_string()));
    tar(&entries)
}

/// The command, with no time of its surroundings.
pub fn canoni(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_canoni"))
        .args(arguments)
        .env_remove("SOURCE_DATE_EPOCH")
        .output()
        .unwrap()
}

/// Writes bytes to a file of the folder.
pub fn put(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

/// Opens an archive's one image.
pub fn open(path: &Path) -> canoni::Result<canoni::Image> {
    canoni::Archive::open(path, &canoni::Limits::default())?.image(&canoni::Selector::default())
}

/// Flattens an image of these layers.
pub fn flatten(layers: &[Vec<u8>]) -> canoni::Result<canoni::Tree> {
    let folder = tempfile::tempdir().unwrap();
    let path = put(folder.path(), "image.tar", &docker_archive(layers));
    open(&path)?.flatten(&canoni::TreeOptions::default())
}

/// One line per entry: everything but times, contents in full.
pub fn lines(tree: &canoni::Tree) -> Vec<String> {
    use canoni::Kind;
    use std::io::Read;
    let mut lines = Vec::new();
    for (index, entry) in tree.entries().iter().enumerate() {
        let mut content = Vec::new();
        tree.open(index).unwrap().read_to_end(&mut content).unwrap();
        let what = match &entry.kind {
            Kind::File { size } => {
                assert_eq!(*size, content.len() as u64);
                format!("file {}", String::from_utf8_lossy(&content))
            }
            Kind::Dir => "dir".into(),
            Kind::Symlink { target } => format!("-> {}", canoni::printable(target)),
            Kind::HardLink { target } => {
                format!("== {}", canoni::printable(&tree.entries()[*target].path))
            }
            Kind::CharDevice(device) => format!("char {}:{}", device.major, device.minor),
            Kind::BlockDevice(device) => format!("block {}:{}", device.major, device.minor),
            Kind::Fifo => "fifo".into(),
        };
        lines.push(format!(
            "{} {:o} {}:{} {what}",
            canoni::printable(&entry.path),
            entry.mode,
            entry.uid,
            entry.gid
        ));
    }
    lines
}

/// Everything the reader says about one layer.
pub fn refusal(layer: &[u8]) -> String {
    match flatten(&[layer.to_vec()]) {
        Ok(tree) => panic!("accepted: {:?}", lines(&tree)),
        Err(error) => error.to_string(),
    }
}

pub fn canonical(path: &Path, flatten: bool) -> canoni::Canonical {
    let options = canoni::CanonicalOptions {
        flatten,
        ..canoni::CanonicalOptions::default()
    };
    canoni::Canonical::from_image(&open(path).unwrap(), &options).unwrap()
}

/// Digest of an archive's one image, or why there is none.
pub fn digest(archive: &[u8], flatten: bool) -> Result<String, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = put(folder.path(), "i.tar", archive);
    let options = canoni::CanonicalOptions {
        flatten,
        ..canoni::CanonicalOptions::default()
    };
    open(&path)
        .and_then(|image| canoni::Canonical::from_image(&image, &options))
        .map(|image| image.digest())
        .map_err(|error| error.to_string())
}

/// Both ways, layered first.
pub fn digests(archive: &[u8]) -> Result<[String; 2], String> {
    Ok([digest(archive, false)?, digest(archive, true)?])
}

/// The archive is refused in both ways, in these words.
#[track_caller]
pub fn refused(what: &str, archive: &[u8], words: &str) {
    for flatten in [false, true] {
        match digest(archive, flatten) {
            Ok(digest) => panic!("{what} (flatten: {flatten}): accepted, {digest}"),
            Err(error) => assert!(
                error.contains(words),
                "{what}: expected {words:?} in {error:?}"
            ),
        }
    }
}
