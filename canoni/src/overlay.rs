//! Layers: what one layer's archive means, and what a stack of them adds up to (OCI Image Format Specification v1.1,
//! "Image Layer Filesystem Changeset").

use crate::error::{Error, Result, printable};
use crate::limits::Meter;
use crate::source::{Image, Layer};
use crate::tar::{GLOBAL, TarEntry, TarKind};
use crate::tree::nodes::{Inode, Node, Nodes};
use crate::tree::{Device, Metadata, Tree, TreeOptions};
use std::collections::{BTreeSet, HashMap};

/// One layer, its archive's entries resolved: what it sets and what it hides.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    pub(crate) name: String,
    /// Metadata of the root directory, if the layer mentions it.
    pub(crate) root: Option<Metadata>,
    pub(crate) nodes: Nodes,
    /// Paths that the layer hides.
    pub(crate) whiteouts: BTreeSet<Vec<u8>>,
    /// Directories whose earlier content the layer hides; empty for the root.
    pub(crate) opaque: BTreeSet<Vec<u8>>,
    /// Whether the layer has a global extended header, whose name podman takes for a path.
    global: bool,
}

/// Whether a path lies in a folder.
fn is_below(path: &[u8], folder: &[u8]) -> bool {
    path.strip_prefix(folder)
        .is_some_and(|rest| rest.first() == Some(&b'/'))
}

enum Marker {
    /// Hides the sibling of this path.
    Whiteout(Vec<u8>),
    /// Hides what lower layers have in this directory.
    Opaque(Vec<u8>),
    /// Bookkeeping of the AUFS storage driver, left in images of old.
    Aufs,
}

fn join(parent: &[u8], name: &[u8]) -> Vec<u8> {
    if parent.is_empty() {
        name.to_vec()
    } else {
        [parent, b"/", name].concat()
    }
}

fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|&byte| byte == b'/') {
        Some(at) => (
            path.get(..at).unwrap_or_default(),
            path.get(at + 1..).unwrap_or_default(),
        ),
        None => (&[], path),
    }
}

/// What a name beginning with `.wh.` says; `None` for all other names.
fn marker(entry: &TarEntry, origin: &str) -> Result<Option<Marker>> {
    let (parent, name) = split(&entry.path);
    if parent
        .split(|&byte| byte == b'/')
        .any(|name| name.starts_with(b".wh."))
    {
        return Err(Error::path(origin, &entry.path, "lies below a whiteout"));
    }
    let Some(hidden) = name.strip_prefix(b".wh.") else {
        return Ok(None);
    };
    // To umoci and podman these are whiteouts of names that no image can have, to Docker nothing.
    // (What lies below one, as AUFS left it there, Docker ignores and the other two unpack.)
    if hidden.starts_with(b".wh.") && hidden != b".wh..opq" {
        return Ok(Some(Marker::Aufs));
    }
    let empty = matches!(&entry.kind, TarKind::File(content) if content.is_empty());
    if !empty {
        return Err(Error::path(
            origin,
            &entry.path,
            "has the name of a whiteout but is no empty file",
        ));
    }
    match hidden {
        b".wh..opq" => Ok(Some(Marker::Opaque(parent.to_vec()))),
        b"" | b"." | b".." => Err(Error::path(origin, &entry.path, "is a whiteout of nothing")),
        _ => Ok(Some(Marker::Whiteout(join(parent, hidden)))),
    }
}

impl Changes {
    /// Reads a layer. `meter` counts what the layers below it took.
    pub(crate) fn new(layer: &Layer, options: &TreeOptions, meter: &mut Meter) -> Result<Self> {
        let entries = layer.entries_within(&meter.left())?;
        meter.count(&entries);
        let mut changes = Self {
            name: layer.name().to_owned(),
            ..Self::default()
        };
        for entry in entries {
            changes.entry(entry, options)?;
            meter.check_implied(changes.nodes.implied(), layer.name())?;
        }
        changes.settle()?;
        meter.count_implied(changes.nodes.implied());
        Ok(changes)
    }

    fn bad<T>(&self, path: &[u8], reason: impl Into<String>) -> Result<T> {
        Err(Error::path(&self.name, path, reason))
    }

