//! Files that appear whole or not at all.
//!
//! An output is written under a temporary name in its own directory and renamed when it is complete. It is removed when
//! its writer is dropped early, and, by [`remove_unfinished`], when a signal ends the program.

use crate::error::{Error, Result};
use std::collections::BTreeSet;
use std::fs::File;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tempfile::NamedTempFile;

static UNFINISHED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

fn unfinished() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    // The set is sound even if a thread panicked while it held the lock.
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes every output that is not complete. For a program's signal handler thread, which exits afterwards: it must not
/// return to the work, whose files are gone.
pub fn remove_unfinished() {
    for path in unfinished().iter() {
        // There is nobody left to tell.
        let _ = std::fs::remove_file(path);
    }
}

/// An output that is being written.
pub(crate) struct Unfinished {
    temporary: Option<NamedTempFile>,
    target: PathBuf,
}

impl Unfinished {
    /// Creates the temporary file. `target` may exist as a regular file, which is replaced at the end.
    pub(crate) fn create(target: &Path) -> Result<Self> {
        if let Ok(existing) = std::fs::metadata(target)
            && !existing.is_file()
        {
            let what = if existing.is_dir() { "is a directory" } else { "is no regular file" };
            return Err(Error::Option(format!("cannot write to {}: it {what}; name a file", target.display())));
        }
        let Some(name) = target.file_name() else {
            return Err(Error::Option(format!("cannot write to {}: that is no file name", target.display())));
        };
        let folder = match target.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let mut prefix = std::ffi::OsString::from(".");
        prefix.push(name);
        prefix.push(".");
        // Under the lock, so that a signal finds either no file or a registered one.
        let mut unfinished = unfinished();
        let temporary = tempfile::Builder::new()
            .prefix(&prefix)
            .suffix(".part")
            // As for any new file, the umask has the last word.
            .permissions(std::fs::Permissions::from_mode(0o666))
            .tempfile_in(folder)
            .map_err(|error| Error::io("create", target)(unwrapped(&error)))?;
        unfinished.insert(temporary.path().to_owned());
        Ok(Unfinished { temporary: Some(temporary), target: target.to_owned() })
    }

    /// A second handle to the file.
    pub(crate) fn file(&self) -> Result<File> {
        match &self.temporary {
            Some(temporary) => temporary.as_file().try_clone().map_err(Error::io("open", &self.target)),
            None => Err(Error::Thread("output")),
        }
    }

    /// Gives the file its name.
    pub(crate) fn complete(mut self) -> Result<()> {
        let Some(temporary) = self.temporary.take() else { return Ok(()) };
        let path = temporary.path().to_owned();
        let result = temporary.persist(&self.target);
        unfinished().remove(&path);
        match result {
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

/// `tempfile` wraps errors together with the temporary path; the user named another one.
fn unwrapped(error: &std::io::Error) -> std::io::Error {
    let inner = error.get_ref().and_then(|inner| inner.source()).and_then(|inner| inner.downcast_ref::<std::io::Error>());
    match inner.and_then(std::io::Error::raw_os_error) {
        Some(code) => std::io::Error::from_raw_os_error(code),
        None => std::io::Error::from(error.kind()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

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
        remove_unfinished();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn only_files_are_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let text = |path: &Path| Unfinished::create(path).err().unwrap().to_string();
        assert!(text(folder.path()).contains("is a directory"));
        assert!(text(Path::new("/dev/null")).contains("no regular file"));
        assert!(text(&folder.path().join("missing/out")).contains("No such file"));
    }
}
