//! The C runtime: which objects of `enclave/base` programs are linked with.

use crate::base::{Files, read_sums, unpack_deb, verified};
use crate::workspace::Workspace;
use anyhow::{Context, Result, bail};

/// The packages, by name.
pub(super) const PACKAGES: &[&str] = &["libc6-dev", "libgcc-12-dev"];

/// The entry of a package of `enclave/base` in the bill of materials.
#[derive(Debug)]
pub(super) struct Base {
    /// Name and version of the binary package, and its file.
    pub(super) name: String,
    pub(super) version: String,
    pub(super) file: String,
    pub(super) sha256: String,
    /// Name of the source package, with its version.
    pub(super) source: String,
    /// SPDX expression.
    pub(super) licence: &'static str,
    /// The files that programs are linked with: name and SHA-256 of each object file and archive.
    pub(super) objects: Vec<(String, String)>,
}

/// The packages with what is taken from them, their sums verified.
pub(super) fn contents(workspace: &Workspace) -> Result<Vec<Base>> {
    let base = workspace.path("enclave/base");
    let files = Files::read(&base)?;
    let mut found = Vec::new();
    for (sha256, file) in read_sums(&base.join("SHA256SUMS"))? {
        let mut words = file.trim_end_matches("_amd64.deb").splitn(2, '_');
        let name = words.next().unwrap_or_default().to_owned();
        let version = words.next().unwrap_or_default().to_owned();
        let (source, licence) = match name.as_str() {
            "libc6-dev" => ("glibc", "LGPL-2.1-or-later"),
            "libgcc-12-dev" => ("gcc-12", "GPL-3.0-or-later WITH GCC-exception-3.1"),
            _ => bail!(
                "enclave/base holds {file}, of which xtask/src/sbom/runtime.rs knows no licence"
            ),
        };
        // Sums are those of the objects that the linker reads, not of the packages around them.
        let scratch = tempfile::tempdir().context("cannot create a temporary directory")?;
        let bytes = verified(&base, &sha256, &file)?;
        unpack_deb(&bytes, &files, scratch.path())
            .with_context(|| format!("cannot unpack {file}"))?;
        let mut objects = Vec::new();
        for name in files.names() {
            let path = scratch.path().join(name);
            if path.is_file() {
                objects.push((name.to_owned(), crate::files::sha256(&path)?));
            }
        }
        objects.sort();
        found.push(Base {
            source: format!("{source}/{version}"),
            name,
            version,
            file,
            sha256,
            licence,
            objects,
        });
    }
    Ok(found)
}
