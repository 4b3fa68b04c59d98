//! Container images, good and bad, as docker-archives.

use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use tar::{Builder, EntryType, Header};

/// One layer, entry by entry; nothing stops it from being wrong.
pub struct Layer(Builder<Vec<u8>>);

impl Layer {
    pub fn new() -> Self {
        Layer(Builder::new(Vec::new()))
    }

    fn add(
        mut self,
        kind: EntryType,
        path: &str,
        mode: u32,
        link: &str,
        device: (u32, u32),
        contents: &[u8],
    ) -> Self {
        let mut header = Header::new_ustar();
        // Written into the header as it is: the crate's own setters refuse `..`.
        header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
        header.as_mut_bytes()[157..157 + link.len()].copy_from_slice(link.as_bytes());
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(1_700_000_000);
        header.set_size(contents.len() as u64);
        header.set_device_major(device.0).unwrap();
        header.set_device_minor(device.1).unwrap();
        header.set_cksum();
        self.0.append(&header, contents).unwrap();
        self
    }

    pub fn file(self, path: &str, mode: u32, contents: &str) -> Self {
        self.add(
            EntryType::Regular,
            path,
            mode,
            "",
            (0, 0),
            contents.as_bytes(),
        )
    }

    pub fn dir(self, path: &str) -> Self {
        self.add(EntryType::Directory, path, 0o755, "", (0, 0), b"")
    }

    pub fn hard_link(self, path: &str, mode: u32, target: &str) -> Self {
        self.add(EntryType::Link, path, mode, target, (0, 0), b"")
    }

    pub fn char_device(self, path: &str, device: (u32, u32)) -> Self {
        self.add(EntryType::Char, path, 0o666, "", device, b"")
    }

    /// A file of 10 GiB of which only the header is stored: GNU's old sparse format, no data at
    /// all.
    pub fn sparse(mut self, path: &str, size: u64) -> Self {
        let mut header = Header::new_gnu();
        header.set_path(path).unwrap();
        header.set_entry_type(EntryType::GNUSparse);
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_size(0);
        let gnu = header.as_gnu_mut().unwrap();
        // One empty run at the end says how long the file is.
        octal(&mut gnu.sparse[0].offset, size);
        octal(&mut gnu.sparse[0].numbytes, 0);
        octal(&mut gnu.realsize, size);
        header.set_cksum();
        self.0.append(&header, std::io::empty()).unwrap();
        self
    }

    /// An extended attribute of the next entry.
    pub fn xattr(mut self, name: &str, value: &str) -> Self {
        let key = format!("SCHILY.xattr.{name}");
        self.0
            .append_pax_extensions([(key.as_str(), value.as_bytes())])
            .unwrap();
        self
    }

    pub fn bytes(self) -> Vec<u8> {
        self.0.into_inner().unwrap()
    }
}

fn octal(field: &mut [u8; 12], value: u64) {
    field.copy_from_slice(format!("{value:011o}\0").as_bytes());
}

/// The application's layer: a program and nothing else.
pub fn app() -> Layer {
    Layer::new().dir("bin").file("bin/app", 0o755, "program")
}

pub const CONFIG: &str =
    r#"{"Entrypoint":["/bin/app"],"Cmd":["--flag"],"Env":["PATH=/bin"],"User":"7:8"}"#;

/// Writes a docker-archive with these layers; `config` is the image's `config` member.
pub fn docker_archive(folder: &Path, layers: Vec<Layer>, config: &str) -> PathBuf {
    let layers: Vec<Vec<u8>> = layers.into_iter().map(Layer::bytes).collect();
    let diff_ids: Vec<_> = layers
        .iter()
        .map(|layer| format!("\"sha256:{}\"", hex::encode(Sha256::digest(layer))))
        .collect();
    let config = format!(
        r#"{{"architecture":"amd64","os":"linux","config":{config},"rootfs":{{"type":"layers","diff_ids":[{}]}}}}"#,
        diff_ids.join(",")
    );
    let names: Vec<_> = (0..layers.len())
        .map(|i| format!("\"layer{i}.tar\""))
        .collect();
    let manifest = format!(
        r#"[{{"Config":"config.json","RepoTags":["app:1.2"],"Layers":[{}]}}]"#,
        names.join(",")
    );
    let mut tar = Builder::new(Vec::new());
    let mut add = |name: &str, contents: &[u8]| {
        let mut header = Header::new_ustar();
        header.set_size(contents.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        tar.append_data(&mut header, name, contents).unwrap();
    };
    for (i, layer) in layers.iter().enumerate() {
        add(&format!("layer{i}.tar"), layer);
    }
    add("config.json", config.as_bytes());
    add("manifest.json", manifest.as_bytes());
    let path = folder.join("image.tar");
    std::fs::write(&path, tar.into_inner().unwrap()).unwrap();
    path
}
