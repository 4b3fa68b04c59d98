//! Bytes that lie somewhere and are read by offset, never loaded.

use crate::error::{Error, Result};
use rustix::fs::OFlags;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;

/// Opens a regular file for reading and nothing else: to open a pipe would wait for a writer, and
/// to open a device may act on it. `flags` come on top.
pub(crate) fn open_regular(path: &Path, flags: OFlags) -> Result<File> {
    let refused = |found: &std::fs::Metadata| {
        let regular = found.is_file();
        (!regular).then(|| Error::image(path.display().to_string(), "is not a regular file"))
    };
    let found = if flags.contains(OFlags::NOFOLLOW) {
        std::fs::symlink_metadata(path)
    } else {
        std::fs::metadata(path)
    };
    let found = found.map_err(|e| Error::file("open", path, e))?;
    if let Some(error) = refused(&found) {
        return Err(error);
    }
    // It may have become something else meanwhile.
    let flags = flags | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = File::options()
        .read(true)
        .custom_flags(i32::try_from(flags.bits()).unwrap_or(0))
        .open(path)
        .map_err(|e| Error::file("open", path, e))?;
    let found = file
        .metadata()
        .map_err(|e| Error::file("examine", path, e))?;
    refused(&found).map_or(Ok(file), Err)
}

#[derive(Debug)]
struct Backing {
    file: File,
    name: String,
}

/// A run of bytes of an open file. Cloning shares the file.
#[derive(Debug, Clone)]
pub struct Blob {
    backing: Arc<Backing>,
    offset: u64,
    len: u64,
}

impl Blob {
    /// Opens a whole regular file. Anything else is refused without waiting for it.
    pub fn open(path: &Path) -> Result<Self> {
        let file = open_regular(path, OFlags::empty())?;
        Self::new(file, path.display().to_string())
    }

    /// A whole open file; `name` is what errors call it.
    pub(crate) fn new(file: File, name: String) -> Result<Self> {
        let metadata = file
            .metadata()
            .map_err(|e| Error::io("examine", name.as_str(), e))?;
        if !metadata.is_file() {
            return Err(Error::image(name, "is not a regular file"));
        }
        Ok(Self {
            offset: 0,
            len: metadata.len(),
            backing: Arc::new(Backing { file, name }),
        })
    }

    /// Length in bytes.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The name of the file in errors.
    pub fn name(&self) -> &str {
        &self.backing.name
    }

    /// Whether both are one run of one open file.
    pub(crate) fn same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.backing, &other.backing)
            && (self.offset, self.len) == (other.offset, other.len)
    }

    /// The bytes `offset..offset + len`, or `None` where the blob has no such run.
    #[must_use]
    pub fn slice(&self, offset: u64, len: u64) -> Option<Self> {
        let end = offset.checked_add(len)?;
        (end <= self.len).then(|| Self {
            backing: Arc::clone(&self.backing),
            offset: self.offset + offset,
            len,
        })
    }

    /// Reads at `offset`, as many bytes as there are; 0 at the end.
    pub fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.len.saturating_sub(offset);
        let want = usize::try_from(left)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        let Some(window) = buffer.get_mut(..want) else {
            return Ok(0);
        };
        if window.is_empty() {
            return Ok(0);
        }
        loop {
            match self.backing.file.read_at(window, self.offset + offset) {
                // The file was as long as the blob says when it was opened.
                Ok(0) => {
                    return Err(io::Error::new(
                        io::ErrorKind::UnexpectedEof,
                        "the file became shorter",
                    ));
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => return other,
            }
        }
    }

    /// Reads until `buffer` is full or the blob ends; returns the count.
    pub(crate) fn fill_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut done = 0;
        while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
            match self.read_at(offset + done as u64, rest)? {
                0 => break,
                count => done += count,
            }
        }
        Ok(done)
    }

    /// A reader from the start.
    pub fn reader(&self) -> BlobReader {
        BlobReader {
            blob: self.clone(),
            at: 0,
        }
    }

    /// All bytes, if they are at most `limit`.
    pub(crate) fn read_all(&self, limit: u64, what: &str) -> Result<Vec<u8>> {
        if self.len > limit {
            return Err(Error::Limit {
                what: what.into(),
                limit,
                unit: "bytes",
                option: "--max-json-bytes",
            });
        }
        let mut bytes = vec![0; usize::try_from(self.len).unwrap_or(usize::MAX)];
        let count = self
            .fill_at(0, &mut bytes)
            .map_err(|e| Error::io("read", what, e))?;
        bytes.truncate(count);
        Ok(bytes)
    }
}

/// Reads a [`Blob`] in order.
#[derive(Debug)]
pub struct BlobReader {
    blob: Blob,
    at: u64,
}

impl Read for BlobReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.blob.read_at(self.at, buffer)?;
        self.at += count as u64;
        Ok(count)
    }
}
