//! Releases and running enclaves, recorded for the time after the host was killed.
//!
//! One JSON file, replaced as a whole: new bytes to a temporary file, fsync, rename, fsync of the
//! folder. An enclave is recorded before it is started, so that none can run that nobody knows.

use super::launcher::Handle;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use thiserror::Error;

/// The version of the file.
const VERSION: u32 = 1;

/// A release that this host has run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReleaseRecord {
    /// Greater than that of every release before.
    pub(super) sequence: i64,
    /// PCR0 in hexadecimal.
    pub(super) pcr0: String,
    /// The image, in the state folder.
    pub(super) image: PathBuf,
}

/// An enclave that was started, or is about to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EnclaveRecord {
    /// Its context ID.
    pub(super) cid: u32,
    /// Sequence of its release.
    pub(super) release: i64,
    /// Its place among the enclaves of that release.
    pub(super) index: u32,
    /// The name by which it is found again; nothing while it is being started.
    pub(super) handle: Option<Handle>,
    /// Where its connections arrive, by port: an emulated server knows these addresses only.
    pub(super) addresses: BTreeMap<u32, String>,
}

/// The file's content.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Content {
    version: u32,
    /// The release that takes new tasks.
    pub(super) active: Option<i64>,
    /// In the order of their sequences.
    pub(super) releases: Vec<ReleaseRecord>,
    /// By the start.
    pub(super) enclaves: BTreeMap<String, EnclaveRecord>,
}

impl Content {
    /// The release with this sequence.
    pub(super) fn release(&self, sequence: i64) -> Option<&ReleaseRecord> {
        self.releases
            .iter()
            .find(|release| release.sequence == sequence)
    }

    /// The release of the image with this PCR0.
    pub(super) fn of_image(&self, pcr0: &str) -> Option<&ReleaseRecord> {
        self.releases.iter().find(|release| release.pcr0 == pcr0)
    }
}

/// The file cannot be read or written.
#[derive(Debug, Error)]
pub enum RecordsError {
    /// Reading or writing failed.
    #[error("{}: {error}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// It holds something else.
    #[error(
        "{} is not a file of this program ({problem}); restore it, or move it away after ending \
         every enclave by hand",
        .path.display()
    )]
    Content {
        /// The file.
        path: PathBuf,
        /// The problem.
        problem: String,
    },
}

/// The records.
#[derive(Debug)]
pub(super) struct Records {
    path: PathBuf,
    content: Mutex<Content>,
}

impl Records {
    /// Reads the file, or begins a new one.
    pub(super) fn open(path: PathBuf) -> Result<Self, RecordsError> {
        let content = match fs::read(&path) {
            Ok(bytes) => parse(&path, &bytes)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Content {
                version: VERSION,
                ..Content::default()
            },
            Err(error) => return Err(RecordsError::Io { path, error }),
        };
        Ok(Self {
            path,
            content: Mutex::new(content),
        })
    }

    /// The recorded content.
    pub(super) fn content(&self) -> Content {
        self.lock().clone()
    }

    /// Changes what is recorded. When this returns, the change is durable; after an error nothing
    /// has changed.
    pub(super) fn change(&self, change: impl FnOnce(&mut Content)) -> Result<(), RecordsError> {
        let mut content = self.lock();
        let mut changed = content.clone();
        change(&mut changed);
        if changed != *content {
            write(&self.path, &changed).map_err(|error| RecordsError::Io {
                path: self.path.clone(),
                error,
            })?;
            *content = changed;
        }
        Ok(())
    }

    /// Removes an enclave that has ended.
    pub(super) fn forget(&self, start: &str) -> Result<(), RecordsError> {
        self.change(|content| {
            content.enclaves.remove(start);
        })
    }

    fn lock(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn parse(path: &Path, bytes: &[u8]) -> Result<Content, RecordsError> {
    let wrong = |problem: String| RecordsError::Content {
        path: path.to_owned(),
        problem,
    };
    let content: Content =
        serde_json::from_slice(bytes).map_err(|error| wrong(error.to_string()))?;
    if content.version != VERSION {
        return Err(wrong(format!(
            "its version is {}, this program knows {VERSION}",
            content.version
        )));
    }
    Ok(content)
}

fn write(path: &Path, content: &Content) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    serde_json::to_writer_pretty(&mut file, content)?;
    file.write_all(b"\n")?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests;
