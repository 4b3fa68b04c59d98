//! Small file helpers.

use anyhow::{Context, Result};
use std::path::Path;

/// Writes a file so that a reader sees the old content or the new, never a part.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    eif::write_file(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}

/// The SHA-256 of a file in lower-case hex, read in pieces.
pub(crate) fn sha256(path: &Path) -> Result<String> {
    Ok(eif::file_sha256(path)?)
}
