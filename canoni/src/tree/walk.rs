//! All contents in order, for consumers that write an archive.

use super::{Entry, Tree};
use crate::error::{Error, Result, printable};
use std::io::Read;

/// Takes a tree's entries and contents in order; see [`Tree::visit`].
pub trait Visitor {
    /// The consumer's error.
    type Error: From<Error>;

    /// The next entry. For a regular file exactly `size` bytes follow through [`Visitor::data`].
    fn entry(&mut self, index: usize, entry: &Entry) -> Result<(), Self::Error>;

    /// The next bytes of the current file, never empty.
    fn data(&mut self, chunk: &[u8]) -> Result<(), Self::Error>;
}

impl Tree {
    /// Hands all entries and contents to `visitor`, contents in chunks as large as `buffer` allows
    /// (256 KiB to 1 MiB serve well). A consumer that has buffers of its own to fill uses
    /// [`Tree::open`] instead, whose reader reads straight into them.
    pub fn visit<V: Visitor>(&self, buffer: &mut [u8], visitor: &mut V) -> Result<(), V::Error> {
        for (index, entry) in self.entries().iter().enumerate() {
            visitor.entry(index, entry)?;
            let Some(content) = entry.content() else {
                continue;
            };
            if content.is_empty() {
                continue;
            }
            let mut reader = content.open()?;
            while reader.remaining() > 0 {
                let count = match reader.read(buffer) {
                    // Only an empty buffer reads nothing while something remains.
                    Ok(0) => {
                        return Err(Error::io(
                            "read",
                            printable(&entry.path),
                            std::io::ErrorKind::WriteZero.into(),
                        )
                        .into());
                    }
                    Ok(count) => count,
                    Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                    Err(error) => {
                        return Err(Error::io("read", printable(&entry.path), error).into());
                    }
                };
                visitor.data(buffer.get(..count).unwrap_or_default())?;
            }
        }
        Ok(())
    }
}
