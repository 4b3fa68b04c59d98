//! `cargo xtask prefetch`: obtains the files that the flake fetches through this machine's own
//! package registries and adds them to the store by hash. A fixed-output derivation of the same
//! name and hash then finds them there, whatever its address.

use crate::packages::{cache_folder, pins::Pins};
use crate::reproduce;
use crate::workspace::{Workspace, cargo, cargo_home};
use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use serde::Deserialize;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  cargo xtask prefetch\n  cargo xtask prefetch crates          what packages and checks need\n  \
    cargo xtask prefetch packages        what the reproducers need, about 250 MB"
)]
pub(crate) struct PrefetchArgs {
    /// Kinds of files to put into the store [default: all]
    #[arg(value_enum)]
    kinds: Vec<Kind>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Kind {
    /// The crates of Cargo.lock
    Crates,
    /// The Debian packages that the reproducers pin
    Packages,
}

/// A file and the name that it has in the store.
struct Entry {
    name: String,
    file: PathBuf,
}

pub(crate) fn prefetch(workspace: &Workspace, arguments: &PrefetchArgs) -> Result<()> {
    let kinds = match arguments.kinds.as_slice() {
        [] => Kind::value_variants(),
        chosen => chosen,
    };
    for kind in kinds {
        let (entries, what) = match kind {
            Kind::Crates => (crates(workspace)?, "crates"),
            Kind::Packages => (packages(workspace)?, "packages"),
        };
        add(&entries)?;
        println!("{} {what} are in the store", entries.len());
    }
    Ok(())
}

/// Adds files to the store as fixed-output files.
fn add(entries: &[Entry]) -> Result<()> {
    // The store names a file after the file it was added from.
    let staging = tempfile::tempdir().context("cannot create a directory")?;
    let mut files = Vec::new();
    for entry in entries {
        let staged = staging.path().join(&entry.name);
        // A repeated name is the same file: names hold the version, and files were verified.
        if staged.exists() {
            continue;
        }
        fs::hard_link(&entry.file, &staged)
            .or_else(|_| fs::copy(&entry.file, &staged).map(|_| ()))
            .with_context(|| format!("cannot copy {}", entry.file.display()))?;
        files.push(staged);
    }
    let output = Command::new("nix-store")
        .args(["--add-fixed", "sha256"])
        .args(&files)
        .output()
        .context("cannot run nix-store; install Nix (on Debian: apt-get install nix-bin)")?;
    if !output.status.success() {
        bail!(
            "nix-store failed: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(())
}

#[derive(Deserialize)]
struct Lock {
    package: Vec<LockedPackage>,
}

#[derive(Deserialize)]
struct LockedPackage {
    name: String,
    version: String,
    checksum: Option<String>,
}

/// The crates of Cargo.lock, fetched by cargo, under the names that crane gives them.
fn crates(workspace: &Workspace) -> Result<Vec<Entry>> {
    let status = Command::new(cargo())
        .args(["fetch", "--locked"])
        .current_dir(workspace.root())
        .status()
        .context("cannot run cargo")?;
    if !status.success() {
        bail!("cargo fetch failed ({status})");
    }
    let path = workspace.path("Cargo.lock");
    let text =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let lock: Lock =
        toml::from_str(&text).with_context(|| format!("{} is not a lock file", path.display()))?;
    let caches = caches()?;
    let mut entries = Vec::new();
    // Only crates of a registry have a checksum; the others are part of the tree.
    for package in &lock.package {
        let Some(checksum) = &package.checksum else {
            continue;
        };
        let name = format!("{}-{}.crate", package.name, package.version);
        let file = caches
            .iter()
            .map(|cache| cache.join(&name))
            .find(|file| file.is_file())
            .with_context(|| format!("cargo fetched no {name}"))?;
        let actual = crate::files::sha256(&file)?;
        if actual != *checksum {
            bail!(
                "{}: SHA-256 is {actual}, but Cargo.lock says {checksum}",
                file.display()
            );
        }
        entries.push(Entry {
            name: format!("cargo-src-{}-{}", package.name, package.version),
            file,
        });
    }
    Ok(entries)
}

/// Where cargo keeps what it downloaded: CARGO_HOME/registry/cache/REGISTRY.
fn caches() -> Result<Vec<PathBuf>> {
    let folder = cargo_home()
        .context("neither CARGO_HOME nor HOME is set")?
        .join("registry/cache");
    let entries =
        fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))?;
    Ok(entries
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .collect())
}

/// The packages that reproducers pin, obtained as `cargo xtask reproduce` does.
fn packages(workspace: &Workspace) -> Result<Vec<Entry>> {
    let cache = cache_folder()?;
    let folder = cache.join("packages");
    let mut entries = Vec::new();
    for list in reproduce::pin_lists(workspace) {
        let pins = Pins::load(&list)?;
        pins.obtain(&folder, &cache, None)
            .with_context(|| list.display().to_string())?;
        entries.extend(pins.packages.iter().map(|pin| Entry {
            name: store_name(&pin.file),
            file: folder.join(&pin.file),
        }));
    }
    Ok(entries)
}

/// A file's name as the store takes it; nix/pinned-packages.nix says the same. The store knows no
/// tilde.
fn store_name(file: &str) -> String {
    file.replace('~', "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_store_takes_the_names_of_all_pinned_packages() {
        let workspace = Workspace::find().unwrap();
        let mut count = 0;
        for list in reproduce::pin_lists(&workspace) {
            for pin in Pins::load(&list).unwrap().packages {
                let name = store_name(&pin.file);
                // Nix's manual, "Store path": these characters, not a dot first, and at most 211
                // bytes.
                let good = name
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"+-._?=".contains(&byte));
                assert!(
                    good && !name.starts_with('.') && name.len() <= 211,
                    "{name}"
                );
                count += 1;
            }
        }
        assert!(count > 10, "{count}");
    }
}
