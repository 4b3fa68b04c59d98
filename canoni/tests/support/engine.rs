//! A model of the other readers: Go's archive/tar, and what umoci and podman do with its headers. Written from their
//! documentation and behaviour, and sharing nothing with canoni but the tests' builders.

use std::collections::{BTreeMap, BTreeSet};

/// Who unpacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// umoci 0.4.
    Umoci,
    /// podman 4. Where its storage drivers differ (attributes and modes of folders that a lower layer has), it is taken to
    /// do as umoci does.
    Podman,
}

type Attributes = BTreeMap<Vec<u8>, Vec<u8>>;

/// One header as Go's reader returns it.
#[derive(Debug, Clone)]
struct Header {
    name: Vec<u8>,
    link: Vec<u8>,
    kind: u8,
    mode: u64,
    uid: u64,
    gid: u64,
    device: (u64, u64),
    xattrs: Attributes,
    content: Vec<u8>,
}

fn text(field: &[u8]) -> Vec<u8> {
    field.split(|&byte| byte == 0).next().unwrap().to_vec()
}

/// parseNumeric: base 256 where the first bit is set, else octal between spaces and NULs.
fn numeric(field: &[u8]) -> Result<u64, String> {
    if field[0] & 0x80 != 0 {
        let first = [field[0] & 0x7f];
        if field[0] & 0x40 != 0 {
            return Err("negative".into());
        }
        return first
            .iter()
            .chain(&field[1..])
            .try_fold(0_u64, |value, &byte| {
                value
                    .checked_mul(256)
                    .map(|value| value + u64::from(byte))
                    .ok_or("large".into())
            });
    }
    let blank = |byte: &u8| matches!(byte, b' ' | 0);
    let Some(start) = field.iter().position(|byte| !blank(byte)) else {
        return Ok(0);
    };
    let end = field.iter().rposition(|byte| !blank(byte)).unwrap();
    let digits = String::from_utf8_lossy(&text(&field[start..=end])).into_owned();
    u64::from_str_radix(&digits, 8).map_err(|error| error.to_string())
}

fn records(mut bytes: &[u8]) -> Result<Vec<(Vec<u8>, Vec<u8>)>, String> {
    let mut list = Vec::new();
    while !bytes.is_empty() {
        let space = bytes
            .iter()
            .position(|&byte| byte == b' ')
            .ok_or("record")?;
        let length: usize = String::from_utf8_lossy(&bytes[..space])
            .parse()
            .map_err(|_| "record")?;
        let record = bytes
            .get(space + 1..length)
            .and_then(|record| record.strip_suffix(b"\n"))
            .ok_or("record")?;
        let equals = record
            .iter()
            .position(|&byte| byte == b'=')
            .ok_or("record")?;
        let (key, value) = (record[..equals].to_vec(), record[equals + 1..].to_vec());
        let names = matches!(key.as_slice(), b"path" | b"linkpath" | b"uname" | b"gname");
        if key.is_empty()
            || (if names {
                value.contains(&0)
            } else {
                key.contains(&0)
            })
        {
            return Err("record".into());
        }
        list.push((key, value));
        bytes = &bytes[length..];
    }
    Ok(list)
}

fn headers(archive: &[u8]) -> Result<Vec<Header>, String> {
    let mut list = Vec::new();
    let mut at = 0;
    let mut pax: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
    let (mut long_name, mut long_link) = (None, None);
    while let Some(block) = archive.get(at..at + 512) {
        at += 512;
        if block.iter().all(|&byte| byte == 0) {
            return match archive.get(at..at + 512) {
                Some(next) if next.iter().any(|&byte| byte != 0) => Err("lone zero block".into()),
                _ => Ok(list),
            };
        }
        let sum: u64 = block
            .iter()
            .enumerate()
            .map(|(at, &byte)| {
                if (148..156).contains(&at) {
                    32
                } else {
                    u64::from(byte)
                }
            })
            .sum();
        if numeric(&block[148..156])? != sum {
            return Err("checksum".into());
        }
        let ustar = block[257..263] == *b"ustar\0";
        let star = ustar && block.ends_with(b"tar\0");
        let gnu = block[257..265] == *b"ustar  \0";
        let mut name = text(&block[..100]);
        let (mode, uid, gid) = (
            numeric(&block[100..108])?,
            numeric(&block[108..116])?,
            numeric(&block[116..124])?,
        );
        let size = numeric(&block[124..136])?;
        let _ = numeric(&block[136..148]);
        let mut device = (0, 0);
        if ustar || gnu {
            device = (numeric(&block[329..337])?, numeric(&block[337..345])?);
        }
        let times = |range: std::ops::Range<usize>| {
            block[range.start] == 0 || numeric(&block[range]).is_ok()
        };
        let prefix = match () {
            () if star => text(&block[345..476]),
            () if ustar || (gnu && !(times(345..357) && times(357..369))) => text(&block[345..500]),
            () => Vec::new(),
        };
        if !prefix.is_empty() {
            name = [&prefix[..], b"/", &name].concat();
        }
        let kind = block[156];
        let mut header = Header {
            name,
            link: text(&block[157..257]),
            kind,
            mode,
            uid,
            gid,
            device,
            xattrs: Attributes::new(),
            content: Vec::new(),
        };
        let mut size = usize::try_from(size).map_err(|_| "size")?;
        if !matches!(kind, b'x' | b'g' | b'L' | b'K') {
            for (key, value) in std::mem::take(&mut pax) {
                let value: Vec<u8> = value;
                let number = || {
                    String::from_utf8_lossy(&value)
                        .parse::<u64>()
                        .map_err(|_| format!("{key:?}"))
                };
                if value.is_empty() {
                    continue;
                }
                match key.as_slice() {
                    b"path" => header.name = value,
                    b"linkpath" => header.link = value,
                    b"uid" => header.uid = number()?,
                    b"gid" => header.gid = number()?,
                    b"size" => size = usize::try_from(number()?).map_err(|_| "size")?,
                    _ => {
                        if let Some(name) = key.strip_prefix(b"SCHILY.xattr.") {
                            header.xattrs.insert(name.to_vec(), value);
                        }
                    }
                }
            }
            header.name = long_name.take().unwrap_or(header.name);
            header.link = long_link.take().unwrap_or(header.link);
            if kind == 0 {
                header.kind = if header.name.ends_with(b"/") {
                    b'5'
                } else {
                    b'0'
                };
            }
            if matches!(kind, b'1'..=b'6') {
                size = 0;
            }
        }
        let content = archive.get(at..at + size).ok_or("truncated")?.to_vec();
        at += size.next_multiple_of(512);
        if at > archive.len() {
            return Err("truncated".into());
        }
        match kind {
            // A key that is there twice counts as it is there last.
            b'x' => pax = records(&content)?,
            b'L' => long_name = Some(text(&content)),
            b'K' => long_link = Some(text(&content)),
            _ => {
                header.content = content;
                list.push(header);
            }
        }
    }
    if at == archive.len() {
        Ok(list)
    } else {
        Err("truncated".into())
    }
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
        let attributes: String = inode
            .xattrs
            .iter()
            .map(|(name, value)| {
                format!(" {}={}", String::from_utf8_lossy(name), hex::encode(value))
            })
            .collect();
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
