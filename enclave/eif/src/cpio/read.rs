//! Reading archives as Linux unpacks them (`init/initramfs.c` of Linux 6.12), to list the contents
//! of a ramdisk. Bounded in memory.
//!
//! Linux reads one entry after the other. At an end mark, `TRAILER!!!`, it forgets the hard links
//! and reads on. Input that Linux refuses, or skips in a way that depends on its buffers, is an
//! error here.

use super::{HEADER, MAX_NAME, TRAILER, mode};
use std::io::{self, BufRead, Read};

/// Longest target of a symbolic link; Linux skips longer ones (PATH_MAX).
const MAX_TARGET: u32 = 4096;

/// The next item in a stream of entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Item {
    /// An entry; its contents can be read.
    Entry(EntryHeader),
    /// An end mark; entries may follow. `odd` when it has contents or anything else that an end
    /// mark does not need.
    Trailer { odd: bool },
    /// Something other than an entry follows: in a ramdisk, compressed data.
    Foreign,
    /// Nothing follows.
    End,
}

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
    /// Number of the device that an entry stands for.
    pub(crate) device: (u32, u32),
    /// Number of the device that the file was on; with the inode number it identifies hard links.
    pub(crate) origin: (u32, u32),
}

/// Yields the entries of a stream.
pub(crate) struct CpioReader<R> {
    source: R,
    /// Bytes from the start of the stream, as Linux counts them for alignment.
    position: u64,
    /// Contents of the current entry not yet read.
    left: u64,
    /// The sum over the contents that the header demands (`070702`), and the sum so far.
    checksum: Option<u32>,
    sum: u32,
}

impl<R: BufRead> CpioReader<R> {
    /// A stream whose first byte Linux counts as number `position`.
    pub(crate) fn new(source: R, position: u64) -> Self {
        CpioReader {
            source,
            position,
            left: 0,
            checksum: None,
            sum: 0,
        }
    }

    /// Offset of the next byte, as Linux counts it for alignment.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// Reads the current item to its end and returns the item after it.
    pub(crate) fn next_item(&mut self) -> io::Result<Item> {
        io::copy(&mut Read::by_ref(self), &mut io::sink())?;
        if self.checksum.take().is_some_and(|sum| sum != self.sum) {
            return Err(self.bad("the sum over the contents before it is wrong"));
        }
        self.skip_padding()?;
        // Linux skips zeros between entries, as many as there are.
        let next = loop {
            let head = self.source.fill_buf()?;
            let zeros = head.iter().take_while(|byte| **byte == 0).count();
            let (next, empty) = (head.get(zeros).copied(), head.is_empty());
            self.source.consume(zeros);
            self.position += zeros as u64;
            match next {
                Some(next) => break next,
                None if empty => return Ok(Item::End),
                None => {}
            }
        };
        if !self.position.is_multiple_of(4) {
            return Err(self.bad("an offset that is not a multiple of 4"));
        }
        if next != b'0' {
            return Ok(Item::Foreign);
        }
        self.entry()
    }

    fn entry(&mut self) -> io::Result<Item> {
        let start = self.position;
        let bad = |what: &str| invalid(what, start);
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
            file_mode,
            uid,
            gid,
            links,
            mtime,
            size,
            origin_major,
            origin_minor,
            major,
            minor,
            name_size,
            checksum,
        ] = numbers;
        let name_size = name_size as usize;
        if name_size == 0 || name_size > MAX_NAME + 1 {
            return Err(bad("the length of the name is out of range"));
        }
        // Linux keeps 16 bits of a mode and takes the file type from them.
        if file_mode > 0o177_777 {
            return Err(bad("the mode has bits that no mode has"));
        }
        let kind = file_mode & mode::MASK;
        // Linux reads no name here and skips the entry into a state that its buffers decide.
        if kind != mode::FILE && kind != mode::SYMLINK && size > 0 {
            return Err(bad("contents of what is neither file nor symbolic link"));
        }
        if kind == mode::SYMLINK && size > MAX_TARGET {
            return Err(bad("the target of a symbolic link is too long"));
        }
        let mut path = vec![0; name_size];
        self.read_all(&mut path)?;
        if path.pop() != Some(0) || path.contains(&0) {
            return Err(bad("the name does not end at its NUL"));
        }
        self.skip_padding()?;
        self.left = u64::from(size);
        self.sum = 0;
        // A symbolic link of this name is a symbolic link.
        if path == TRAILER && kind != mode::SYMLINK {
            let fields = [inode, file_mode, uid, gid, mtime, size];
            let more = [origin_major, origin_minor, major, minor, checksum];
            let odd = fields.iter().chain(&more).any(|field| *field != 0);
            return Ok(Item::Trailer { odd });
        }
        // Linux compares the sum of files alone.
        self.checksum = (magic == b"070702" && kind == mode::FILE).then_some(checksum);
        Ok(Item::Entry(EntryHeader {
            path,
            inode,
            mode: file_mode,
            uid,
            gid,
            links,
            mtime,
            size,
            device: (major, minor),
            origin: (origin_major, origin_minor),
        }))
    }

    fn bad(&self, what: &str) -> io::Error {
        invalid(what, self.position)
    }

    /// A stream may end where padding is due.
    fn skip_padding(&mut self) -> io::Result<()> {
        let mut left = super::padding(self.position);
        while left > 0 {
            let count = self.source.fill_buf()?.len().min(left);
            if count == 0 {
                break;
            }
            self.source.consume(count);
            self.position += count as u64;
            left -= count;
        }
        Ok(())
    }

    fn read_all(&mut self, target: &mut [u8]) -> io::Result<()> {
        self.source.read_exact(target)?;
        self.position += target.len() as u64;
        Ok(())
    }
}

fn invalid(what: &str, at: u64) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("{what} in the cpio header at {at}"),
    )
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
        if self.checksum.is_some() {
            let bytes = target.get(..count).unwrap_or_default();
            self.sum = bytes
                .iter()
                .fold(self.sum, |sum, byte| sum.wrapping_add(u32::from(*byte)));
        }
        self.left -= count as u64;
        self.position += count as u64;
        Ok(count)
    }
}
