//! Layers: what one layer's archive means, and what a stack of them adds up to (OCI Image Format
//! Specification v1.1, "Image Layer Filesystem Changeset").

mod changes;
mod marker;
mod union;

pub(crate) use changes::Changes;
pub(crate) use union::Union;

use crate::error::{Error, Result, printable};
use crate::limits::Meter;
use crate::source::{Image, Layer};
use crate::tree::nodes::{Inode, Node};
use crate::tree::{Metadata, Tree, TreeOptions};

/// Whether a path lies in a folder.
fn is_below(path: &[u8], folder: &[u8]) -> bool {
    path.strip_prefix(folder)
        .is_some_and(|rest| rest.first() == Some(&b'/'))
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

/// Adds the offset of the entry that the refusal of a path is about. Such refusals come when the
/// entries are gone, so the layer is looked through once more.
fn located(error: Error, layer: &Layer) -> Error {
    let Error::Path { path, .. } = &error else {
        return error;
    };
    let entries = layer.entries().unwrap_or_default();
    let mut found = entries.iter().rev();
    match found.find(|entry| printable(&entry.path) == *path) {
        Some(entry) => error.at(entry.offset),
        None => error,
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

impl Image {
    /// The root file system that the layers add up to, digests verified: whiteouts and opaque
    /// directories applied, replaced directories gone, hard links pointing at what they pointed at
    /// when they were made, across layers too. Parents that no layer mentions are `0755 0:0`.
    pub fn flatten(&self, options: &TreeOptions) -> Result<Tree> {
        self.verify()?;
        self.flatten_unverified(options)
    }

    /// The same for whoever verifies the digests meanwhile.
    pub(crate) fn flatten_unverified(&self, options: &TreeOptions) -> Result<Tree> {
        let mut union = Union::default();
        let mut meter = Meter::new(self.limits());
        for layer in self.layers() {
            union.apply(&Changes::new(layer, options, &mut meter)?, layer)?;
        }
        Ok(union.into_tree())
    }
}
