//! Hashes of a file, taken in one pass.

use anyhow::{Context, Result};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Size and hashes of a file; the hashes in lower-case hex.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileHashes {
    pub(crate) size: u64,
    pub(crate) sha256: String,
    /// Debian's permanent archive addresses files by it; nothing is verified with it.
    pub(crate) sha1: String,
}

/// Hashes a file without holding it in memory.
pub(crate) fn hash_file(path: &Path) -> Result<FileHashes> {
    let mut file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    let (mut sha256, mut sha1, mut size) = (Sha256::new(), Sha1::new(), 0_u64);
    let mut buffer = vec![0_u8; 1 << 16];
    loop {
        let count = file
            .read(&mut buffer)
            .with_context(|| format!("cannot read {}", path.display()))?;
        let Some(chunk) = buffer.get(..count).filter(|chunk| !chunk.is_empty()) else {
            break;
        };
        sha256.update(chunk);
        sha1.update(chunk);
        size += chunk.len() as u64;
    }
    Ok(FileHashes {
        size,
        sha256: hex::encode(sha256.finalize()),
        sha1: hex::encode(sha1.finalize()),
    })
}
