//! The prebuilt packages of the enclave (`enclave/packages`): their list, and files verified against it.
//!
//! `packages.json` says of every file that this repository carries in finished form where it comes from and how to make
//! it again. Its form is described by `enclave/packages/packages.schema.json`; the loader refuses anything else.

pub(crate) mod apt;
pub(crate) mod hash;
pub(crate) mod pins;

use self::hash::hash_file;
use self::pins::Pin;
use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path, PathBuf};

/// The version of the list's form that this code reads.
const FORMAT: u32 = 1;

/// What a file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Role {
    /// The enclave's kernel, a bzImage: the first section of the EIF.
    Kernel,
    /// The kernel's resolved configuration; documentation, not part of the image.
    KernelConfig,
    /// A font of the server's stamps.
    Font,
    /// The licence of another file of the package.
    Licence,
}

/// A file of a package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PackageFile {
    /// Path below `enclave/packages`, with forward slashes.
    pub(crate) path: String,
    pub(crate) role: Role,
    /// Bytes.
    pub(crate) size: u64,
    /// Lower-case hex.
    pub(crate) sha256: String,
    /// Absolute path in the enclave's root file system, for files that go there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) image: Option<String>,
}

/// The file that a package was made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Source {
    /// File name in Debian's archive.
    pub(crate) file: String,
    /// Lower-case hex.
    pub(crate) sha256: String,
    /// Permanent address.
    pub(crate) url: String,
}

/// A prebuilt package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    /// SPDX expression.
    pub(crate) licence: String,
    /// One sentence: what the enclave has it for.
    pub(crate) purpose: String,
    pub(crate) source: Source,
    /// Folder of the recipe that makes the files again (`cargo xtask reproduce NAME`).
    pub(crate) reproducer: String,
    pub(crate) files: Vec<PackageFile>,
}

/// `packages.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct List {
    #[serde(rename = "$schema")]
    schema: String,
    format: u32,
    pub(crate) packages: Vec<Package>,
}

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
    /// Loads `folder/packages.json` and compares every file with its size and SHA-256. A file that no package names is an
    /// error too: nothing enters the folder without saying where it comes from.
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

    /// Everything that goes into the root file system: the fonts and their licences, ordered by their path there.
    pub(crate) fn image_files(&self) -> Vec<VerifiedFile> {
        let mut found = self.with(|file| file.image.is_some());
        found.sort_by(|left, right| left.image.cmp(&right.image));
        found
    }

    /// All packages.
    #[cfg(test)]
    fn iter(&self) -> impl Iterator<Item = &Package> {
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

impl List {
    /// Reads and checks the list without looking at the files.
    pub(crate) fn load(folder: &Path) -> Result<Self> {
        let path = folder.join("packages.json");
        let text =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let list: Self = serde_json::from_str(&text)
            .with_context(|| format!("{} is malformed", path.display()))?;
        list.check()
            .with_context(|| format!("{} is malformed", path.display()))?;
        Ok(list)
    }

    fn check(&self) -> Result<()> {
        ensure!(
            self.format == FORMAT,
            "format {} is not {FORMAT}, the one this program knows",
            self.format
        );
        let (mut names, mut paths, mut places) =
            (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for package in &self.packages {
            let name = &package.name;
            ensure!(names.insert(name), "package {name} is listed twice");
            ensure!(!package.files.is_empty(), "package {name} has no files");
            ensure!(
                is_hex(&package.source.sha256),
                "package {name}: the source's sha256 is not 64 hex digits"
            );
            ensure!(
                package.source.url.starts_with(pins::SNAPSHOT),
                "package {name}: {} is not an address in Debian's permanent archive",
                package.source.url
            );
            for file in &package.files {
                let plain = Path::new(&file.path)
                    .components()
                    .all(|part| matches!(part, Component::Normal(_)));
                ensure!(
                    plain && !file.path.is_empty(),
                    "package {name}: {:?} leaves the folder",
                    file.path
                );
                ensure!(paths.insert(&file.path), "{} is listed twice", file.path);
                ensure!(
                    is_hex(&file.sha256),
                    "{}: sha256 is not 64 hex digits",
                    file.path
                );
                if let Some(image) = &file.image {
                    ensure!(
                        image.starts_with('/') && !image.contains("/.."),
                        "{}: {image:?} is no path of the image",
                        file.path
                    );
                    ensure!(places.insert(image), "two files go to {image}");
                }
            }
        }
        Ok(())
    }

    /// Takes the sizes and sums of the files in `folder`, and the source from its pin, for the packages of one reproducer.
    pub(crate) fn refresh(&mut self, folder: &Path, reproducer: &str, pins: &[Pin]) -> Result<()> {
        for package in self
            .packages
            .iter_mut()
            .filter(|package| package.reproducer == reproducer)
        {
            let pin = pins
                .iter()
                .find(|pin| pin.name == package.name)
                .with_context(|| {
                    format!("{reproducer}/packages.json does not pin {}", package.name)
                })?;
            package.version.clone_from(&pin.version);
            package.source = Source {
                file: pin.file.clone(),
                sha256: pin.sha256.clone(),
                url: pin.url(),
            };
            for file in &mut package.files {
                let hashes = hash_file(&folder.join(&file.path))?;
                file.size = hashes.size;
                file.sha256 = hashes.sha256;
            }
        }
        Ok(())
    }

    /// Replaces `folder/packages.json`.
    pub(crate) fn save(&self, folder: &Path) -> Result<()> {
        self.check()?;
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        let path = folder.join("packages.json");
        let partial = folder.join("packages.json.partial");
        fs::write(&partial, text).with_context(|| format!("cannot write {}", partial.display()))?;
        fs::rename(&partial, &path).with_context(|| format!("cannot replace {}", path.display()))
    }
}

/// Where downloads and built tools are kept between runs: `$XDG_CACHE_HOME/letsesign-enclave`.
pub(crate) fn cache_folder() -> Result<PathBuf> {
    let base = match std::env::var_os("XDG_CACHE_HOME").filter(|path| !path.is_empty()) {
        Some(path) => PathBuf::from(path),
        None => std::env::home_dir()
            .context("neither XDG_CACHE_HOME nor HOME is set, so there is no place for downloads")?
            .join(".cache"),
    };
    Ok(base.join("letsesign-enclave"))
}

fn is_hex(text: &str) -> bool {
    text.len() == 64
        && text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
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
