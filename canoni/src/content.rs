//! The bytes of a regular file, wherever they lie.

use crate::blob::{Blob, open_regular};
use crate::error::{Error, Result};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

/// One run of data of a sparse file; what no extent covers reads as zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// Where in the file the run begins.
    pub offset: u64,
    /// Length of the run.
    pub len: u64,
    /// Where in the blob the run's bytes lie.
    pub stored: u64,
}

/// Where a regular file's content comes from. Cloning is cheap.
#[derive(Debug, Clone)]
pub enum Content {
    /// Bytes in memory.
    Bytes(Arc<[u8]>),
    /// A run of an open file, such as an entry of a tar archive.
    Blob(Blob),
    /// A sparse file of `len` bytes, kept as the runs that are not zero, ascending and apart.
    Sparse {
        /// The bytes that the runs point into.
        blob: Blob,
        /// The runs.
        extents: Arc<[Extent]>,
        /// Length when expanded.
        len: u64,
    },
    /// A file on disk, opened when it is read. It must still have this length then.
    File {
        /// Its path.
        path: Arc<Path>,
        /// Its length.
        len: u64,
    },
}

impl Content {
    /// Length in bytes, sparse files expanded.
    pub fn len(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Blob(blob) => blob.len(),
            Self::Sparse { len, .. } | Self::File { len, .. } => *len,
        }
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Opens the content for reading from its start.
    ///
    /// The reader has no buffer of its own: each `read` goes straight into the caller's slice, so
    /// give it large ones. It yields exactly [`Content::len`] bytes or fails, also when a file
    /// changed its length meanwhile.
    pub fn open(&self) -> Result<ContentReader> {
        let source = match self {
            Self::Bytes(bytes) => Source::Bytes(Arc::clone(bytes)),
            Self::Blob(blob) => Source::Blob(blob.clone()),
            Self::Sparse { blob, extents, .. } => Source::Sparse {
                blob: blob.clone(),
                extents: Arc::clone(extents),
                next: 0,
            },
            Self::File { path, len } => {
                let file = open_regular(path, rustix::fs::OFlags::NOFOLLOW)?;
                let metadata = file
                    .metadata()
                    .map_err(|e| Error::file("examine", path, e))?;
                if metadata.len() != *len {
                    return Err(Error::image(
                        path.display().to_string(),
                        "changed while it was being read; try again",
                    ));
                }
                Source::File(file)
            }
        };
        Ok(ContentReader {
            source,
            at: 0,
            len: self.len(),
        })
    }
}

impl From<Vec<u8>> for Content {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes.into())
    }
}

#[derive(Debug)]
enum Source {
    Bytes(Arc<[u8]>),
    Blob(Blob),
    Sparse {
        blob: Blob,
        extents: Arc<[Extent]>,
        next: usize,
    },
    File(File),
}

/// Reads a [`Content`] in order; see [`Content::open`].
#[derive(Debug)]
pub struct ContentReader {
    source: Source,
    at: u64,
    len: u64,
}

impl ContentReader {
    /// Bytes not yet read.
    pub fn remaining(&self) -> u64 {
        self.len - self.at
    }
}

impl Read for ContentReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let want = usize::try_from(self.remaining())
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        let Some(window) = buffer.get_mut(..want).filter(|window| !window.is_empty()) else {
            return Ok(0);
        };
        let count = match &mut self.source {
            Source::Bytes(bytes) => {
                let start = usize::try_from(self.at).unwrap_or(usize::MAX);
                let from = bytes
                    .get(start..start.saturating_add(want))
                    .unwrap_or_default();
                window.copy_from_slice(from);
                from.len()
            }
            Source::Blob(blob) => blob.read_at(self.at, window)?,
            Source::Sparse {
                blob,
                extents,
                next,
            } => read_sparse(blob, extents, next, self.at, window)?,
            Source::File(file) => match file.read(window)? {
                0 => {
                    return Err(io::Error::new(
                        io::ErrorKind::UnexpectedEof,
                        "the file became shorter while it was being read",
                    ));
                }
                count => count,
            },
        };
        self.at += count as u64;
        Ok(count)
    }
}

/// Reads at `at`, zeros or data, up to the next boundary between the two.
fn read_sparse(
    blob: &Blob,
    extents: &[Extent],
    next: &mut usize,
    at: u64,
    window: &mut [u8],
) -> io::Result<usize> {
    while extents
        .get(*next)
        .is_some_and(|extent| extent.offset + extent.len <= at)
    {
        *next += 1;
    }
    let (data, boundary) = match extents.get(*next) {
        None => (None, u64::MAX),
        Some(extent) if extent.offset > at => (None, extent.offset),
        Some(extent) => (
            Some(extent.stored + (at - extent.offset)),
            extent.offset + extent.len,
        ),
    };
    let want = usize::try_from(boundary - at)
        .unwrap_or(usize::MAX)
        .min(window.len());
    let Some(window) = window.get_mut(..want) else {
        return Ok(0);
    };
    if let Some(stored) = data {
        return blob.read_at(stored, window);
    }
    window.fill(0);
    Ok(want)
}
