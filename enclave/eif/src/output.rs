//! Files that appear whole or not at all.
//!
//! An output is written under a temporary name in its own directory and renamed when it is
//! complete. It is removed when its writer is dropped early, and, by [`remove_unfinished`], when a
//! signal ends the program.

use crate::error::{Error, Result};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tempfile::{NamedTempFile, TempDir};

static UNFINISHED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

fn unfinished() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    // The set is sound even if a thread panicked while it held the lock.
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes every output that is not complete. For a program's signal handler thread, which must
/// exit afterwards: any thread that wants to begin or complete an output now waits for ever.
pub fn remove_unfinished() {
    let paths = unfinished();
    remove_all(&paths);
    std::mem::forget(paths);
}

fn remove_all(paths: &BTreeSet<PathBuf>) {
    for path in paths {
        // A failure cannot be reported: the program exits next.
        if path.is_dir() {
            let _ = std::fs::remove_dir_all(path);
        } else {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// An output that is being written.
///
/// Not canoni's `AtomicFile`: several outputs of one build belong together here, and a signal
/// removes all of them; canoni's has no name until it is finished, where the file system can.
pub(crate) struct Unfinished {
    temporary: Option<NamedTempFile>,
    target: PathBuf,
}

impl Unfinished {
    /// Creates the temporary file in `target`'s directory. `target` may exist as a regular file,
    /// which is replaced at the end.
    pub(crate) fn create(target: &Path) -> Result<Self> {
        if let Ok(existing) = std::fs::metadata(target)
            && !existing.is_file()
        {
            let what = if existing.is_dir() {
                "is a directory"
            } else {
                "is not a regular file"
            };
            return Err(Error::Option(format!(
                "cannot write to {}: it {what}; name a file",
                target.display()
            )));
        }
        let (folder, prefix) = beside(target)?;
        // Under the lock, so that a signal finds either no file or a registered one.
        let mut unfinished = unfinished();
        let temporary = tempfile::Builder::new()
            .prefix(&prefix)
            .suffix(".part")
            // As for any new file, the umask applies.
            .permissions(std::fs::Permissions::from_mode(0o666))
            .tempfile_in(folder)
            .map_err(|error| {
                // `tempfile` wraps the error together with the temporary path; the user named
                // another one.
                Error::io("create", target)(std::io::Error::from(error.kind()))
            })?;
        unfinished.insert(temporary.path().to_owned());
        Ok(Unfinished {
            temporary: Some(temporary),
            target: target.to_owned(),
        })
    }

    /// A second handle to the file.
    pub(crate) fn file(&self) -> Result<File> {
        match &self.temporary {
            Some(temporary) => temporary
                .as_file()
                .try_clone()
                .map_err(Error::io("open", &self.target)),
            None => Err(Error::Thread("output")),
        }
    }

    /// Gives the file its name.
    pub(crate) fn complete(mut self) -> Result<()> {
        let Some(temporary) = self.temporary.take() else {
            return Ok(());
        };
        let mut unfinished = unfinished();
        unfinished.remove(temporary.path());
        match temporary.persist(&self.target) {
            Ok(_) => Ok(()),
            Err(error) => Err(Error::io("write", &self.target)(error.error)),
        }
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(temporary) = self.temporary.take() {
            let path = temporary.path().to_owned();
            drop(temporary);
            unfinished().remove(&path);
        }
    }
}

/// Writes a small file that appears whole or not at all.
pub fn write_file(path: &Path, contents: &[u8]) -> Result<()> {
    let output = Unfinished::create(path)?;
    output
        .file()?
        .write_all(contents)
        .map_err(Error::io("write", path))?;
    output.complete()
}

/// A directory of outputs that appears whole or not at all.
#[derive(Debug)]
pub struct UnfinishedDir {
    temporary: Option<TempDir>,
    target: PathBuf,
}

impl UnfinishedDir {
    /// Creates the temporary directory beside `target`, which must not exist or be an empty
    /// directory.
    pub fn create(target: &Path) -> Result<Self> {
        let empty = std::fs::read_dir(target).is_ok_and(|mut entries| entries.next().is_none());
        if !empty && target.symlink_metadata().is_ok() {
            let target = target.display();
            return Err(Error::Option(format!(
                "{target} exists and is not an empty directory; name a new one"
            )));
        }
        let (folder, prefix) = beside(target)?;
        let mut unfinished = unfinished();
        let temporary = tempfile::Builder::new()
            .prefix(&prefix)
            .suffix(".part")
            .permissions(std::fs::Permissions::from_mode(0o777))
            .tempdir_in(folder)
            .map_err(|error| Error::io("create", target)(std::io::Error::from(error.kind())))?;
        unfinished.insert(temporary.path().to_owned());
        Ok(UnfinishedDir {
            temporary: Some(temporary),
            target: target.to_owned(),
        })
    }

    /// Where to put the files.
    pub fn path(&self) -> &Path {
        self.temporary.as_ref().map_or(&self.target, TempDir::path)
    }

    /// Gives the directory its name.
    pub fn complete(mut self) -> Result<()> {
        let Some(temporary) = self.temporary.take() else {
            return Ok(());
        };
        let mut unfinished = unfinished();
        unfinished.remove(temporary.path());
        std::fs::rename(temporary.path(), &self.target)
            .map_err(Error::io("create", &self.target))?;
        // The rename moved it; dropping `temporary` must not remove the target.
        let _ = temporary.keep();
        Ok(())
    }
}

impl Drop for UnfinishedDir {
    fn drop(&mut self) {
        if let Some(temporary) = self.temporary.take() {
            let path = temporary.path().to_owned();
            drop(temporary);
            unfinished().remove(&path);
        }
    }
}

/// The directory that an output goes to, and how its temporary name begins.
fn beside(target: &Path) -> Result<(&Path, OsString)> {
    let Some(name) = target.file_name() else {
        return Err(Error::Option(format!(
            "cannot write to {}: that is not a file name",
            target.display()
        )));
    };
    let folder = match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    if !folder.is_dir() {
        let (folder, target) = (folder.display(), target.display());
        return Err(Error::Option(format!(
            "cannot create {target}: the directory {folder} does not exist; create it first"
        )));
    }
    let mut prefix = OsString::from(".");
    prefix.push(name);
    prefix.push(".");
    Ok((folder, prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn appears_only_when_complete() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("out");
        let output = Unfinished::create(&target).unwrap();
        output.file().unwrap().write_all(b"half").unwrap();
        assert!(!target.exists());
        drop(output);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);

        let output = Unfinished::create(&target).unwrap();
        output.file().unwrap().write_all(b"whole").unwrap();
        output.complete().unwrap();
        assert_eq!(std::fs::read(&target).unwrap(), b"whole");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn signals_leave_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let _output = Unfinished::create(&folder.path().join("out")).unwrap();
        remove_all(&unfinished());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn only_files_are_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let text = |path: &Path| Unfinished::create(path).err().unwrap().to_string();
        assert!(text(folder.path()).contains("is a directory"));
        assert!(text(Path::new("/dev/null")).contains("is not a regular file"));
        assert!(
            text(&folder.path().join("missing/out")).contains("does not exist; create it first")
        );
    }
}
