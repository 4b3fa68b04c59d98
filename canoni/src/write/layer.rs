//! A layer in canonical form: a sorted list that is streamed as a tar archive.

use super::header::{Header, encode, pad};
use super::pipe::{Chunks, pipe};
use crate::content::Content;
use crate::error::Result;
use crate::overlay::Changes;
use crate::progress::Progress;
use crate::tree::nodes::{Inode, Node};
use crate::tree::{Entry, Kind, Metadata, Tree};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// The entries of one layer.
#[derive(Debug)]
pub(super) struct LayerList {
    root: Option<Metadata>,
    entries: Vec<Entry>,
    /// Hard links to what a lower layer has: entry and target.
    lower: BTreeMap<usize, Vec<u8>>,
}

impl LayerList {
    /// A whole root file system as one layer. The root directory is written only where it is not
    /// `0755 0:0`.
    pub(super) fn from_tree(tree: Tree) -> Self {
        let (root, entries) = tree.into_parts();
        let root = Some(root).filter(|root| !root.same(&Metadata::default()));
        Self {
            root,
            entries,
            lower: BTreeMap::new(),
        }
    }

    /// One layer of several. `root` is the root directory's metadata below this layer, and above it
    /// afterwards.
    pub(super) fn from_changes(changes: Changes, root: &mut Metadata) -> Self {
        let Changes {
            root: own,
            mut nodes,
            whiteouts,
            opaque,
            ..
        } = changes;
        let own = own.filter(|own| !own.same(root));
        if let Some(own) = &own {
            *root = own.clone();
        }
        let markers = whiteouts
            .iter()
            .map(|path| marker(path))
            .chain(opaque.iter().map(|path| opaque_marker(path)));
        for path in markers {
            let id = nodes.add(Inode {
                node: Node::File(Vec::new().into()),
                metadata: Metadata::root(0),
            });
            nodes.put(&path, id);
        }
        let (entries, lower) = nodes.into_entries();
        Self {
            root: own,
            entries,
            lower,
        }
    }

    /// Writes the archive.
    pub(super) fn write(&self, epoch: u64, chunks: &mut Chunks) -> Result<()> {
        let mut scratch = Vec::with_capacity(1536);
        if let Some(root) = &self.root {
            let header = Header {
                path: b".",
                kind: b'5',
                mode: root.mode,
                uid: root.uid,
                gid: root.gid,
                size: 0,
                mtime: epoch,
                link: b"",
                device: (0, 0),
                xattrs: &root.xattrs,
            };
            encode(&header, &mut scratch);
            chunks.put(&scratch)?;
        }
        for (index, entry) in self.entries.iter().enumerate() {
            scratch.clear();
            encode(&self.header(index, entry, epoch), &mut scratch);
            chunks.put(&scratch)?;
            if let Some(content) = entry.content() {
                chunks.content(content, &entry.path)?;
                scratch.clear();
                pad(content.len(), &mut scratch);
                chunks.put(&scratch)?;
            }
        }
        chunks.put(&[0; 1024])
    }

    fn header<'a>(&'a self, index: usize, entry: &'a Entry, epoch: u64) -> Header<'a> {
        let mut header = Header {
            path: &entry.path,
            kind: b'0',
            mode: entry.mode,
            uid: entry.uid,
            gid: entry.gid,
            size: 0,
            mtime: epoch,
            link: b"",
            device: (0, 0),
            xattrs: &entry.xattrs,
        };
        match &entry.kind {
            Kind::File { size } => header.size = *size,
            Kind::Dir => header.kind = b'5',
            Kind::Symlink { target } => {
                header.kind = b'2';
                header.mode = 0o777;
                header.link = target;
            }
            Kind::HardLink { target } => {
                header.kind = b'1';
                header.xattrs = &[];
                header.link = match self.lower.get(&index) {
                    Some(target) => target,
                    None => self.entries.get(*target).map_or(&[], |entry| &entry.path),
                };
            }
            Kind::CharDevice(device) => {
                header.kind = b'3';
                header.device = (device.major, device.minor);
            }
            Kind::BlockDevice(device) => {
                header.kind = b'4';
                header.device = (device.major, device.minor);
            }
            Kind::Fifo => header.kind = b'6',
        }
        header
    }

    /// Sum of the contents' lengths.
    pub(super) fn content_bytes(&self) -> u64 {
        self.entries
            .iter()
            .filter_map(Entry::content)
            .map(Content::len)
            .sum()
    }

    /// SHA-256 and length of the archive.
    pub(super) fn digest(&self, epoch: u64, progress: &Progress) -> Result<([u8; 32], u64)> {
        let mut total = 0;
        let hash = pipe(
            progress,
            |chunks| {
                self.write(epoch, chunks)?;
                total = chunks.total();
                Ok(())
            },
            Sha256::new(),
            |hash, bytes| {
                hash.update(bytes);
                Ok(())
            },
        )?;
        Ok((hash.finalize().into(), total))
    }
}

fn marker(path: &[u8]) -> Vec<u8> {
    match path.iter().rposition(|&byte| byte == b'/') {
        Some(at) => {
            let (parent, name) = path.split_at(at + 1);
            [parent, b".wh.", name].concat()
        }
        None => [b".wh.", path].concat(),
    }
}

fn opaque_marker(path: &[u8]) -> Vec<u8> {
    if path.is_empty() {
        b".wh..wh..opq".to_vec()
    } else {
        [path, b"/.wh..wh..opq"].concat()
    }
}
