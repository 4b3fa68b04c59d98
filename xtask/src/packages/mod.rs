//! The prebuilt packages of the enclave (`enclave/packages`): their list, and files verified
//! against it.
//!
//! `packages.json` says of every file that this repository carries in finished form where it comes
//! from and how to make it again. Its form is described by `enclave/packages/packages.schema.json`;
//! the loader refuses anything else.

pub(crate) mod apt;
pub(crate) mod hash;
mod list;
mod obtain;
pub(crate) mod pins;

use self::hash::hash_file;
pub(crate) use self::list::{List, Package};
use self::list::{PackageFile, Role};
use anyhow::{Context, Result, bail, ensure};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A file that was compared with its sum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct VerifiedFile {
    /// Where it lies.
    pub(crate) path: PathBuf,
    /// Its absolute path in the enclave's root file system; empty for files that do not go there.
    pub(crate) image: String,
    pub(crate) size: u64,
    pub(crate) sha256: String,
}

/// The packages of a checkout, every file verified.
#[derive(Debug)]
pub(crate) struct Packages {
    folder: PathBuf,
    list: List,
}

impl Packages {
    /// Loads `folder/packages.json` and compares every file with its size and SHA-256. A file that
    /// no package names is an error too: every file in the folder has a named source.
    pub(crate) fn load(folder: &Path) -> Result<Self> {
        let packages = Self {
            folder: folder.to_owned(),
            list: List::load(folder)?,
        };
        let mut known = BTreeSet::new();
        for package in &packages.list.packages {
            for file in &package.files {
                let path = folder.join(&file.path);
                let hashes =
                    hash_file(&path).with_context(|| format!("package {}", package.name))?;
                ensure!(
                    hashes.size == file.size && hashes.sha256 == file.sha256,
                    "{} has sha256 {} ({} bytes), but packages.json says {} ({} bytes) for package {}; restore the file, \
                     or make it again with: cargo xtask reproduce {}",
                    path.display(),
                    hashes.sha256,
                    hashes.size,
                    file.sha256,
                    file.size,
                    package.name,
                    package
                        .reproducer
                        .rsplit('/')
                        .next()
                        .unwrap_or(&package.reproducer),
                );
                known.insert(path);
            }
        }
        // A file without a source and a reproducer could enter the image unseen.
        for path in walk(folder)? {
            let name = path.strip_prefix(folder).unwrap_or(&path);
            let own =
                name == Path::new("packages.json") || name == Path::new("packages.schema.json");
            ensure!(
                own || known.contains(&path),
                "{} belongs to no package in packages.json",
                path.display()
            );
        }
        Ok(packages)
    }

    /// The enclave's kernel.
    pub(crate) fn kernel(&self) -> Result<VerifiedFile> {
        let mut found = self.with(|file| file.role == Role::Kernel);
        match (found.pop(), found.pop()) {
            (Some(kernel), None) => Ok(kernel),
            (None, _) => bail!("packages.json has no file of the role kernel"),
            (Some(_), Some(_)) => bail!("packages.json has more than one file of the role kernel"),
        }
    }

    /// Everything that goes into the root file system: the fonts and their licences, ordered by
    /// their path there.
    pub(crate) fn image_files(&self) -> Vec<VerifiedFile> {
        let mut found = self.with(|file| file.image.is_some());
        found.sort_by(|left, right| left.image.cmp(&right.image));
        found
    }

    /// All packages.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &Package> {
        self.list.packages.iter()
    }

    fn with(&self, wanted: impl Fn(&PackageFile) -> bool) -> Vec<VerifiedFile> {
        let files = self.list.packages.iter().flat_map(|package| &package.files);
        files
            .filter(|file| wanted(file))
            .map(|file| VerifiedFile {
                path: self.folder.join(&file.path),
                image: file.image.clone().unwrap_or_default(),
                size: file.size,
                sha256: file.sha256.clone(),
            })
            .collect()
    }
}

/// Where downloads and built tools are kept between runs: `$XDG_CACHE_HOME/letsesign-enclave`.
pub(crate) fn cache_folder() -> Result<PathBuf> {
    let base = match std::env::var_os("XDG_CACHE_HOME").filter(|path| !path.is_empty()) {
        Some(path) => PathBuf::from(path),
        None => std::env::home_dir()
            .context("neither XDG_CACHE_HOME nor HOME is set, so downloads have no place; set one of them")?
            .join(".cache"),
    };
    Ok(base.join("letsesign-enclave"))
}

/// All files below a folder.
fn walk(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in
        fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?
    {
        let entry = entry.with_context(|| format!("cannot list {}", folder.display()))?;
        if entry
            .file_type()
            .with_context(|| format!("cannot read {}", entry.path().display()))?
            .is_dir()
        {
            found.extend(walk(&entry.path())?);
        } else {
            found.push(entry.path());
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
