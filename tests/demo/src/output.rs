//! The output folder, written as a whole or not at all.

use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};

/// Marks the folders that a demo wrote, because only such a folder may be replaced.
const MARK: &str = ".letsesign-demo";

/// A folder under construction, beside its final place.
pub(crate) struct Output {
    folder: tempfile::TempDir,
    target: PathBuf,
}

impl Output {
    /// Refuses a target that holds something else.
    pub(crate) fn new(target: &Path) -> Result<Self> {
        let absolute = std::path::absolute(target).context("cannot tell the current directory")?;
        check(&absolute)?;
        let parent = absolute
            .parent()
            .with_context(|| format!("{} is not a place for a folder", target.display()))?;
        fs::create_dir_all(parent)
            .with_context(|| format!("cannot create {}", parent.display()))?;
        let folder = tempfile::Builder::new()
            .prefix(".demo-")
            .tempdir_in(parent)
            .with_context(|| format!("cannot write in {}", parent.display()))?;
        let output = Self {
            folder,
            target: absolute,
        };
        output.write(
            MARK,
            "Written by cargo xtask demo, which may replace this folder.\n",
        )?;
        Ok(output)
    }

    /// Present path of a file.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file and creates the folders above it.
    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> Result<PathBuf> {
        let path = self.path(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)
                .with_context(|| format!("cannot create {}", parent.display()))?;
        }
        fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    }

    /// The final path of the folder.
    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    /// Moves the folder to its final place.
    pub(crate) fn finish(self) -> Result<PathBuf> {
        // Something else may have been created there in the meantime.
        check(&self.target)?;
        let parent = self.target.parent().unwrap_or(Path::new("/"));
        let old = tempfile::Builder::new()
            .prefix(".demo-old-")
            .tempdir_in(parent)
            .with_context(|| format!("cannot write in {}", parent.display()))?;
        let moved = old.path().join("demo");
        let replaced = self.target.exists();
        if replaced {
            fs::rename(&self.target, &moved)
                .with_context(|| format!("cannot replace {}", self.target.display()))?;
        }
        if let Err(error) = fs::rename(self.folder.path(), &self.target) {
            if replaced {
                let _ = fs::rename(&moved, &self.target);
            }
            return Err(error).with_context(|| format!("cannot write {}", self.target.display()));
        }
        // Temporary folders are private; the result is for everyone with access to its place.
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let _ = fs::set_permissions(&self.target, fs::Permissions::from_mode(0o755));
        }
        // The folder is permanent now.
        let _ = self.folder.keep();
        Ok(self.target)
    }
}

fn check(target: &Path) -> Result<()> {
    if !target.exists() {
        return Ok(());
    }
    ensure!(
        target.is_dir(),
        "{} is a file; choose another folder with --output",
        target.display()
    );
    let empty = fs::read_dir(target)
        .with_context(|| format!("cannot read {}", target.display()))?
        .next()
        .is_none();
    ensure!(
        empty || target.join(MARK).is_file(),
        "{} holds something that no demo wrote; choose another folder with --output",
        target.display()
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_folders_of_demos_are_replaced_and_nothing_half_written_stays() {
        let place = tempfile::tempdir().unwrap();
        let target = place.path().join("deep/demo");
        let output = Output::new(&target).unwrap();
        output.write("a/b.txt", "one").unwrap();
        drop(output);
        assert_eq!(fs::read_dir(place.path().join("deep")).unwrap().count(), 0);

        for text in ["one", "two"] {
            let output = Output::new(&target).unwrap();
            output.write("a/b.txt", text).unwrap();
            output.finish().unwrap();
            assert_eq!(fs::read_to_string(target.join("a/b.txt")).unwrap(), text);
        }
        assert_eq!(fs::read_dir(place.path().join("deep")).unwrap().count(), 1);

        fs::remove_file(target.join(MARK)).unwrap();
        assert!(Output::new(&target).is_err());
        assert!(Output::new(&target.join("a/b.txt")).is_err());
    }
}
