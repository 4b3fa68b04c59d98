//! Files that appear whole or not at all.

use crate::error::{Error, Result};
use crate::platform;
use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// A file that takes its name only when it is finished.
///
/// Until [`AtomicFile::commit`] the bytes lie in a file without a name (`O_TMPFILE`), which the
/// kernel removes with the process however it ends; where there are no such files, in a temporary
/// file beside the target. An existing target stays as it was until then. A target that is a device
/// or pipe is written to directly.
#[derive(Debug)]
pub struct AtomicFile {
    target: PathBuf,
    kind: Pending,
}

#[derive(Debug)]
enum Pending {
    Nameless(File),
    Named(tempfile::NamedTempFile),
    Direct(File),
}

impl AtomicFile {
    /// Begins a file that will be `target`.
    pub fn create(target: &Path) -> Result<Self> {
        let fail = |error| Error::file("create", target, error);
        match fs::metadata(target) {
            Ok(found) if found.is_dir() => return Err(fail(io::ErrorKind::IsADirectory.into())),
            Ok(found) if !found.is_file() => {
                let file = File::options().write(true).open(target).map_err(fail)?;
                return Ok(Self {
                    target: target.into(),
                    kind: Pending::Direct(file),
                });
            }
            _ => {}
        }
        let kind = match platform::nameless(folder(target)).map_err(fail)? {
            Some(file) => Pending::Nameless(file),
            None => Pending::Named(named(target).map_err(fail)?),
        };
        Ok(Self {
            target: target.into(),
            kind,
        })
    }

    /// The open file, for positioned writes.
    pub fn file(&self) -> &File {
        match &self.kind {
            Pending::Nameless(file) | Pending::Direct(file) => file,
            Pending::Named(named) => named.as_file(),
        }
    }

    /// Gives the finished file its name, replacing what had it.
    pub fn commit(self) -> Result<()> {
        let target = self.target;
        match self.kind {
            Pending::Direct(_) => Ok(()),
            Pending::Named(named) => named
                .persist(&target)
                .map(drop)
                .map_err(|e| Error::file("create", &target, e.error)),
            Pending::Nameless(file) => {
                name(&file, &target).map_err(|e| Error::file("create", &target, e))
            }
        }
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn folder(target: &Path) -> &Path {
    target
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

/// A temporary file beside the target. Its mode is that of any new file: the umask has its say.
fn named(target: &Path) -> io::Result<tempfile::NamedTempFile> {
    tempfile::Builder::new()
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(folder(target))
}

/// Links a nameless file. A link cannot replace a file, so where one is there the link gets another
/// name and is moved.
fn name(file: &File, target: &Path) -> io::Result<()> {
    let link = |to: &Path| platform::link(file, to);
    match link(target) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        other => return other,
    }
    let base = target.file_name().unwrap_or_default().to_string_lossy();
    for attempt in 0..1000_u32 {
        let beside = folder(target).join(format!(".{base}.{}-{attempt}", std::process::id()));
        match link(&beside) {
            Ok(()) => {
                return fs::rename(&beside, target).inspect_err(|_| {
                    let _ = fs::remove_file(&beside);
                });
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn appears_on_commit_and_replaces() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("out");
        for text in ["first", "second"] {
            let mut file = AtomicFile::create(&target).unwrap();
            file.write_all(text.as_bytes()).unwrap();
            let before = fs::read_to_string(&target).unwrap_or_default();
            assert_ne!(before, text);
            file.commit().unwrap();
            assert_eq!(fs::read_to_string(&target).unwrap(), text);
        }
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            1,
            "nothing else is left"
        );
    }

    /// Where there are no files without a name, a temporary one becomes the target, with the mode
    /// of any other new file.
    #[test]
    fn a_named_file_becomes_the_target() {
        let folder = tempfile::tempdir().unwrap();
        let (target, plain) = (folder.path().join("out"), folder.path().join("plain"));
        fs::write(&plain, "").unwrap();
        for text in ["first", "second"] {
            let mut file = AtomicFile {
                target: target.clone(),
                kind: Pending::Named(named(&target).unwrap()),
            };
            file.write_all(text.as_bytes()).unwrap();
            assert_ne!(fs::read_to_string(&target).unwrap_or_default(), text);
            file.commit().unwrap();
            assert_eq!(fs::read_to_string(&target).unwrap(), text);
        }
        let mode = |path| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&target), mode(&plain));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn dropped_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = AtomicFile::create(&folder.path().join("out")).unwrap();
        file.write_all(b"half").unwrap();
        drop(file);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn errors_name_the_target() {
        let folder = tempfile::tempdir().unwrap();
        let error = AtomicFile::create(&folder.path().join("no/out"))
            .unwrap_err()
            .to_string();
        assert!(error.contains("no/out"), "{error}");
        assert!(AtomicFile::create(folder.path()).is_err());
        AtomicFile::create(Path::new("/dev/null"))
            .unwrap()
            .commit()
            .unwrap();
    }
}
