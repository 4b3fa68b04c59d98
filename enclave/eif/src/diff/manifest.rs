//! A list of an image's contents, small enough to be kept beside its measurements. It explains a
//! difference later without the image itself.

use super::listing::Listing;
use super::unpack::Unpacker;
use super::{Difference, named};
use crate::error::{Error, Result};
use crate::format::SectionKind;
use crate::progress::Progress;
use crate::read::{Image, section_reader};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha384};
use std::io::{BufReader, Read};
use std::path::Path;
use std::sync::Arc;

/// Number of the form that is written. Form 1 is read too: it knows neither archives nor links, so
/// that a comparison with it may name those of the other image as differences.
const FORMAT: u32 = 2;
const OLD_FORMAT: u32 = 1;

/// Sizes and digests of an image's sections, and of every file in its ramdisks. As JSON it has one
/// spelling for one image.
///
/// Metadata and signatures are left out: they are not measured by PCR0 to PCR2.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    format: u32,
    sections: Vec<Section>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Section {
    /// `kernel`, `cmdline`, `ramdisk 1`, ...
    name: String,
    /// Bytes of contents.
    size: u64,
    /// SHA-384 of the contents, in hexadecimal.
    sha384: String,
    /// The command line itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// Files of a ramdisk; absent when the ramdisk is not a cpio archive that this crate can read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    listing: Option<Listing>,
    /// Why a ramdisk has no listing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unreadable: Option<String>,
}

impl Manifest {
    /// Reads an image file, which must be valid.
    pub fn of(path: &Path, progress: Arc<dyn Progress>) -> Result<Self> {
        let (mut file, image) = Image::open(path, progress).map_err(|error| named(path, error))?;
        let mut sections = Vec::new();
        let mut ramdisks = 0;
        let mut unpacker = Unpacker::default();
        for section in &image.layout.sections {
            let name = match section.kind {
                SectionKind::Kernel | SectionKind::Cmdline => section.kind.name().to_owned(),
                SectionKind::Ramdisk => {
                    ramdisks += 1;
                    format!("ramdisk {ramdisks}")
                }
                SectionKind::Metadata | SectionKind::Signature => continue,
            };
            let sha384 = digest(&mut section_reader(&mut file, section)?)?;
            let text = (section.kind == SectionKind::Cmdline).then(|| image.cmdline.clone());
            let (mut listing, mut unreadable) = (None, None);
            if section.kind == SectionKind::Ramdisk {
                let reader = BufReader::new(section_reader(&mut file, section)?);
                match unpacker.ramdisk(reader, section.size) {
                    Ok(read) => listing = Some(read),
                    Err(error) => unreadable = Some(error.to_string()),
                }
            }
            sections.push(Section {
                name,
                size: section.size,
                sha384,
                text,
                listing,
                unreadable,
            });
        }
        Ok(Self {
            format: FORMAT,
            sections,
        })
    }

    /// Whether both say the same of the sections, whatever form they are written in.
    pub fn same_sections(&self, other: &Self) -> bool {
        self.sections == other.sections
    }

    /// Where another image differs. In the texts this manifest is the first image, the other one
    /// the second.
    pub fn compare(&self, other: &Self) -> Vec<Difference> {
        let mut found = Vec::new();
        let mut add = |section: &str, detail: String| {
            found.push(Difference {
                section: section.to_owned(),
                path: None,
                detail,
                measured: true,
            });
        };
        let known = |manifest: &Self| [OLD_FORMAT, FORMAT].contains(&manifest.format);
        if !known(self) || !known(other) {
            add(
                "manifest",
                format!(
                    "format {} and {}: make the manifest anew",
                    self.format, other.format
                ),
            );
            return found;
        }
        let find = |manifest: &Self, name: &str| {
            manifest
                .sections
                .iter()
                .find(|section| section.name == name)
                .cloned()
        };
        let mut listed = Vec::new();
        for a in &self.sections {
            match find(other, &a.name) {
                None => add(&a.name, "only in the first image".to_owned()),
                // Equal bytes are other files when the ramdisk before left other links behind.
                Some(b)
                    if a.sha384 == b.sha384
                        && (a.listing == b.listing || self.format != other.format) => {}
                Some(b) => match (&a.listing, &b.listing, &a.text, &b.text) {
                    (Some(x), Some(y), _, _) => listed.extend(x.compare(y, &a.name)),
                    (_, _, Some(x), Some(y)) => add(&a.name, format!("{x:?} and {y:?}")),
                    _ => {
                        let sizes = format!("{} and {} bytes, contents differ", a.size, b.size);
                        let reasons = [("first", &a.unreadable), ("second", &b.unreadable)];
                        let reasons = reasons.map(|(which, reason)| match reason {
                            Some(reason) => format!("; the {which} cannot be unpacked: {reason}"),
                            None => String::new(),
                        });
                        add(&a.name, sizes + &reasons.concat());
                    }
                },
            }
        }
        for b in &other.sections {
            if find(self, &b.name).is_none() {
                add(&b.name, "only in the second image".to_owned());
            }
        }
        found.extend(listed);
        found
    }
}

