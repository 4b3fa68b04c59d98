//! Unpacking, for comparing ramdisks. Memory is bounded whatever the input claims.

use super::lz4;
use std::io::{self, BufRead, Read};

/// How an archive inside a ramdisk is stored. Its first bytes decide, as in Linux.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Packing {
    None,
    Gzip,
    Zstd,
    Lz4,
    /// Linux may know it; this crate does not.
    Unknown,
}

impl Packing {
    pub(crate) fn of(head: &[u8]) -> Self {
        match head {
            [b'0', b'7', b'0', b'7', ..] => Packing::None,
            [0x1f, 0x8b, ..] => Packing::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Packing::Zstd,
            [a, b, c, d, ..] if [*a, *b, *c, *d] == lz4::MAGIC => Packing::Lz4,
            _ => Packing::Unknown,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Packing::None => "none",
            Packing::Gzip => "gzip",
            Packing::Zstd => "zstd",
            Packing::Lz4 => "lz4",
            Packing::Unknown => "unknown",
        }
    }
}

/// Reads the plain bytes of the archive that starts at `source`, and leaves `source` after its end
/// once the decoder has reported the end of its data.
pub(crate) fn decoder<'a, R: BufRead>(
    packing: Packing,
    source: &'a mut R,
) -> io::Result<Box<dyn Read + 'a>> {
    match packing {
        Packing::None => Ok(Box::new(source)),
        Packing::Gzip => {
            plain_gzip(source.fill_buf()?)?;
            Ok(Box::new(flate2::bufread::GzDecoder::new(source)))
        }
        Packing::Zstd => ruzstd::decoding::StreamingDecoder::new(source)
            .map(|decoder| Box::new(decoder) as Box<dyn Read + 'a>)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.to_string())),
        Packing::Lz4 => Ok(Box::new(Lz4Reader::new(source)?)),
        Packing::Unknown => Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "unknown compression",
        )),
    }
}

/// Linux's gunzip knows the method deflate and a file name in the header, and takes everything else
/// there for compressed data: the same file would unpack to other files.
fn plain_gzip(head: &[u8]) -> io::Result<()> {
    const FILE_NAME: u8 = 8;
    match head {
        [_, _, 8, flags, ..] if flags & !FILE_NAME == 0 => Ok(()),
        _ => Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "gzip: a header that Linux reads otherwise than RFC 1952",
        )),
    }
}

struct Lz4Reader<R> {
    source: R,
    packed: Vec<u8>,
    plain: Vec<u8>,
    taken: usize,
    filled: usize,
}

impl<R: Read> Lz4Reader<R> {
    fn new(mut source: R) -> io::Result<Self> {
        let mut magic = [0; 4];
        source.read_exact(&mut magic)?;
        Ok(Lz4Reader {
            source,
            packed: Vec::new(),
            plain: Vec::new(),
            taken: 0,
            filled: 0,
        })
    }

    /// False at the end: no more bytes, or an empty block size.
    fn next_block(&mut self) -> io::Result<bool> {
        let mut size = [0; 4];
        let bad = |text: String| io::Error::new(io::ErrorKind::InvalidData, text);
        let mut filled = 0;
        while let Some(room) = size.get_mut(filled..).filter(|room| !room.is_empty()) {
            match self.source.read(room)? {
                0 => break,
                count => filled += count,
            }
        }
        if filled < size.len() && size != [0; 4] {
            return Err(bad(
                "lz4: the data ends inside the size of a block".to_owned()
            ));
        }
        // Linux takes the magic of a further frame for a block of no bytes.
        if size == lz4::MAGIC {
            self.filled = 0;
            self.taken = 0;
            return Ok(true);
        }
        let size = u32::from_le_bytes(size) as usize;
        if size == 0 {
            return Ok(false);
        }
        if size > lz4_flex::block::get_maximum_output_size(lz4::BLOCK) {
            return Err(bad(format!(
                "lz4 block of {size} bytes is larger than any block can be"
            )));
        }
        self.packed.resize(size, 0);
        self.source.read_exact(&mut self.packed)?;
        self.plain.resize(lz4::BLOCK, 0);
        self.taken = 0;
        self.filled = lz4_flex::block::decompress_into(&self.packed, &mut self.plain)
            .map_err(|error| bad(format!("lz4: {error}")))?;
        Ok(true)
    }
}

impl<R: Read> Read for Lz4Reader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.taken == self.filled {
            if !self.next_block()? {
                return Ok(0);
            }
        }
        let mut ready = self.plain.get(self.taken..self.filled).unwrap_or_default();
        let count = ready.read(buffer)?;
        self.taken += count;
        Ok(count)
    }
}
