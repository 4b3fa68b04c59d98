//! `packages.json`: its form, its rules, reading and writing it.

use super::hash::hash_file;
use super::pins::{Pin, SNAPSHOT};
use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path};

/// The version of the list's form that this code reads.
pub(super) const FORMAT: u32 = 1;

/// The use of a file.
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
    /// One sentence: its purpose in the enclave.
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
    pub(super) schema: String,
    pub(super) format: u32,
    pub(crate) packages: Vec<Package>,
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
                package.source.url.starts_with(SNAPSHOT),
                "package {name}: {} is not an address in Debian's permanent archive",
                package.source.url
            );
            // A path that leaves the folder would read files of the host.
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
                        "{}: {image:?} is not a path of the image",
                        file.path
                    );
                    ensure!(places.insert(image), "two files go to {image}");
                }
            }
        }
        Ok(())
    }

    /// Takes the sizes and sums of the files in `folder`, and the source from its pin, for the
    /// packages of one reproducer.
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
        crate::files::write_atomically(&folder.join("packages.json"), text.as_bytes())
    }
}

fn is_hex(text: &str) -> bool {
    text.len() == 64
        && text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}
