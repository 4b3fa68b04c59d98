//! gzip and zstd: recognised by their first bytes, decompressed once into a file without a name.

use crate::blob::Blob;
use crate::error::{Error, Result};
use crate::limits::Limits;
use flate2::bufread::MultiGzDecoder;
use ruzstd::decoding::FrameDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use sha2::{Digest, Sha256};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::sync::atomic::{AtomicU64, Ordering};

/// How bytes are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Not at all, as far as the first bytes tell.
    None,
    /// RFC 1952, any number of members.
    Gzip,
    /// RFC 8878, any number of frames, skippable ones included.
    Zstd,
}

/// Bytes that decide.
const HEAD: usize = 6;

impl Compression {
    /// Looks at the first bytes. A compression that is known but not supported is an error that names it.
    pub fn detect(head: &[u8], what: &str) -> Result<Self> {
        let unsupported = |name: &str| {
            Err(Error::image(
                what,
                format!(
                    "is compressed with {name}, which images do not use; recompress it with gzip or zstd"
                ),
            ))
        };
        match head {
            [0x1f, 0x8b, ..] => Ok(Self::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Ok(Self::Zstd),
            [b'B', b'Z', b'h', ..] => unsupported("bzip2"),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => unsupported("xz"),
            [0x04, 0x22, 0x4d, 0x18, ..] => unsupported("lz4"),
            [b'L', b'Z', b'I', b'P', ..] => unsupported("lzip"),
            [0x5d, 0, 0, ..] => unsupported("lzma"),
            [0x1f, 0x9d, ..] => unsupported("compress (.Z)"),
            [b'P', b'K', 3, 4, ..] => unsupported("zip"),
            _ => Ok(Self::None),
        }
    }
}

/// Bytes ready for access by offset.
#[derive(Debug, Clone)]
pub(crate) struct Plain {
    pub(crate) blob: Blob,
    /// SHA-256 of the uncompressed bytes, where they were touched anyway.
    pub(crate) digest: Option<[u8; 32]>,
    pub(crate) compression: Compression,
}

/// The uncompressed bytes of `blob`: itself, or an unlinked temporary file in the folder for
/// temporary files. They are added to `spent`, which [`Limits::archive_bytes`] bounds.
pub(crate) fn uncompress(
    blob: &Blob,
    what: &str,
    limits: &Limits,
    spent: &AtomicU64,
) -> Result<Plain> {
    let mut head = [0; HEAD];
    let count = blob
        .fill_at(0, &mut head)
        .map_err(|e| Error::io("read", what, e))?;
    let compression = Compression::detect(head.get(..count).unwrap_or_default(), what)?;
    let buffered = BufReader::with_capacity(256 << 10, blob.reader());
    let (blob, digest) = match compression {
        Compression::None => {
            spend(blob.len(), what, limits, spent)?;
            return Ok(Plain {
                blob: blob.clone(),
                digest: None,
                compression,
            });
        }
        Compression::Gzip => spool(
            MultiGzDecoder::new(buffered),
            "decompress",
            what,
            limits,
            spent,
        )?,
        Compression::Zstd => spool(ZstdReader::new(buffered), "decompress", what, limits, spent)?,
    };
    Ok(Plain {
        blob,
        digest: Some(digest),
        compression,
    })
}

/// Copies a stream into an unlinked temporary file, counting and hashing.
pub(crate) fn spool(
    mut from: impl Read,
    action: &'static str,
    what: &str,
    limits: &Limits,
    spent: &AtomicU64,
) -> Result<(Blob, [u8; 32])> {
    let folder = std::env::temp_dir();
    let mut file = tempfile::tempfile_in(&folder).map_err(|e| {
        Error::io(
            "create a temporary file in",
            folder.display().to_string(),
            e,
        )
    })?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 256 << 10];
    loop {
        let count = match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(Error::io(action, what, error)),
        };
        spend(count as u64, what, limits, spent)?;
        let chunk = buffer.get(..count).unwrap_or_default();
        hash.update(chunk);
        file.write_all(chunk).map_err(|e| {
            Error::io(
                "write a temporary copy to",
                format!("{} (TMPDIR chooses another folder)", folder.display()),
                e,
            )
        })?;
    }
    Ok((Blob::new(file, what.to_owned())?, hash.finalize().into()))
}

fn spend(bytes: u64, what: &str, limits: &Limits, spent: &AtomicU64) -> Result<()> {
    let before = spent.fetch_add(bytes, Ordering::Relaxed);
    if before.saturating_add(bytes) <= limits.archive_bytes {
        return Ok(());
    }
    Err(Error::Limit {
        what: what.into(),
        limit: limits.archive_bytes,
        unit: "bytes uncompressed, all layers together",
        option: "--max-bytes",
    })
}

/// All frames of a zstd stream, checksums compared.
struct ZstdReader<R> {
    source: R,
    decoder: FrameDecoder,
    in_frame: bool,
}

impl<R: BufRead> ZstdReader<R> {
    fn new(source: R) -> Self {
        Self {
            source,
            decoder: FrameDecoder::new(),
            in_frame: false,
        }
    }

    /// Starts the next frame; false at the end of the stream.
    fn next_frame(&mut self) -> io::Result<bool> {
        loop {
            if self.source.fill_buf()?.is_empty() {
                return Ok(false);
            }
            match self.decoder.reset(&mut self.source) {
                Ok(()) => {
                    self.in_frame = true;
                    return Ok(true);
                }
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    let length = u64::from(length);
                    let skipped = io::copy(&mut (&mut self.source).take(length), &mut io::sink())?;
                    if skipped != length {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                }
                Err(error) => {
                    return Err(io::Error::new(
                        io::ErrorKind::InvalidData,
                        error.to_string(),
                    ));
                }
            }
        }
    }

    fn end_frame(&mut self) -> io::Result<()> {
        self.in_frame = false;
        match (
            self.decoder.get_checksum_from_data(),
            self.decoder.get_calculated_checksum(),
        ) {
            (Some(said), Some(is)) if said != is => Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "zstd checksum mismatch",
            )),
            _ => Ok(()),
        }
    }
}

impl<R: BufRead> Read for ZstdReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        use ruzstd::decoding::BlockDecodingStrategy::UptoBlocks;
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            if !self.in_frame && !self.next_frame()? {
                return Ok(0);
            }
            while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
                self.decoder
                    .decode_blocks(&mut self.source, UptoBlocks(1))
                    .map_err(|error| {
                        io::Error::new(io::ErrorKind::InvalidData, error.to_string())
                    })?;
            }
            if self.decoder.can_collect() == 0 {
                self.end_frame()?;
                continue;
            }
            return self.decoder.read(buffer);
        }
    }
}
