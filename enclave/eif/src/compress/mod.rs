//! Compression of ramdisks, in the formats that Linux unpacks at boot.
//!
//! The encoders are pure Rust and pick no code by processor, so their output, and with it PCR0 and
//! PCR2, depends on Cargo.lock alone. Work is split into blocks of fixed size, never by the number
//! of threads, for the same reason.

mod blocks;
mod decode;
mod gzip;
mod lz4;
mod lz4hc;
mod zstd;

pub(crate) use decode::{Packing, decoder};

use crate::error::{Error, Result};
use crate::pipeline::Pipeline;
use blocks::BlockEncoder;
use std::fmt;
use std::io::Read;
use std::str::FromStr;
use zstd::StreamEncoder;

/// How ramdisks are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compression {
    /// As they are.
    #[default]
    None,
    /// One gzip member; the level is 1 to 9.
    Gzip(u8),
    /// One zstd frame, level 1 with a window of 128 KiB.
    Zstd,
    /// The kernel's legacy lz4 frame, in blocks of 8 MiB, quickly.
    Lz4,
    /// The same frame, as small as its format allows, slowly.
    Lz4Hc,
}

impl Compression {
    /// gzip's level when none is named.
    pub const DEFAULT_GZIP_LEVEL: u8 = 6;
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Compression::None => f.write_str("none"),
            Compression::Gzip(Self::DEFAULT_GZIP_LEVEL) => f.write_str("gzip"),
            Compression::Gzip(level) => write!(f, "gzip:{level}"),
            Compression::Zstd => f.write_str("zstd"),
            Compression::Lz4 => f.write_str("lz4"),
            Compression::Lz4Hc => f.write_str("lz4hc"),
        }
    }
}

impl FromStr for Compression {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "none" => Ok(Compression::None),
            "gzip" => Ok(Compression::Gzip(Self::DEFAULT_GZIP_LEVEL)),
            "zstd" => Ok(Compression::Zstd),
            "lz4" => Ok(Compression::Lz4),
            "lz4hc" => Ok(Compression::Lz4Hc),
            _ => match text
                .strip_prefix("gzip:")
                .and_then(|level| level.parse().ok())
            {
                Some(level @ 1..=9) => Ok(Compression::Gzip(level)),
                _ => Err(format!(
                    "unknown compression {text:?}; known are none, gzip, gzip:1 to gzip:9, zstd, lz4 and lz4hc"
                )),
            },
        }
    }
}

/// Takes a ramdisk's plain bytes and puts them, compressed, into the current section of a pipeline.
pub(crate) struct RamdiskSink<'a> {
    pipeline: &'a mut Pipeline,
    encoder: Encoder,
}

enum Encoder {
    Plain,
    Blocks(BlockEncoder),
    Stream(StreamEncoder),
}

impl<'a> RamdiskSink<'a> {
    pub(crate) fn new(pipeline: &'a mut Pipeline, compression: Compression) -> Result<Self> {
        let encoder = match compression {
            Compression::None => Encoder::Plain,
            Compression::Gzip(level) => {
                Encoder::Blocks(BlockEncoder::new(gzip::Gzip::new(level), pipeline)?)
            }
            Compression::Lz4 => Encoder::Blocks(BlockEncoder::new(lz4::Lz4::Fast, pipeline)?),
            Compression::Lz4Hc => Encoder::Blocks(BlockEncoder::new(lz4::Lz4::High, pipeline)?),
            Compression::Zstd => Encoder::Stream(StreamEncoder::new()?),
        };
        Ok(RamdiskSink { pipeline, encoder })
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        match &mut self.encoder {
            Encoder::Plain => self.pipeline.write(bytes),
            Encoder::Blocks(encoder) => encoder.write(bytes, self.pipeline),
            Encoder::Stream(encoder) => encoder.write(bytes, self.pipeline),
        }
    }

    /// Appends up to `limit` bytes of `source`; returns how many came. Plain ramdisks are read
    /// straight into the ring.
    pub(crate) fn copy_from<R: Read + ?Sized>(
        &mut self,
        source: &mut R,
        limit: u64,
        what: &dyn Fn() -> String,
    ) -> Result<u64> {
        if let Encoder::Plain = self.encoder {
            return self.pipeline.copy_from(source, limit, what);
        }
        let mut buffer = vec![0; crate::pipeline::BUFFER_SIZE];
        let mut source = source.take(limit);
        let mut copied = 0;
        loop {
            let count = match source.read(&mut buffer) {
                Ok(0) => return Ok(copied),
                Ok(count) => count,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(Error::read(what())(error)),
            };
            self.write(buffer.get(..count).unwrap_or_default())?;
            copied += count as u64;
        }
    }

    /// Writes what is left and pads the section with zeros to a multiple of 4. A loader puts
    /// ramdisks one after the other into memory, and Linux finds a plain cpio archive only at such
    /// an offset; it skips the zeros. An lz4 legacy frame has no end mark, so at least one empty
    /// block size (4 zero bytes) must follow it.
    pub(crate) fn finish(self) -> Result<()> {
        let ending = match self.encoder {
            Encoder::Plain => 0,
            Encoder::Blocks(encoder) => encoder.finish(self.pipeline)?,
            Encoder::Stream(encoder) => {
                encoder.finish(self.pipeline)?;
                0
            }
        };
        let zeros = [0_u8; 8];
        let size = self.pipeline.section_size() + ending as u64;
        let padding = ending + crate::cpio::padding(size);
        self.pipeline
            .write(zeros.get(..padding).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests;
