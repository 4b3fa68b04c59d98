//! One layer: what it sets and what it hides.

use super::marker::{Marker, marker};
use super::{is_below, link_agrees, located};
use crate::error::{Error, Result, printable};
use crate::limits::Meter;
use crate::source::Layer;
use crate::tar::{TarEntry, TarKind};
use crate::tree::nodes::{Inode, Node, Nodes};
use crate::tree::{Device, Metadata, TreeOptions};
use std::collections::BTreeSet;

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
    pub(super) global: bool,
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
            let offset = entry.offset;
            changes
                .entry(entry, options)
                .map_err(|error| error.at(offset))?;
            meter.check_implied(changes.nodes.implied(), layer.name())?;
        }
        changes.settle().map_err(|error| located(error, layer))?;
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
                // By the specification it hides what lower layers have; Docker removes what it just
                // unpacked.
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
        // `.wh.x` beside `x` says that x is new: all there is to say for a directory is that it is
        // opaque, for anything else nothing. A directory that only its children imply gets an
        // entry, so that it is there to be new.
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
