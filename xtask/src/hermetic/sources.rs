//! The unpacked crates in cargo's registry are what their checksums say.
//!
//! Cargo compares a download with Cargo.lock once, unpacks it, and never looks again: it silently
//! compiles a file that somebody changes there. So each crate of a program is unpacked once more,
//! in memory, from the `.crate` file that still has its checksum, and compared.

use crate::workspace::{Workspace, cargo_home};
use anyhow::{Context, Result, bail, ensure};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;
use std::path::{Component, Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The file that cargo writes into each crate that it has unpacked.
const CARGOS_OWN: &str = ".cargo-ok";
/// Larger unpacked crates are refused; the registry's limit for a packed one is 10 MiB.
const MOST_BYTES: u64 = 512 << 20;

/// A crate of the registry: its name and version, and where it is unpacked.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Unpacked {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) folder: PathBuf,
}

/// Fails when a crate on disk is not the one of Cargo.lock. Each is compared once in a run.
pub(super) fn check(workspace: &Workspace, crates: &BTreeSet<Unpacked>) -> Result<()> {
    static COMPARED: Mutex<BTreeSet<Unpacked>> = Mutex::new(BTreeSet::new());
    let mut compared = COMPARED.lock().unwrap_or_else(PoisonError::into_inner);
    let sums = crate::sbom::checksums(workspace)?;
    let cache = cargo_home()
        .context("neither CARGO_HOME nor HOME is set")?
        .join("registry/cache");
    for one in crates.difference(&compared.clone()) {
        let Unpacked { name, version, .. } = one;
        let sum = sums.get(&format!("{name} {version}")).cloned().flatten();
        let sum = sum.with_context(|| format!("{name} {version} has no checksum in Cargo.lock"))?;
        let packed = find(&cache, &format!("{name}-{version}.crate"), &sum)?;
        compare(&packed, &one.folder)
            .with_context(|| format!("the sources of {name} {version} in cargo's registry"))?;
        compared.insert(one.clone());
    }
    Ok(())
}

/// The packed crate with this sum, in the cache of any registry.
fn find(cache: &Path, file: &str, sum: &str) -> Result<Vec<u8>> {
    for entry in fs::read_dir(cache).into_iter().flatten().flatten() {
        let path = entry.path().join(file);
        if let Ok(bytes) = fs::read(&path)
            && hex::encode(Sha256::digest(&bytes)) == sum
        {
            return Ok(bytes);
        }
    }
    bail!(
        "{} has no {file} with the checksum of Cargo.lock, so that its sources cannot be compared; remove registry/src there \
         and build again, or build with a CARGO_HOME of its own",
        cache.display()
    )
}

/// Compares a folder with the crate that it was unpacked from: the same files, byte for byte.
fn compare(packed: &[u8], folder: &Path) -> Result<()> {
    let expected = unpack(packed)?;
    let root = folder.file_name().context("a folder without a name")?;
    let mut found = BTreeSet::new();
    walk(folder, &mut found)?;
    for path in &found {
        let name = path.strip_prefix(folder).unwrap_or(path);
        if name == Path::new(CARGOS_OWN) {
            continue;
        }
        let plain = fs::symlink_metadata(path).is_ok_and(|file| file.is_file());
        let wanted = expected.get(&Path::new(root).join(name));
        let wanted = wanted.with_context(|| format!("{} is not in the crate", path.display()))?;
        let equal =
            plain && fs::read(path).is_ok_and(|bytes| Sha256::digest(bytes).as_slice() == wanted);
        ensure!(
            equal,
            "{} was changed after it was unpacked",
            path.display()
        );
    }
    let missing = expected.keys().find(|name| {
        let name = name.strip_prefix(root).unwrap_or(name);
        !found.contains(&folder.join(name))
    });
    if let Some(name) = missing {
        bail!("{} is missing", name.display());
    }
    Ok(())
}

/// SHA-256 of each file in a packed crate, by path.
fn unpack(packed: &[u8]) -> Result<BTreeMap<PathBuf, Vec<u8>>> {
    let plain = flate2::read::GzDecoder::new(packed).take(MOST_BYTES);
    let mut archive = tar::Archive::new(plain);
    let mut files = BTreeMap::new();
    for entry in archive.entries().context("no archive")? {
        let mut entry = entry.context("a damaged archive")?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let path = entry.path().context("a damaged name")?.into_owned();
        let plain = path
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
        ensure!(plain, "{} leaves the folder", path.display());
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).context("a damaged archive")?;
        files.insert(path, Sha256::digest(&bytes).to_vec());
    }
    Ok(files)
}

fn walk(folder: &Path, found: &mut BTreeSet<PathBuf>) -> Result<()> {
    let cannot = || format!("cannot list {}", folder.display());
    for entry in fs::read_dir(folder).with_context(cannot)? {
        let entry = entry.with_context(cannot)?;
        if entry.file_type().with_context(cannot)?.is_dir() {
            walk(&entry.path(), found)?;
        } else {
            found.insert(entry.path());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    /// A packed crate with two files, and the folder that cargo unpacks it to.
    fn unpacked() -> (Vec<u8>, tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("x-1.0.0");
        let encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        let mut builder = tar::Builder::new(encoder);
        for (name, text) in [
            ("Cargo.toml", "[package]"),
            ("src/lib.rs", "pub fn good() {}"),
        ] {
            let path = root.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
            builder
                .append_path_with_name(&path, Path::new("x-1.0.0").join(name))
                .unwrap();
        }
        fs::write(root.join(CARGOS_OWN), "{\"v\":1}").unwrap();
        let packed = builder.into_inner().unwrap().finish().unwrap();
        (packed, folder, root)
    }

    #[test]
    fn sources_that_were_changed_after_unpacking_are_refused() {
        let (packed, _folder, root) = unpacked();
        compare(&packed, &root).unwrap();
        let refused = |text: &str| {
            let error = format!("{:#}", compare(&packed, &root).unwrap_err());
            assert!(error.contains(text), "{error}");
        };
        let lib = root.join("src/lib.rs");
        fs::write(&lib, "pub fn evil() {}").unwrap();
        refused("lib.rs was changed");
        fs::remove_file(&lib).unwrap();
        refused("lib.rs is missing");
        let elsewhere = root.parent().unwrap().join("lib.rs");
        fs::write(&elsewhere, "pub fn good() {}").unwrap();
        symlink(&elsewhere, &lib).unwrap();
        refused("lib.rs was changed");
        fs::remove_file(&lib).unwrap();
        fs::write(&lib, "pub fn good() {}").unwrap();
        // Cargo runs a build.rs that Cargo.toml does not name.
        fs::write(root.join("build.rs"), "fn main() {}").unwrap();
        refused("build.rs is not in the crate");
    }

    #[test]
    fn a_crate_is_found_by_its_sum_alone() {
        let (packed, _folder, _) = unpacked();
        let cache = tempfile::tempdir().unwrap();
        let index = cache.path().join("index");
        fs::create_dir(&index).unwrap();
        let sum = hex::encode(Sha256::digest(&packed));
        assert!(find(cache.path(), "x-1.0.0.crate", &sum).is_err());
        fs::write(index.join("x-1.0.0.crate"), b"another").unwrap();
        let error = find(cache.path(), "x-1.0.0.crate", &sum).unwrap_err();
        assert!(
            error.to_string().contains("checksum of Cargo.lock"),
            "{error}"
        );
        fs::write(index.join("x-1.0.0.crate"), &packed).unwrap();
        assert_eq!(find(cache.path(), "x-1.0.0.crate", &sum).unwrap(), packed);
    }
}
