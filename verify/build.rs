//! Embeds the measurements of all releases and the languages of the page, so that the program works
//! without other files.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// Set by builds that keep the measurements outside the source tree.
const VARIABLE: &str = "LETSESIGN_MEASUREMENTS";

fn main() -> io::Result<()> {
    measurements()?;
    locales()
}

fn measurements() -> io::Result<()> {
    println!("cargo::rerun-if-env-changed={VARIABLE}");
    let folder = match env::var_os(VARIABLE) {
        Some(folder) => PathBuf::from(folder),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../measurements"),
    };
    let folder = folder.canonicalize().map_err(|error| {
        io::Error::new(
            error.kind(),
            format!(
                "no measurements in {} ({VARIABLE}): {error}",
                folder.display()
            ),
        )
    })?;
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut files = list(&folder, "")?;
    if folder.join("keys").is_dir() {
        files.extend(list(&folder.join("keys"), "keys/")?);
    }
    files.sort();
    let mut code = "&[\n".to_owned();
    for (name, path) in files {
        let path = path.to_str().ok_or(io::ErrorKind::InvalidInput)?;
        let _ = writeln!(code, "    ({name:?}, include_bytes!({path:?})),");
    }
    code.push(']');
    write("measurements.rs", &code)
}

/// Writes the list of the page's languages, tag and text each, in the order of the tags.
fn locales() -> io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("web/locales");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut tags = Vec::new();
    for entry in fs::read_dir(&folder)? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "json")
            && let (Some(tag), Some(whole)) = (path.file_stem(), path.to_str())
            && let Some(tag) = tag.to_str()
        {
            tags.push((tag.to_owned(), whole.to_owned()));
        }
    }
    tags.sort();
    let mut code = "&[\n".to_owned();
    for (tag, path) in tags {
        let _ = writeln!(code, "    ({tag:?}, include_str!({path:?})),");
    }
    code.push(']');
    write("locales.rs", &code)
}

fn write(name: &str, code: &str) -> io::Result<()> {
    let output = env::var_os("OUT_DIR").ok_or(io::ErrorKind::NotFound)?;
    fs::write(Path::new(&output).join(name), code)
}

fn list(folder: &Path, prefix: &str) -> io::Result<Vec<(String, PathBuf)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if let Some(name) = path.file_name().and_then(|name| name.to_str())
            && path.is_file()
            && wanted(name)
        {
            files.push((format!("{prefix}{name}"), path));
        }
    }
    Ok(files)
}

/// Selects releases, the status list, signatures, the ledger and keys; not manifests or the schema.
fn wanted(name: &str) -> bool {
    let base = name.strip_suffix(".minisig").unwrap_or(name);
    let release = base
        .strip_suffix(".json")
        .is_some_and(|base| !base.contains('.'));
    name == "LEDGER" || name.strip_suffix(".pub").is_some() || release
}
