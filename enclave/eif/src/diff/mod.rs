//! Where two images differ: which field, which section, which file in which ramdisk.

mod compare;
mod contents;
mod files;
mod links;
mod listing;
mod manifest;
mod source;
mod unpack;

pub use contents::{RamdiskContents, ramdisk_contents};
pub use files::{ImageFiles, read_files};
pub use manifest::Manifest;

use crate::error::{Error, Result};
use crate::pcr::Pcrs;
use crate::progress::Progress;
use crate::read::Image;
use compare::Comparison;
use serde::Serialize;
use std::path::Path;
use std::sync::Arc;
use unpack::Unpacker;

/// One difference between a first and a second image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// `header`, `kernel`, `cmdline`, `ramdisk 1`, ...
    pub section: String,
    /// File inside a ramdisk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The difference in words, first image before second.
    pub detail: String,
    /// Whether PCR0 to PCR2 depend on it.
    pub measured: bool,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&letsesign_escape::line(&self.section))?;
        if let Some(path) = &self.path {
            write!(f, ": {}", letsesign_escape::line(path))?;
        }
        write!(f, ": {}", letsesign_escape::line(&self.detail))?;
        if self.measured {
            Ok(())
        } else {
            f.write_str(" (not measured)")
        }
    }
}

/// Compares two image files; an empty list means that they are equal byte for byte. Both must be
/// valid. Memory depends on the number of files in the ramdisks, not on their sizes.
pub fn diff(a: &Path, b: &Path, progress: Arc<dyn Progress>) -> Result<Vec<Difference>> {
    let (file_a, image_a) =
        Image::open(a, Arc::clone(&progress)).map_err(|error| named(a, error))?;
    let (file_b, image_b) = Image::open(b, progress).map_err(|error| named(b, error))?;
    let mut comparison = Comparison {
        files: (file_a, file_b),
        found: Vec::new(),
        unpackers: Default::default(),
    };
    comparison.headers(&image_a, &image_b);
    comparison.sections(&image_a, &image_b)?;
    Ok(comparison.found)
}

/// Paths of all entries that Linux unpacks from a ramdisk, sorted, with what acts on a terminal and
/// stray bytes escaped. Knows plain archives and those packed with gzip, zstd or lz4.
pub fn list_ramdisk<R: std::io::BufRead>(source: &mut R) -> Result<Vec<String>> {
    Unpacker::default()
        .ramdisk(source, 0)
        .map(|listing| listing.paths())
        .map_err(Error::read("the ramdisk"))
}

/// Compares two images of which only the measurements are known.
pub fn diff_pcrs(a: &Pcrs, b: &Pcrs) -> Vec<Difference> {
    let boot = "kernel, cmdline and ramdisk 1";
    let rest = "ramdisk 2 and later";
    let (section, detail) = match (a.pcr0 == b.pcr0, a.pcr1 == b.pcr1, a.pcr2 == b.pcr2) {
        (true, true, true) => return certificate_difference(a, b),
        (_, true, false) => (
            rest,
            format!(
                "PCR2 differs and PCR1 does not: {boot} are equal, the files of the image are not"
            ),
        ),
        (_, false, true) => (
            boot,
            format!("PCR1 differs and PCR2 does not: {rest} are equal, one of these is not"),
        ),
        (_, false, false) => (
            "all",
            format!("PCR1 and PCR2 differ: one of {boot} differs, and so does {rest}"),
        ),
        (false, true, true) => (
            "all",
            "only PCR0 differs, which cannot be: one of the two lists is wrong".to_owned(),
        ),
    };
    let mut found = vec![Difference {
        section: section.to_owned(),
        path: None,
        detail,
        measured: true,
    }];
    found.extend(certificate_difference(a, b));
    found
}

fn certificate_difference(a: &Pcrs, b: &Pcrs) -> Vec<Difference> {
    let detail = match (a.pcr8, b.pcr8) {
        (Some(a), Some(b)) if a != b => "PCR8 differs: signed with different certificates",
        _ => return Vec::new(),
    };
    vec![Difference {
        section: "signature".to_owned(),
        path: None,
        detail: detail.to_owned(),
        measured: false,
    }]
}

/// Adds the path to an error, because two files are read.
fn named(path: &Path, error: Error) -> Error {
    match error {
        Error::Invalid(violation) => Error::Source {
            path: path.to_owned(),
            reason: format!("not a valid enclave image, {violation}"),
        },
        other => other,
    }
}

#[cfg(test)]
#[allow(clippy::cast_possible_truncation, reason = "sizes of a few bytes")]
mod blinding;
#[cfg(test)]
mod tests;
