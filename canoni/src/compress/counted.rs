//! How far a reader has come.

use std::cell::Cell;
use std::io::{self, BufRead, Read};
use std::rc::Rc;

/// A reader that counts the bytes that were consumed.
pub(super) struct Counted<R> {
    source: R,
    count: Rc<Cell<u64>>,
}

impl<R: BufRead> Counted<R> {
    /// The reader, and its count for whoever asks later.
    pub(super) fn new(source: R) -> (Self, Rc<Cell<u64>>) {
        let count = Rc::new(Cell::new(0));
        let reader = Self {
            source,
            count: Rc::clone(&count),
        };
        (reader, count)
    }

    /// Bytes so far.
    pub(super) fn at(&self) -> u64 {
        self.count.get()
    }
}

impl<R: BufRead> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut piece = self.fill_buf()?;
        let count = piece.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}

impl<R: BufRead> BufRead for Counted<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.source.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        self.count.set(self.count.get() + count as u64);
        self.source.consume(count);
    }
}
