//! Files pinned by their hashes.

use super::hash::FileHashes;
use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::Path;

/// Debian's archive of everything it ever published addresses files by SHA-1 for good. What is
/// fetched is then checked against SHA-256, so SHA-1 serves as an address alone.
pub(crate) const SNAPSHOT: &str = "https://snapshot.debian.org/file/";

/// One file of Debian's archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pin {
    /// Package name: of the binary package for a `.deb`, of the source package otherwise.
    pub(crate) name: String,
    /// Full Debian version, with epoch.
    pub(crate) version: String,
    /// File name in the archive's pool.
    pub(crate) file: String,
    /// Bytes.
    pub(crate) size: u64,
    /// Lower-case hex.
    pub(crate) sha256: String,
    /// Lower-case hex; the file's address in the permanent archive.
    pub(crate) sha1: String,
}

/// A list of pins: `packages.json` of a reproducer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pins {
    /// Codename of the Debian release that the files come from.
    pub(crate) release: String,
    /// The files, ordered by name.
    pub(crate) packages: Vec<Pin>,
}

impl Pin {
    /// The file's permanent address.
    pub(crate) fn url(&self) -> String {
        format!("{SNAPSHOT}{}", self.sha1)
    }

    pub(super) fn matches(&self, hashes: &FileHashes) -> bool {
        hashes.size == self.size && hashes.sha256 == self.sha256
    }

    pub(super) fn is_source(&self) -> bool {
        Path::new(&self.file)
            .extension()
            .is_none_or(|extension| extension != "deb")
    }
}

impl Pins {
    /// Reads and checks a list.
    pub(crate) fn load(path: &Path) -> Result<Self> {
        let text =
            fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let pins: Self = serde_json::from_str(&text)
            .with_context(|| format!("{} is not a list of pins", path.display()))?;
        for pin in &pins.packages {
            let hex = |text: &str, length: usize| {
                text.len() == length
                    && text
                        .bytes()
                        .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
            };
            if !hex(&pin.sha256, 64) || !hex(&pin.sha1, 40) {
                bail!("{}: {} has a malformed hash", path.display(), pin.file);
            }
            if pin.file.contains('/') || pin.file.starts_with('.') {
                bail!(
                    "{}: {:?} is not a plain file name",
                    path.display(),
                    pin.file
                );
            }
        }
        Ok(pins)
    }

    /// Writes the list with one package a line, so that a change of version is a change of one
    /// line.
    pub(crate) fn to_json(&self) -> Result<String> {
        let mut text = format!(
            "{{\n  \"release\": {},\n  \"packages\": [\n",
            serde_json::to_string(&self.release)?
        );
        for (index, pin) in self.packages.iter().enumerate() {
            let comma = if index + 1 == self.packages.len() {
                ""
            } else {
                ","
            };
            text.push_str("    ");
            text.push_str(&serde_json::to_string(pin)?);
            text.push_str(comma);
            text.push('\n');
        }
        text.push_str("  ]\n}\n");
        Ok(text)
    }
}

#[cfg(test)]
#[path = "pins_tests.rs"]
mod tests;
