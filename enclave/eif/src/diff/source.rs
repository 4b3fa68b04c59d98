//! A ramdisk's bytes, counted, with a lookahead of four bytes.

use std::io::{self, BufRead, Read};

/// Bytes of the longest magic.
const MAGIC: usize = 4;

/// Counts what is taken out of it.
pub(super) struct Source<R> {
    inner: R,
    /// Lookahead bytes across the boundary of two buffers.
    ahead: Vec<u8>,
    position: u64,
}

impl<R: BufRead> Source<R> {
    pub(super) fn new(inner: R) -> Self {
        Source {
            inner,
            ahead: Vec::new(),
            position: 0,
        }
    }

    /// Bytes taken so far.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// The next bytes: at least as many as a magic has, or all that are left.
    pub(super) fn head(&mut self) -> io::Result<&[u8]> {
        if self.ahead.is_empty() && self.inner.fill_buf()?.len() >= MAGIC {
            return self.inner.fill_buf();
        }
        while self.ahead.len() < MAGIC {
            let more = self.inner.fill_buf()?;
            let count = more.len().min(MAGIC - self.ahead.len());
            if count == 0 {
                break;
            }
            self.ahead
                .extend_from_slice(more.get(..count).unwrap_or_default());
            self.inner.consume(count);
        }
        Ok(&self.ahead)
    }
}

/// Fails, rather than ends, beyond a number of bytes: Linux would unpack the rest, and a silent end
/// would hide it.
pub(super) struct Limited<'a, R> {
    pub(super) inner: R,
    pub(super) left: &'a mut u64,
}

impl<R: Read> Read for Limited<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        *self.left = self.left.checked_sub(count as u64).ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::InvalidData,
                "more compressed data than any enclave has room for",
            )
        })?;
        Ok(count)
    }
}

impl<R: BufRead> BufRead for Source<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.ahead.is_empty() {
            self.inner.fill_buf()
        } else {
            Ok(&self.ahead)
        }
    }

    fn consume(&mut self, count: usize) {
        self.position += count as u64;
        if self.ahead.is_empty() {
            self.inner.consume(count);
        } else {
            self.ahead.drain(..count.min(self.ahead.len()));
        }
    }
}

impl<R: BufRead> Read for Source<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}
