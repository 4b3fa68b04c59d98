//! A model of the other readers: Go's archive/tar, and what umoci and podman do with its headers.
//! Written from their documentation and behaviour, and sharing nothing with canoni but the tests'
//! builders.

mod go_tar;

use go_tar::{Attributes, Header, headers};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// Who unpacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// umoci 0.4.
    Umoci,
    /// podman 4. Where its storage drivers differ (attributes and modes of folders that a lower
    /// layer has), it is taken to do as umoci does.
    Podman,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Inode {
    kind: u8,
    mode: u64,
    owner: (u64, u64),
    device: (u64, u64),
    xattrs: Attributes,
    data: Vec<u8>,
}

/// A root file system.
#[derive(Debug, Clone, Default)]
struct Files {
    paths: BTreeMap<Vec<u8>, usize>,
    inodes: Vec<Inode>,
}

/// filepath.Clean below a root.
fn clean(path: &[u8]) -> Vec<u8> {
    let mut names: Vec<&[u8]> = Vec::new();
    for name in path.split(|&byte| byte == b'/') {
        match name {
            b"" | b"." => {}
            b".." => drop(names.pop()),
            name => names.push(name),
        }
    }
    names.join(&b'/')
}

fn parent(path: &[u8]) -> Option<&[u8]> {
    path.iter()
        .rposition(|&byte| byte == b'/')
        .map(|at| &path[..at])
}

impl Files {
    fn get(&self, path: &[u8]) -> Option<&Inode> {
        self.paths.get(path).map(|&id| &self.inodes[id])
    }

    fn put(&mut self, path: &[u8], inode: Inode) {
        self.paths.insert(path.to_vec(), self.inodes.len());
        self.inodes.push(inode);
    }

    fn remove(&mut self, path: &[u8]) {
        let below = [path, b"/"].concat();
        self.paths
            .retain(|other, _| other != path && !other.starts_with(&below));
    }

    fn folders(&mut self, path: &[u8]) -> Result<(), String> {
        let Some(folder) = parent(path).map(<[u8]>::to_vec) else {
            return Ok(());
        };
        self.folders(&folder)?;
        match self.get(&folder) {
            Some(inode) if inode.kind == b'5' => {}
            Some(_) => return Err("not a directory".into()),
            None => self.put(
                &folder,
                Inode {
                    kind: b'5',
                    mode: 0o755,
                    owner: (0, 0),
                    device: (0, 0),
                    xattrs: Attributes::new(),
                    data: Vec::new(),
                },
            ),
        }
        Ok(())
    }

    fn unpack(&mut self, layer: &[u8], engine: Engine) -> Result<(), String> {
        let podman = engine == Engine::Podman;
        let mut own: BTreeSet<Vec<u8>> = BTreeSet::new();
        let mut named: BTreeSet<Vec<u8>> = BTreeSet::new();
        for header in headers(layer)? {
            let path = clean(&header.name);
            if podman && !named.insert(path.clone()) {
                return Err("duplicates of file paths not supported".into());
            }
            if path.is_empty() {
                if header.kind != b'5' {
                    return Err("the root".into());
                }
                continue;
            }
            if podman && path.starts_with(b".wh..wh.") && path != b".wh..wh..opq" {
                self.folders(&path)?;
                continue;
            }
            let base = &path[parent(&path).map_or(0, |folder| folder.len() + 1)..];
            let folder = parent(&path).unwrap_or_default().to_vec();
            if let Some(hidden) = base.strip_prefix(b".wh.") {
                if podman {
                    self.folders(&path)?;
                }
                if !folder.is_empty() && self.get(&folder).is_some_and(|inode| inode.kind != b'5') {
                    return Err("not a directory".into());
                }
                if hidden == b".wh..opq" {
                    let inside = if folder.is_empty() {
                        Vec::new()
                    } else {
                        [&folder[..], b"/"].concat()
                    };
                    self.paths
                        .retain(|other, _| !other.starts_with(&inside) || own.contains(other));
                } else {
                    let target = if folder.is_empty() {
                        hidden.to_vec()
                    } else {
                        [&folder[..], b"/", hidden].concat()
                    };
                    self.remove(&target);
                }
                continue;
            }
            self.folders(&path)?;
            let mut above = parent(&path);
            while let Some(folder) = above {
                own.insert(folder.to_vec());
                above = parent(folder);
            }
            own.insert(path.clone());
            if header.kind != b'5' || self.get(&path).is_none_or(|inode| inode.kind != b'5') {
                self.remove(&path);
            }
            self.entry(&path, header, engine)?;
        }
        Ok(())
    }

    fn entry(&mut self, path: &[u8], header: Header, engine: Engine) -> Result<(), String> {
        let podman = engine == Engine::Podman;
        let mut inode = Inode {
            kind: header.kind,
            mode: header.mode & 0o7777,
            owner: (header.uid, header.gid),
            device: (0, 0),
            xattrs: header.xattrs,
            data: Vec::new(),
        };
        match header.kind {
            b'0' => inode.data = header.content,
            b'2' => {
                inode.data = header.link;
                inode.mode = 0o777;
            }
            b'1' => {
                let target = clean(&header.link);
                let id = *self.paths.get(&target).ok_or("no such file or directory")?;
                let file = &mut self.inodes[id];
                if file.kind == b'5' {
                    return Err("operation not permitted".into());
                }
                if podman {
                    file.owner = inode.owner;
                    file.xattrs.extend(inode.xattrs);
                    if file.kind != b'2' {
                        file.mode = inode.mode;
                    }
                }
                self.paths.insert(path.to_vec(), id);
                return Ok(());
            }
            b'3' | b'4' => inode.device = header.device,
            b'5' | b'6' => {}
            b'g' if podman => return Ok(()),
            other => return Err(format!("typeflag {other}")),
        }
        self.put(path, inode);
        Ok(())
    }
}

/// The lines of `engines::with_attributes`: what an engine makes of these layers.
pub fn tree(layers: &[Vec<u8>], engine: Engine) -> Result<Vec<String>, String> {
    let mut files = Files::default();
    for layer in layers {
        files.unpack(layer, engine)?;
    }
    let mut first: BTreeMap<usize, &Vec<u8>> = BTreeMap::new();
    let mut lines = Vec::new();
    for (path, &id) in &files.paths {
        let inode = &files.inodes[id];
        let what = match (first.get(&id), inode.kind) {
            (Some(other), _) => format!("== {}", canoni::printable(other)),
            (None, b'0') => format!("file {}", String::from_utf8_lossy(&inode.data)),
            (None, b'2') => format!("-> {}", canoni::printable(&inode.data)),
            (None, b'3') => format!("char {}:{}", inode.device.0, inode.device.1),
            (None, b'4') => format!("block {}:{}", inode.device.0, inode.device.1),
            (None, b'5') => "dir".into(),
            (None, _) => "fifo".into(),
        };
        first.entry(id).or_insert(path);
        let mut attributes = String::new();
        for (name, value) in &inode.xattrs {
            let name = String::from_utf8_lossy(name);
            let _ = write!(attributes, " {name}={}", hex::encode(value));
        }
        lines.push(format!(
            "{} {:o} {}:{} {what}{attributes}",
            canoni::printable(path),
            inode.mode,
            inode.owner.0,
            inode.owner.1
        ));
    }
    Ok(lines)
}
