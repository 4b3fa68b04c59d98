//! A summary of the files that Linux unpacks from an image's ramdisks.

use super::named;
use super::unpack::Unpacker;
use crate::error::Result;
use crate::format::SectionKind;
use crate::progress::Progress;
use crate::read::{Image, section_reader};
use serde::Serialize;
use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;

/// Summary of the files that Linux unpacks from one ramdisk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct RamdiskContents {
    /// Number of the ramdisk, from 1.
    pub number: usize,
    /// How each of its members is packed: `none`, `gzip`, `zstd`, `lz4`.
    pub packings: Vec<String>,
    /// Its archives in words, or why there are none to be read.
    pub archives: String,
    /// Number of entries in all of them.
    pub entries: usize,
    /// Features that an initramfs of one plain archive does not need, and that hide files from
    /// readers that stop earlier than Linux: further archives, repeated paths, broken hard links.
    pub notes: Vec<String>,
}

/// Looks into all ramdisks of an image file, which must be valid. Memory depends on the number of
/// files, which is limited, not on their sizes.
///
/// # Errors
/// When the file cannot be read or is not a valid image. A ramdisk that cannot be unpacked is a
/// note.
pub fn ramdisk_contents(path: &Path, progress: Arc<dyn Progress>) -> Result<Vec<RamdiskContents>> {
    let (mut file, image) = Image::open(path, progress).map_err(|error| named(path, error))?;
    let mut unpacker = Unpacker::default();
    let mut found = Vec::new();
    for (number, section) in (1..).zip(image.layout.of_kind(SectionKind::Ramdisk)) {
        let reader = BufReader::new(section_reader(&mut file, section)?);
        let contents = match unpacker.ramdisk(reader, section.size) {
            Ok(listing) => RamdiskContents {
                number,
                packings: listing
                    .packing_names()
                    .into_iter()
                    .map(str::to_owned)
                    .collect(),
                archives: listing.archives_text(),
                entries: listing.entries(),
                notes: unpacker.notes(),
            },
            Err(error) => RamdiskContents {
                number,
                packings: Vec::new(),
                archives: "no initramfs that Linux unpacks whole".to_owned(),
                entries: 0,
                notes: [
                    vec![format!("no initramfs that Linux unpacks whole: {error}")],
                    unpacker.notes(),
                ]
                .concat(),
            },
        };
        found.push(contents);
    }
    unpacker.finish();
    if let Some(last) = found.last_mut() {
        last.notes.extend(unpacker.notes());
    }
    Ok(found)
}
