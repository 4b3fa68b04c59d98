//! One layer: a tar archive, maybe compressed.

use crate::blob::Blob;
use crate::compress::{Compression, Plain, uncompress};
use crate::error::{Error, Result};
use crate::limits::Limits;
use crate::tar::{TarEntry, index_layer};
use sha2::{Digest, Sha256};
use std::io::Read;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, OnceLock};

/// A layer of an image.
#[derive(Debug)]
pub struct Layer {
    name: String,
    blob: Blob,
    /// The manifest's digest of the blob as it lies in the archive.
    digest: Option<[u8; 32]>,
    diff_id: [u8; 32],
    limits: Limits,
    /// Uncompressed bytes of all layers of the image so far.
    spent: Arc<AtomicU64>,
    plain: Mutex<Option<Plain>>,
    verified: OnceLock<()>,
}

impl Layer {
    pub(super) fn new(
        name: String,
        blob: Blob,
        digest: Option<[u8; 32]>,
        diff_id: [u8; 32],
        limits: Limits,
        spent: Arc<AtomicU64>,
    ) -> Self {
        Self {
            name,
            blob,
            digest,
            diff_id,
            limits,
            spent,
            plain: Mutex::new(None),
            verified: OnceLock::new(),
        }
    }

    /// Takes over another layer's promise where both are the same bytes; else gives that layer
    /// back.
    pub(super) fn join(&mut self, twin: Self) -> Option<Self> {
        let other = self.digest.is_some() && self.digest != twin.digest;
        if other || !self.blob.same(&twin.blob) || self.diff_id != twin.diff_id {
            return Some(twin);
        }
        self.digest = twin.digest;
        None
    }

    /// The name of the layer in errors: archive and number.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// SHA-256 of the uncompressed archive, as the config promises it.
    pub fn diff_id(&self) -> &[u8; 32] {
        &self.diff_id
    }

    fn plain(&self) -> Result<Plain> {
        // A poisoned lock means another thread panicked while decompressing: nothing was stored
        // then.
        let mut slot = self
            .plain
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(plain) = &*slot {
            return Ok(plain.clone());
        }
        let what = match self.digest {
            Some(digest) => format!("{} (blob sha256:{})", self.name, hex::encode(digest)),
            None => self.name.clone(),
        };
        let plain = uncompress(&self.blob, &what, &self.limits, &self.spent)?;
        if let Some(digest) = plain.digest {
            self.compare("uncompressed", self.diff_id, digest)?;
        }
        *slot = Some(plain.clone());
        Ok(plain)
    }

    /// The uncompressed archive. A compressed one is decompressed at the first call, to an unlinked
    /// temporary file, and its diffID compared.
    pub fn tar(&self) -> Result<Blob> {
        Ok(self.plain()?.blob)
    }

    /// The archive's entries in its order, contents left where they are.
    pub fn entries(&self) -> Result<Vec<TarEntry>> {
        self.entries_within(&self.limits)
    }

    /// The same, with what other layers leave of the image's limits.
    pub(crate) fn entries_within(&self, limits: &Limits) -> Result<Vec<TarEntry>> {
        index_layer(&self.tar()?, &self.name, limits)
    }

    /// How the blob is packed, in words.
    pub(crate) fn packing(&self) -> Result<String> {
        Ok(match self.plain()?.compression {
            Compression::None => Compression::None.to_string(),
            compression => format!("{compression}, {} bytes", self.blob.len()),
        })
    }

    /// Compares the layer's digests with what manifest and config promise. Reads all of it, once.
    pub fn verify(&self) -> Result<()> {
        if self.verified.get().is_some() {
            return Ok(());
        }
        let plain = self.plain()?;
        if plain.compression == Compression::None {
            let actual = sha256(&plain.blob, &self.name)?;
            self.compare("tar archive", self.diff_id, actual)?;
            if let Some(digest) = self.digest {
                self.compare("blob", digest, actual)?;
            }
        } else if let Some(digest) = self.digest {
            self.compare("blob", digest, sha256(&self.blob, &self.name)?)?;
        }
        let _ = self.verified.set(());
        Ok(())
    }

    fn compare(&self, what: &str, expected: [u8; 32], actual: [u8; 32]) -> Result<()> {
        if expected == actual {
            return Ok(());
        }
        let digest = |bytes| format!("sha256:{}", hex::encode(bytes));
        Err(Error::Digest {
            what: format!("{} ({what})", self.name),
            expected: digest(expected),
            actual: digest(actual),
        })
    }
}

fn sha256(blob: &Blob, name: &str) -> Result<[u8; 32]> {
    let mut hash = Sha256::new();
    let mut reader = blob.reader();
    let mut buffer = vec![0; 256 << 10];
    loop {
        match reader
            .read(&mut buffer)
            .map_err(|e| Error::io("read", name, e))?
        {
            0 => return Ok(hash.finalize().into()),
            count => hash.update(buffer.get(..count).unwrap_or_default()),
        }
    }
}
