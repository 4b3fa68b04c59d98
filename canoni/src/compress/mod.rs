//! gzip, zstd, xz and bzip2: recognised by their first bytes, decompressed once into a file without
//! a name.

mod counted;
mod gzip;
mod zstd;

use crate::blob::Blob;
use crate::error::{Error, Result};
use crate::limits::Limits;
use bzip2::bufread::MultiBzDecoder;
use counted::Counted;
use gzip::GzipReader;
use lzma_rust2::XzReader;
use sha2::{Digest, Sha256};
use std::fmt;
use std::io::{self, BufReader, Read, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use zstd::ZstdReader;

/// How bytes are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Not at all, as far as the first bytes tell.
    None,
    /// RFC 1952, any number of members.
    Gzip,
    /// RFC 8878, any number of frames, skippable ones included.
    Zstd,
    /// The .xz format, any number of streams.
    Xz,
    /// bzip2, any number of streams.
    Bzip2,
}

/// Bytes that decide.
const HEAD: usize = 6;
/// Memory of the xz decoder, in KiB. `xz -9` needs 65 MiB; a header may ask for 4 GiB.
const XZ_MEMORY: u32 = 256 << 10;

/// The action that fails where compressed bytes are damaged.
const DECOMPRESS: &str = "decompress";

impl fmt::Display for Compression {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::None => "not compressed",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Xz => "xz",
            Self::Bzip2 => "bzip2",
        })
    }
}

impl Compression {
    /// Looks at the first bytes. A compression that is known but not supported is an error that
    /// names it.
    pub fn detect(head: &[u8], what: &str) -> Result<Self> {
        let unsupported = |name: &str| {
            Err(Error::image(
                what,
                format!(
                    "is compressed with {name}, which images do not use; recompress it with gzip, zstd, \
                     xz or bzip2"
                ),
            ))
        };
        match head {
            [0x1f, 0x8b, ..] => Ok(Self::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Ok(Self::Zstd),
            [b'B', b'Z', b'h', b'1'..=b'9', ..] => Ok(Self::Bzip2),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Ok(Self::Xz),
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
    let (source, at) = Counted::new(BufReader::with_capacity(256 << 10, blob.reader()));
    let plain: Box<dyn Read> = match compression {
        Compression::None => {
            spend(blob.len(), what, limits, spent)?;
            return Ok(Plain {
                blob: blob.clone(),
                digest: None,
                compression,
            });
        }
        Compression::Gzip => Box::new(GzipReader::new(source)),
        Compression::Zstd => Box::new(ZstdReader::new(source)),
        Compression::Xz => Box::new(XzReader::new_mem_limit(source, true, XZ_MEMORY)),
        Compression::Bzip2 => Box::new(MultiBzDecoder::new(source)),
    };
    let (size, spooled) = (blob.len(), spool(plain, DECOMPRESS, what, limits, spent));
    let (blob, digest) = spooled.map_err(|error| match error {
        Error::Io { action, cause, .. } if action == DECOMPRESS => {
            let place = format!("{what}, at byte {} of {size} ({compression})", at.get());
            Error::io(action, place, cause)
        }
        other => other,
    })?;
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
