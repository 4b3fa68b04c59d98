//! The "newc" cpio format of Linux's initramfs
//! (`Documentation/driver-api/early-userspace/buffer-format.rst`).
//!
//! An entry is a header of 110 ASCII bytes, the name with a NUL, and the contents; each part is
//! padded with zeros to a multiple of 4. The archive ends with an entry named `TRAILER!!!`. Numbers
//! are 8 hexadecimal digits, so no file can have 4 GiB or more.

mod read;
mod write;

pub(crate) use read::{CpioReader, EntryHeader, Item};
pub(crate) use write::{Entry, Links, NewcWriter, check, refuse};

/// Magic of the only variant that is written.
const MAGIC: &[u8; 6] = b"070701";
/// Bytes of a header.
const HEADER: usize = 110;
/// Name of the last entry.
const TRAILER: &[u8] = b"TRAILER!!!";
/// Longest name and symbolic link target, without NUL; Linux skips longer ones without a word
/// (PATH_MAX is 4096).
pub(crate) const MAX_NAME: usize = 4095;

/// Zeros after this many bytes, up to the next multiple of 4.
pub(crate) fn padding(position: u64) -> usize {
    match position % 4 {
        1 => 3,
        2 => 2,
        3 => 1,
        _ => 0,
    }
}

/// File type bits of a mode (`S_IFMT` and its values, <sys/stat.h>).
pub(crate) mod mode {
    pub(crate) const MASK: u32 = 0o170_000;
    pub(crate) const FIFO: u32 = 0o010_000;
    pub(crate) const CHAR: u32 = 0o020_000;
    pub(crate) const DIR: u32 = 0o040_000;
    pub(crate) const BLOCK: u32 = 0o060_000;
    pub(crate) const FILE: u32 = 0o100_000;
    pub(crate) const SYMLINK: u32 = 0o120_000;
    pub(crate) const SOCKET: u32 = 0o140_000;
}

#[cfg(test)]
mod tests;