    fn entry(&mut self, entry: TarEntry, options: &TreeOptions) -> Result<()> {
        self.global |= entry.global;
        match marker(&entry, &self.name)? {
            Some(Marker::Aufs) => return Ok(()),
            Some(Marker::Opaque(path)) => {
                self.opaque.insert(path);
                return Ok(());
            }
            Some(Marker::Whiteout(path)) => {
                // By the specification it hides what lower layers have; Docker removes what it just unpacked.
                if self.nodes.id(&path).is_some() || self.nodes.any_below(&path) {
                    return self.bad(&entry.path, "is a whiteout of what this layer has before it; readers differ on what remains");
                }
                self.whiteouts.insert(path);
                return Ok(());
            }
            None => {}
        }
        let TarEntry {
            path,
            kind,
            mode,
            uid,
            gid,
            mtime,
            xattrs,
            unknown,
            ..
        } = entry;
        let xattrs = options.xattrs(xattrs, &unknown, &self.name, &path)?;
        let mut metadata = Metadata {
            mode,
            uid,
            gid,
            mtime,
            xattrs,
        };
        if matches!(kind, TarKind::Dir) {
            self.keeps_attributes(&path, &metadata)?;
        }
        if path.is_empty() {
            self.root = Some(metadata);
            return Ok(());
        }
        self.nodes.check_parents(&self.name, &path)?;
        let node = match kind {
            TarKind::File(content) => Node::File(content),
            TarKind::Dir => Node::Dir,
            TarKind::Symlink(target) => {
                options.symlink(&target, &self.name, &path)?;
                metadata.mode = 0o777;
                Node::Symlink(target)
            }
            TarKind::CharDevice(0, 0) => {
                return self.bad(&path, "is character device 0:0, which overlayfs takes for a whiteout and others for a device");
            }
            TarKind::CharDevice(major, minor) => Node::CharDevice(Device { major, minor }),
            TarKind::BlockDevice(major, minor) => Node::BlockDevice(Device { major, minor }),
            TarKind::Fifo => Node::Fifo,
            TarKind::HardLink(target) => return self.hard_link(&path, &target, &metadata),
        };
        let id = self.nodes.add(Inode { node, metadata });
        self.nodes.put(&path, id);
        Ok(())
    }

    /// Docker leaves on a directory what an earlier entry of the layer gave it, umoci removes it.
    fn keeps_attributes(&self, path: &[u8], now: &Metadata) -> Result<()> {
        let before = match path {
            [] => self.root.as_ref(),
            _ => self
                .nodes
                .get(path)
                .filter(|inode| inode.is_dir())
                .map(|inode| &inode.metadata),
        };
        let lost =
            |(name, _): &&(Vec<u8>, Vec<u8>)| !now.xattrs.iter().any(|(known, _)| known == name);
        match before.and_then(|before| before.xattrs.iter().find(lost)) {
            None => Ok(()),
            Some((name, _)) => self.bad(
                path,
                format!(
                    "is a directory that the layer has twice, with the extended attribute {} only \
                     at first; readers differ on whether it stays",
                    printable(name)
                ),
            ),
        }
    }

    fn hard_link(&mut self, path: &[u8], target: &[u8], metadata: &Metadata) -> Result<()> {
        if path == target {
            return self.bad(path, "is a hard link to itself");
        }
        // A link to what lower layers have keeps that name until the layers are put together.
        let id = if let Some(id) = self.nodes.id(target) {
            id
        } else {
            self.nodes.check_parents(&self.name, target)?;
            let node = Node::Lower(target.to_vec());
            self.nodes.add(Inode {
                node,
                metadata: metadata.clone(),
            })
        };
        if let Some(inode) = self.nodes.inode(id) {
            if inode.is_dir() {
                return self.bad(
                    path,
                    format!("is a hard link to the directory {}", printable(target)),
                );
            }
            link_agrees(inode, metadata, &self.name, path)?;
        }
        if is_below(target, path) {
            let reason = format!("is a hard link to {}, which it replaces", printable(target));
            return self.bad(path, reason);
        }
        self.nodes.put(path, id);
        Ok(())
    }

    /// After the last entry: contradictions between entries and markers, redundant markers.
    fn settle(&mut self) -> Result<()> {
        for path in self.opaque.iter().chain(&self.whiteouts) {
            self.nodes.check_parents(&self.name, path)?;
        }
        for path in &self.opaque {
            if !path.is_empty() && self.nodes.get(path).is_some_and(|inode| !inode.is_dir()) {
                return self.bad(path, "is marked opaque but no directory");
            }
        }
        // `.wh.x` beside `x` says that x is new: all there is to say for a directory is that it is opaque, for
        // anything else nothing. A directory that only its children imply gets an entry, so that it is there to be new.
        let beside = |path: &&Vec<u8>| self.nodes.id(path).is_some() || self.nodes.any_below(path);
        let both: Vec<Vec<u8>> = self.whiteouts.iter().filter(beside).cloned().collect();
        for path in both {
            self.whiteouts.remove(&path);
            if self.nodes.id(&path).is_none() {
                let id = self.nodes.add(Inode::dir(Metadata::default()));
                self.nodes.put(&path, id);
            }
            if self.nodes.get(&path).is_some_and(Inode::is_dir) {
                self.opaque.insert(path);
            }
        }
        self.nodes.each(|path, id| {
            let Some(Node::Lower(target)) = self.nodes.inode(id).map(|inode| &inode.node) else {
                return Ok(());
            };
            let below = self.nodes.check_parents("", target).is_err();
            let replaced = below || self.nodes.id(target).is_some();
            if replaced || self.hides(target) {
                return self.bad(
                    path,
                    format!("is a hard link to {}, which this layer also replaces or hides; readers differ on the order", printable(target)),
                );
            }
            Ok(())
        })
    }

    /// Whether a marker of this layer hides a path of lower layers.
    fn hides(&self, path: &[u8]) -> bool {
        if self.whiteouts.contains(path) || self.opaque.contains(&[][..]) {
            return true;
        }
        path.iter()
            .enumerate()
            .filter(|&(_, &byte)| byte == b'/')
            .any(|(at, _)| {
                let parent = path.get(..at).unwrap_or_default();
                self.whiteouts.contains(parent) || self.opaque.contains(parent)
            })
    }
}

