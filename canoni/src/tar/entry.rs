//! One entry of an archive.

#[cfg(doc)]
use super::clean_path;
use crate::content::Content;

/// The type of an entry.
#[derive(Debug, Clone)]
pub enum TarKind {
    /// A regular file.
    File(Content),
    /// A directory.
    Dir,
    /// A symbolic link; its target is not interpreted.
    Symlink(Vec<u8>),
    /// Another name of an earlier entry, or of a file in a lower layer; cleaned like
    /// [`TarEntry::path`].
    HardLink(Vec<u8>),
    /// A character device.
    CharDevice(u32, u32),
    /// A block device.
    BlockDevice(u32, u32),
    /// A named pipe.
    Fifo,
}

/// One entry of an archive, extended headers applied.
#[derive(Debug, Clone)]
pub struct TarEntry {
    /// Path in one spelling (see [`clean_path`]), byte for byte otherwise; empty for the root.
    pub path: Vec<u8>,
    /// Type and what belongs to it.
    pub kind: TarKind,
    /// Permission bits, `0o7777` at most.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Modification time in seconds since 1970, fractions cut off.
    pub mtime: i64,
    /// Extended attributes, sorted by name.
    pub xattrs: Vec<(Vec<u8>, Vec<u8>)>,
    /// Keywords of extended headers that mean something an image cannot carry.
    pub unknown: Vec<Vec<u8>>,
    /// Whether a global extended header (of a comment) stands before the entry. Its name is
    /// `pax_global_header`, which podman takes for a path.
    pub global: bool,
    /// Offset of the entry's first header.
    pub offset: u64,
}
