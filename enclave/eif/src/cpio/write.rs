//! Writing archives: inode numbers by position, no times, no padding that depends on anything but
//! the contents.

use super::{HEADER, MAGIC, MAX_NAME, TRAILER};
use crate::compress::RamdiskSink;
use crate::error::{Error, Result};
use letsesign_escape::bytes as printable;
use std::io::{Read, Write};

/// How many names an entry has, and which inode it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Links {
    /// One name; directories too.
    One,
    /// The first of several names; it carries the contents.
    First {
        /// All of them together.
        count: u32,
    },
    /// A later name of the inode with this number, which [`NewcWriter::entry`] returned for the
    /// first.
    Again {
        /// All of them together.
        count: u32,
        /// The first one's inode number.
        inode: u32,
    },
}

/// Everything in an entry's header but the size.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry<'a> {
    /// Path without leading slash.
    pub(crate) path: &'a [u8],
    /// Type and permission bits.
    pub(crate) mode: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    /// Major and minor number of a device.
    pub(crate) device: (u32, u32),
    pub(crate) links: Links,
}

/// Writes one archive into a ramdisk.
pub(crate) struct NewcWriter<'s, 'p> {
    sink: &'s mut RamdiskSink<'p>,
    written: u64,
    next_inode: u32,
}

impl<'s, 'p> NewcWriter<'s, 'p> {
    pub(crate) fn new(sink: &'s mut RamdiskSink<'p>) -> Self {
        NewcWriter {
            sink,
            written: 0,
            next_inode: 1,
        }
    }

    /// Writes an entry with `size` bytes of contents from `contents`; returns its inode number.
    pub(crate) fn entry<R: Read + ?Sized>(
        &mut self,
        entry: &Entry<'_>,
        size: u64,
        contents: &mut R,
    ) -> Result<u32> {
        let inode = match entry.links {
            Links::Again { inode, .. } => inode,
            Links::One | Links::First { .. } => {
                let inode = self.next_inode;
                self.next_inode += 1;
                inode
            }
        };
        let links = match entry.links {
            // A directory has its own "." besides the name in its parent. Whether ".." counts is up
            // to the file system.
            Links::One => 1 + u32::from(entry.mode & super::mode::MASK == super::mode::DIR),
            Links::First { count } | Links::Again { count, .. } => count,
        };
        let size32 = check(entry.path, size)?;
        self.header(inode, entry, links, size32)?;
        let copied = self
            .sink
            .copy_from(contents, size, &|| printable(entry.path))?;
        if copied != size {
            return Err(refuse(
                entry.path,
                format!("ended after {copied} of {size} bytes: it changed while it was being read"),
            ));
        }
        self.written += size;
        self.pad()?;
        Ok(inode)
    }

    /// Writes the last entry.
    pub(crate) fn finish(mut self) -> Result<()> {
        let trailer = Entry {
            path: TRAILER,
            mode: 0,
            uid: 0,
            gid: 0,
            device: (0, 0),
            links: Links::One,
        };
        self.header(0, &trailer, 1, 0)
    }

    fn header(&mut self, inode: u32, entry: &Entry<'_>, links: u32, size: u32) -> Result<()> {
        let mut out = Vec::with_capacity(HEADER + entry.path.len() + 4);
        out.extend_from_slice(MAGIC);
        let name_size = u32::try_from(entry.path.len() + 1).unwrap_or(u32::MAX);
        let (major, minor) = entry.device;
        // ino, mode, uid, gid, nlink, mtime, filesize, devmajor, devminor, rdevmajor, rdevminor,
        // namesize, check
        let fields = [
            inode, entry.mode, entry.uid, entry.gid, links, 0, size, 0, 0, major, minor, name_size,
            0,
        ];
        for field in fields {
            // Writing to memory cannot fail.
            let _ = write!(out, "{field:08x}");
        }
        out.extend_from_slice(entry.path);
        out.push(0);
        self.sink.write(&out)?;
        self.written += out.len() as u64;
        self.pad()
    }

    fn pad(&mut self) -> Result<()> {
        let padding = super::padding(self.written);
        self.written += padding as u64;
        self.sink.write([0; 3].get(..padding).unwrap_or_default())
    }
}

/// Refuses an entry that the format cannot hold, before anything is written.
pub(crate) fn check(path: &[u8], size: u64) -> Result<u32> {
    if path.contains(&0) {
        return Err(refuse(
            path,
            "its name contains a NUL byte, which no file name can; repair the image".to_owned(),
        ));
    }
    if path.len() > MAX_NAME {
        return Err(refuse(
            path,
            format!(
                "its path has {} bytes; Linux unpacks at most {MAX_NAME}",
                path.len()
            ),
        ));
    }
    if path == TRAILER {
        return Err(refuse(
            path,
            "is the name that ends a cpio archive; rename the file".to_owned(),
        ));
    }
    u32::try_from(size).map_err(|_| {
        refuse(
            path,
            format!("has {size} bytes, but an initramfs holds files below 4 GiB; leave the file out, split it or send it to the enclave at run time"),
        )
    })
}

pub(crate) fn refuse(path: &[u8], reason: String) -> Error {
    Error::Entry {
        path: printable(path),
        reason,
    }
}