/// Engines give a file the metadata of the last header that names it, GNU tar and umoci that of the
/// file's own header.
fn link_agrees(inode: &Inode, link: &Metadata, origin: &str, path: &[u8]) -> Result<()> {
    let Metadata {
        mode,
        uid,
        gid,
        ref xattrs,
        ..
    } = inode.metadata;
    let symlink = matches!(inode.node, Node::Symlink(_));
    if (uid, gid) != (link.uid, link.gid) || !(symlink || mode == link.mode) {
        let reason = "is a hard link with another mode or owner than its file; readers differ on \
            which one counts";
        return Err(Error::path(origin, path, reason));
    }
    // Docker repeats a file's attributes at each link, others leave them out. podman sets what a
    // link's header names on the file that all links share, umoci does not.
    if !link.xattrs.is_empty() && link.xattrs != *xattrs {
        let reason = "is a hard link with other extended attributes than its file; readers differ \
            on whether they count";
        return Err(Error::path(origin, path, reason));
    }
    Ok(())
}

/// A stack of layers, put together from below.
#[derive(Debug, Default)]
pub(crate) struct Union {
    root: Metadata,
    nodes: Nodes,
}

impl Union {
    pub(crate) fn apply(&mut self, changes: &Changes) -> Result<()> {
        let Changes {
            name,
            root,
            nodes,
            whiteouts,
            opaque,
            global,
        } = changes;
        if *global && (self.nodes.id(GLOBAL).is_some() || nodes.id(GLOBAL).is_some()) {
            let reason = "has the name of a global extended header, which podman takes for a path";
            return Err(Error::path(name, GLOBAL, reason));
        }
        for path in opaque {
            self.nodes.remove_below(path);
        }
        for path in whiteouts {
            self.nodes.remove(path);
        }
        if let Some(root) = root {
            self.root = root.clone();
        }
        let mut moved: HashMap<usize, usize> = HashMap::new();
        nodes.each(|path, theirs| {
            self.nodes.supply_parents(name, path)?;
            let id = match moved.get(&theirs) {
                Some(&id) => id,
                None => self.adopt(name, path, nodes.inode(theirs))?,
            };
            moved.insert(theirs, id);
            self.nodes.put(path, id);
            Ok(())
        })?;
        for path in opaque.iter().filter(|path| !path.is_empty()) {
            self.marked(name, path, &join(path, b".wh..wh..opq"))?;
        }
        for path in whiteouts {
            let (folder, hidden) = split(path);
            let marker = join(folder, &[b".wh.", hidden].concat());
            self.marked(name, folder, &marker)?;
        }
        Ok(())
    }

    /// A marker's folder: podman makes it where nothing else does, umoci does not.
    fn marked(&self, name: &str, folder: &[u8], marker: &[u8]) -> Result<()> {
        self.nodes.check_parents(name, marker)?;
        if folder.is_empty() || self.nodes.id(folder).is_some() {
            return Ok(());
        }
        let reason = format!(
            "is a whiteout in {}, which neither this layer nor one below it has; readers differ \
             on whether it is there afterwards",
            printable(folder)
        );
        Err(Error::path(name, marker, reason))
    }

    fn adopt(&mut self, name: &str, path: &[u8], inode: Option<&Inode>) -> Result<usize> {
        let Some(inode) = inode else {
            return Err(Error::path(name, path, "has no inode"));
        };
        let Node::Lower(target) = &inode.node else {
            return Ok(self.nodes.add(inode.clone()));
        };
        let Some(id) = self.nodes.id(target) else {
            return Err(Error::path(
                name,
                path,
                format!(
                    "is a hard link to {}, which is not there",
                    printable(target)
                ),
            ));
        };
        if let Some(lower) = self.nodes.inode(id) {
            if lower.is_dir() {
                return Err(Error::path(
                    name,
                    path,
                    format!("is a hard link to the directory {}", printable(target)),
                ));
            }
            link_agrees(lower, &inode.metadata, name, path)?;
        }
        Ok(id)
    }

    pub(crate) fn into_tree(self) -> Tree {
        self.nodes.into_tree(self.root)
    }
}

impl Image {
    /// The root file system that the layers add up to, digests verified: whiteouts and opaque directories applied,
    /// replaced directories gone, hard links pointing at what they pointed at when they were made, across layers too.
    /// Parents that no layer mentions are `0755 0:0`.
    pub fn flatten(&self, options: &TreeOptions) -> Result<Tree> {
        self.verify()?;
        self.flatten_unverified(options)
    }

    /// The same for whoever verifies the digests meanwhile.
    pub(crate) fn flatten_unverified(&self, options: &TreeOptions) -> Result<Tree> {
        let mut union = Union::default();
        let mut meter = Meter::new(self.limits());
        for layer in self.layers() {
            union.apply(&Changes::new(layer, options, &mut meter)?)?;
        }
        Ok(union.into_tree())
    }
}
