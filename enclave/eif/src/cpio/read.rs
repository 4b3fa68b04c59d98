//! Reading archives, for comparing ramdisks. Strict about what it understands, bounded in memory.

use super::{HEADER, MAX_NAME, TRAILER};
use std::io::{self, Read};

/// One entry's header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EntryHeader {
    pub(crate) path: Vec<u8>,
    pub(crate) inode: u32,
    pub(crate) mode: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) links: u32,
    pub(crate) mtime: u32,
    pub(crate) size: u32,
    pub(crate) device: (u32, u32),
}

/// Yields the entries of one archive.
pub(crate) struct CpioReader<R> {
    source: R,
    position: u64,
    /// Contents and padding of the current entry not yet read.
    left: u64,
}

impl<R: Read> CpioReader<R> {
    pub(crate) fn new(source: R) -> Self {
        CpioReader {
            source,
            position: 0,
            left: 0,
        }
    }

    /// The next entry, after the contents of the one before; `None` after the trailer.
    pub(crate) fn next_entry(&mut self) -> io::Result<Option<EntryHeader>> {
        io::copy(&mut Read::by_ref(self), &mut io::sink())?;
        self.skip_padding()?;
        let start = self.position;
        let bad = |what: &str| {
            io::Error::new(
                io::ErrorKind::InvalidData,
                format!("{what} in the cpio header at {start}"),
            )
        };
        let mut header = [0; HEADER];
        self.read_all(&mut header)?;
        let (magic, mut fields) = header.split_at(6);
        if magic != b"070701" && magic != b"070702" {
            return Err(bad("no \"070701\" magic"));
        }
        let mut numbers = [0; 13];
        for number in &mut numbers {
            let (digits, rest) = fields.split_at(8);
            fields = rest;
            let text = std::str::from_utf8(digits)
                .ok()
                .filter(|text| text.bytes().all(|b| b.is_ascii_hexdigit()));
            *number = text
                .and_then(|text| u32::from_str_radix(text, 16).ok())
                .ok_or_else(|| bad("a number is not hexadecimal"))?;
        }
        let [
            inode,
            mode,
            uid,
            gid,
            links,
            mtime,
            size,
            _,
            _,
            major,
            minor,
            name_size,
            _,
        ] = numbers;
        let name_size = name_size as usize;
        if name_size == 0 || name_size > MAX_NAME + 1 {
            return Err(bad("the length of the name is out of range"));
        }
        let mut path = vec![0; name_size];
        self.read_all(&mut path)?;
        if path.pop() != Some(0) || path.contains(&0) {
            return Err(bad("the name does not end at its NUL"));
        }
        self.skip_padding()?;
        if path == TRAILER {
            return Ok(None);
        }
        self.left = u64::from(size);
        Ok(Some(EntryHeader {
            path,
            inode,
            mode,
            uid,
            gid,
            links,
            mtime,
            size,
            device: (major, minor),
        }))
    }

    fn skip_padding(&mut self) -> io::Result<()> {
        let padding = super::padding(self.position);
        let mut zeros = [0; 3];
        match zeros.get_mut(..padding) {
            Some(zeros) => self.read_all(zeros),
            None => Ok(()),
        }
    }

    fn read_all(&mut self, target: &mut [u8]) -> io::Result<()> {
        self.source.read_exact(target)?;
        self.position += target.len() as u64;
        Ok(())
    }
}

/// Reads the contents of the current entry.
impl<R: Read> Read for CpioReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let want = usize::try_from(self.left)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        let Some(target) = buffer.get_mut(..want).filter(|target| !target.is_empty()) else {
            return Ok(0);
        };
        let count = self.source.read(target)?;
        if count == 0 {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the archive ends inside a file",
            ));
        }
        self.left -= count as u64;
        self.position += count as u64;
        Ok(count)
    }
}
