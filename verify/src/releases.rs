//! Loads the releases: those embedded in the program, or those of a folder.

use anyhow::{Context, Result, bail};
use clap::Args;
use letsesign_measurements::{Files, History, Keys};
use std::fs;
use std::path::{Path, PathBuf};

/// Name and content of each file of `measurements/` at build time.
static EMBEDDED: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/measurements.rs"));

/// The largest file in bytes. Files of measurements have a few KB.
const FILE_MAX: u64 = 1 << 20;

/// Options that select the releases to compare with.
#[derive(Args, Debug, Default)]
pub(crate) struct ReleaseArgs {
    /// Take releases from this folder instead of those embedded in this program
    #[arg(long, value_name = "DIR")]
    pub(crate) measurements: Option<PathBuf>,
    /// Trust only signatures by this minisign public key; may be repeated
    #[arg(long, value_name = "FILE.pub")]
    pub(crate) key: Vec<PathBuf>,
}

impl ReleaseArgs {
    /// Reads the releases and checks them as a whole.
    pub(crate) fn load(&self) -> Result<History> {
        let embedded: Files = EMBEDDED
            .iter()
            .map(|(name, bytes)| ((*name).to_owned(), bytes.to_vec()))
            .collect();
        let files = match &self.measurements {
            Some(folder) => read_folder(folder)?,
            None => embedded.clone(),
        };
        let history = if self.key.is_empty() {
            History::from_files(&files)
        } else {
            let mut keys = Keys::default();
            for path in &self.key {
                let text = fs::read_to_string(path)
                    .with_context(|| format!("cannot read the key {}", path.display()))?;
                keys.add(&path.display().to_string(), &text)?;
            }
            History::with_keys(&files, keys)
        };
        let mut history = history
            .with_context(|| format!("the measurements ({}) are not consistent", self.origin()))?;
        if self.measurements.is_some() {
            let known = History::from_files(&embedded)
                .context("the measurements embedded in this program are not consistent")?;
            history.keep_worse(&known);
        }
        Ok(history)
    }

    /// Origin of the releases, for people.
    pub(crate) fn origin(&self) -> String {
        match &self.measurements {
            Some(folder) => folder.display().to_string(),
            None => format!("embedded in letsesign-verify {}", env!("CARGO_PKG_VERSION")),
        }
    }
}

fn read_folder(folder: &Path) -> Result<Files> {
    let mut files = Files::new();
    collect(folder, "", &mut files)?;
    let keys = folder.join("keys");
    if keys.is_dir() {
        collect(&keys, "keys/", &mut files)?;
    }
    if files.is_empty() {
        bail!("{} holds no files", folder.display());
    }
    Ok(files)
}

fn collect(folder: &Path, prefix: &str, files: &mut Files) -> Result<()> {
    let cannot = || format!("cannot list {}", folder.display());
    for entry in fs::read_dir(folder).with_context(cannot)? {
        let path = entry.with_context(cannot)?.path();
        let metadata =
            fs::metadata(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            continue;
        };
        if !metadata.is_file() {
            continue;
        }
        if metadata.len() > FILE_MAX {
            bail!("{} is larger than any file of measurements", path.display());
        }
        let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        files.insert(format!("{prefix}{name}"), bytes);
    }
    Ok(())
}
