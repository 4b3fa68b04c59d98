//! A root file system as a sorted list.

mod builder;
mod directory;
pub(crate) mod nodes;
mod policy;
mod walk;

pub use builder::TreeBuilder;
pub(crate) use policy::allowed as keeps_xattr;
pub use policy::{TreeOptions, XattrPolicy};
pub use walk::Visitor;

use crate::content::{Content, ContentReader};
use crate::error::Result;

/// Owner, permissions and the like: what every entry has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// Permission bits, `0o7777` at most.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Modification time, seconds since 1970. The canonical form does not keep it.
    pub mtime: i64,
    /// Extended attributes the options let pass, sorted by name.
    pub xattrs: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Metadata {
    /// Owned by root, time 0, no attributes.
    pub fn root(mode: u32) -> Self {
        Self {
            mode,
            uid: 0,
            gid: 0,
            mtime: 0,
            xattrs: Vec::new(),
        }
    }

    /// Equal but for the time.
    pub(crate) fn same(&self, other: &Self) -> bool {
        (self.mode, self.uid, self.gid, &self.xattrs)
            == (other.mode, other.uid, other.gid, &other.xattrs)
    }
}

impl Default for Metadata {
    /// `0755`, root, time 0: what a directory gets that no archive mentions.
    fn default() -> Self {
        Self::root(0o755)
    }
}

/// A device number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Device {
    /// Major number, below 2^12.
    pub major: u32,
    /// Minor number, below 2^20.
    pub minor: u32,
}

/// The type of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A regular file of this many bytes.
    File {
        /// Length of the content.
        size: u64,
    },
    /// A directory.
    Dir,
    /// A symbolic link. The target is kept byte for byte and never followed. Mode is `0777`.
    Symlink {
        /// The target, as it is written.
        target: Vec<u8>,
    },
    /// Another name of an entry that stands earlier in the list: a file, symbolic link, device or
    /// pipe, never a directory or another hard link. Metadata equals that entry's.
    HardLink {
        /// Index of that entry.
        target: usize,
    },
    /// A character device.
    CharDevice(Device),
    /// A block device.
    BlockDevice(Device),
    /// A named pipe.
    Fifo,
}

/// One path of a [`Tree`].
#[derive(Debug, Clone)]
pub struct Entry {
    /// Path from the root, without leading or trailing slash, any bytes but NUL. Never empty.
    pub path: Vec<u8>,
    /// The type.
    pub kind: Kind,
    /// Permission bits, `0o7777` at most.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Modification time, seconds since 1970. The canonical form does not keep it.
    pub mtime: i64,
    /// Extended attributes, sorted by name.
    pub xattrs: Vec<(Vec<u8>, Vec<u8>)>,
    content: Option<Content>,
}

impl Entry {
    pub(crate) fn new(
        path: Vec<u8>,
        kind: Kind,
        metadata: Metadata,
        content: Option<Content>,
    ) -> Self {
        let Metadata {
            mode,
            uid,
            gid,
            mtime,
            xattrs,
        } = metadata;
        Self {
            path,
            kind,
            mode,
            uid,
            gid,
            mtime,
            xattrs,
            content,
        }
    }

    /// The content of a regular file; `None` for everything else, hard links included.
    pub fn content(&self) -> Option<&Content> {
        self.content.as_ref()
    }
}

/// A root file system: entries sorted bytewise by path, so that parents stand before what is in
/// them. Every parent is there, paths are unique, and of a file with several names the first in
/// this order is the file, the others hard links to it.
///
/// The order compares whole paths as bytes (`a-b` < `a/b` < `a0`), so a folder's descendants need
/// not follow it without a gap.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    root: Metadata,
    entries: Vec<Entry>,
}

impl Tree {
    pub(crate) fn from_sorted(root: Metadata, entries: Vec<Entry>) -> Self {
        Self { root, entries }
    }

    pub(crate) fn into_parts(self) -> (Metadata, Vec<Entry>) {
        (self.root, self.entries)
    }

    /// The entries in order.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Metadata of the root directory itself, which is not an entry. `0755 0:0` unless something
    /// says otherwise.
    pub fn root(&self) -> &Metadata {
        &self.root
    }

    /// The entry with this path.
    pub fn find(&self, path: &[u8]) -> Option<(usize, &Entry)> {
        let index = self
            .entries
            .binary_search_by(|entry| entry.path.as_slice().cmp(path))
            .ok()?;
        self.entries.get(index).map(|entry| (index, entry))
    }

    /// Opens the content of entry `index`. What has none (all but regular files, hard links too)
    /// reads as empty.
    pub fn open(&self, index: usize) -> Result<ContentReader> {
        match self.entries.get(index).and_then(Entry::content) {
            Some(content) => content.open(),
            None => Content::Bytes([].into()).open(),
        }
    }

    /// Sum of the sizes of all regular files, each counted once.
    pub fn content_bytes(&self) -> u64 {
        self.entries
            .iter()
            .filter_map(Entry::content)
            .map(Content::len)
            .sum()
    }
}
