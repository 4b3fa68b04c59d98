//! Bounds that keep a hostile image from exhausting disk, memory or time.

use crate::content::Content;
use crate::error::{Error, Result};
use crate::tar::{TarEntry, TarKind};

/// Limits of one image. Every limit can be raised by the caller; none can be switched off by the
/// image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the archive once uncompressed, and of all its image's layers together.
    pub archive_bytes: u64,
    /// Bytes of all file contents of an image's layers, sparse files expanded.
    pub content_bytes: u64,
    /// Entries of the archive, and of an image's layers together.
    pub entries: u64,
    /// Bytes of all paths, link targets, extended attributes and sparse maps of an image's layers.
    /// Folders that no entry names may take a sixteenth of it: a single deep path implies thousands
    /// of them.
    pub name_bytes: u64,
    /// Bytes of one config, manifest or index.
    pub json_bytes: u64,
    /// Bytes of one extended (PAX) or long-name (GNU) header.
    pub header_bytes: u64,
    /// Layers of an image.
    pub layers: usize,
}

impl Default for Limits {
    /// 64 GiB for the archive and for the layers, 4 million entries, 512 MiB of names, 8 MiB of
    /// JSON, 1 MiB per extended header, 1000 layers.
    fn default() -> Self {
        Self {
            archive_bytes: 64 << 30,
            content_bytes: 64 << 30,
            entries: 4_000_000,
            name_bytes: 512 << 20,
            json_bytes: 8 << 20,
            header_bytes: 1 << 20,
            layers: 1000,
        }
    }
}

/// Part of [`Limits::name_bytes`] for folders that no entry names.
const IMPLIED: u64 = 16;

/// Counts what the layers of one image cost in memory while they are read, one after the other.
#[derive(Debug)]
pub(crate) struct Meter {
    limits: Limits,
    entries: u64,
    content: u64,
    names: u64,
    implied: u64,
}

impl Meter {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            limits: *limits,
            entries: 0,
            content: 0,
            names: 0,
            implied: 0,
        }
    }

    /// The remainder for the next layer, after those that were read.
    pub(crate) fn left(&self) -> Limits {
        Limits {
            content_bytes: self.limits.content_bytes.saturating_sub(self.content),
            entries: self.limits.entries.saturating_sub(self.entries),
            name_bytes: self.limits.name_bytes.saturating_sub(self.names),
            ..self.limits
        }
    }

    /// Counts the entries of a layer that was read within [`Meter::left`].
    pub(crate) fn count(&mut self, entries: &[TarEntry]) {
        self.entries = self.entries.saturating_add(entries.len() as u64);
        for entry in entries {
            self.names = self.names.saturating_add(name_bytes(entry));
            if let TarKind::File(content) = &entry.kind {
                self.content = self.content.saturating_add(content.len());
            }
        }
    }

    /// Checks the bytes of implied folders, `now` of them in the layer that is being read.
    pub(crate) fn check_implied(&self, now: u64, layer: &str) -> Result<()> {
        let limit = self.limits.name_bytes / IMPLIED;
        if self.implied.saturating_add(now) <= limit {
            return Ok(());
        }
        Err(Error::Limit {
            what: layer.into(),
            limit,
            unit: "bytes for folders that no entry names (a sixteenth of the limit on \
                names)",
            option: "--max-name-bytes",
        })
    }

    /// The same, at the end of the layer.
    pub(crate) fn count_implied(&mut self, bytes: u64) {
        self.implied = self.implied.saturating_add(bytes);
    }
}

/// Bytes that an entry holds in memory beyond a fixed size.
pub(crate) fn name_bytes(entry: &TarEntry) -> u64 {
    let link = match &entry.kind {
        TarKind::Symlink(target) | TarKind::HardLink(target) => target.len(),
        TarKind::File(Content::Sparse { extents, .. }) => size_of_val(&**extents),
        _ => 0,
    };
    let xattrs = entry
        .xattrs
        .iter()
        .map(|(name, value)| name.len() + value.len());
    let unknown = entry.unknown.iter().map(Vec::len);
    let sum = entry.path.len() + link + xattrs.chain(unknown).sum::<usize>();
    sum as u64
}