fn digest(source: &mut impl Read) -> Result<String> {
    let mut hash = Sha384::new();
    let mut buffer = vec![0; 256 << 10];
    loop {
        match super::compare::fill(source, &mut buffer)? {
            0 => return Ok(hex::encode(hash.finalize())),
            count => hash.update(buffer.get(..count).ok_or(Error::Thread("digest"))?),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Build, Compression, Metadata, Process, Ramdisks, Silent};
    use canoni::{Content, Metadata as FileMetadata, TreeBuilder};

    /// The manifest of an image with one file of this content.
    fn manifest(content: &str, cmdline: &str, compression: Compression) -> Manifest {
        let directory = tempfile::tempdir().unwrap();
        let (kernel, init) = (
            directory.path().join("kernel"),
            directory.path().join("init"),
        );
        std::fs::write(&kernel, crate::kernel::fake_bzimage(5000)).unwrap();
        std::fs::write(&init, letsesign_tests::elf::program(b"\xf4")).unwrap();
        let mut builder = TreeBuilder::new();
        builder
            .file(
                "server",
                FileMetadata::root(0o755),
                Content::from(content.as_bytes().to_vec()),
            )
            .unwrap();
        let tree = builder.build().unwrap();
        let process = Process {
            entrypoint: vec!["/server".to_owned()],
            ..Process::default()
        };
        let ramdisks = Ramdisks::Bundle {
            init: &init,
            tree: &tree,
            process: &process,
        };
        let mut build = Build::new(&kernel, cmdline, ramdisks, Metadata::new("test", "1"));
        build.compression = compression;
        let path = directory.path().join("test.eif");
        build.write(&path).unwrap();
        Manifest::of(&path, Arc::new(Silent)).unwrap()
    }

    fn differences(a: &Manifest, b: &Manifest) -> Vec<String> {
        a.compare(b).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn json_brings_a_manifest_back() {
        let manifest = manifest("a", "x=1", Compression::Gzip(6));
        let json = serde_json::to_string(&manifest).unwrap();
        let back: Manifest = serde_json::from_str(&json).unwrap();
        assert_eq!(back, manifest);
        assert_eq!(differences(&manifest, &back), Vec::<String>::new());
        assert!(
            json.contains(r#""rootfs/server":{"mode":"100755""#),
            "{json}"
        );
    }

    #[test]
    fn a_changed_byte_names_the_file() {
        let (a, b) = (
            manifest("a", "x=1", Compression::Lz4),
            manifest("b", "x=1", Compression::Lz4),
        );
        let found = differences(&a, &b);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].starts_with(
                "ramdisk 2: rootfs/server: contents differ (sha256 ca978112ca1bbdca..."
            ),
            "{found:?}"
        );
    }

    #[test]
    fn a_changed_command_line_is_shown_and_other_compression_is_named() {
        let found = differences(
            &manifest("a", "x=1", Compression::None),
            &manifest("a", "x=2", Compression::Gzip(6)),
        );
        assert!(
            found.contains(&"cmdline: \"x=1\" and \"x=2\"".to_owned()),
            "{found:?}"
        );
        assert!(
            found
                .iter()
                .any(|line| line == "ramdisk 1: compression none and gzip"),
            "{found:?}"
        );
    }
}
