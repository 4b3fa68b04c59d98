//! Where two images differ: which field, which section, which file in which ramdisk.

mod listing;
mod manifest;

pub use manifest::Manifest;

use crate::error::{Error, Result};
use crate::format::SectionKind;
use crate::layout::Section;
use crate::metadata::Metadata;
use crate::pcr::Pcrs;
use crate::progress::Progress;
use crate::read::{Image, section_reader};
use listing::Listing;
use serde::Serialize;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;
use std::sync::Arc;

/// One difference between a first and a second image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// `header`, `kernel`, `cmdline`, `ramdisk 1`, ...
    pub section: String,
    /// File inside a ramdisk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// What differs, first image before second.
    pub detail: String,
    /// Whether PCR0 to PCR2 depend on it.
    pub measured: bool,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.section)?;
        if let Some(path) = &self.path {
            write!(f, ": {path}")?;
        }
        write!(f, ": {}", self.detail)?;
        if self.measured { Ok(()) } else { f.write_str(" (not measured)") }
    }
}

/// Compares two image files; an empty list means that they are equal byte for byte. Both must be valid. Memory depends
/// on the number of files in the ramdisks, not on their sizes.
pub fn diff(a: &Path, b: &Path, progress: Arc<dyn Progress>) -> Result<Vec<Difference>> {
    let (file_a, image_a) = Image::open(a, Arc::clone(&progress)).map_err(|error| named(a, error))?;
    let (file_b, image_b) = Image::open(b, progress).map_err(|error| named(b, error))?;
    let mut comparison = Comparison { files: (file_a, file_b), found: Vec::new() };
    comparison.headers(&image_a, &image_b);
    comparison.sections(&image_a, &image_b)?;
    Ok(comparison.found)
}

/// What can be said when only measurements are known.
pub fn diff_pcrs(a: &Pcrs, b: &Pcrs) -> Vec<Difference> {
    let boot = "kernel, cmdline and ramdisk 1";
    let rest = "ramdisk 2 and later";
    let (section, detail) = match (a.pcr0 == b.pcr0, a.pcr1 == b.pcr1, a.pcr2 == b.pcr2) {
        (true, true, true) => return certificate_difference(a, b),
        (_, true, false) => (rest, format!("PCR2 differs and PCR1 does not: {boot} are equal, the files of the image are not")),
        (_, false, true) => (boot, format!("PCR1 differs and PCR2 does not: {rest} are equal, one of these is not")),
        (_, false, false) => ("all", format!("PCR1 and PCR2 differ: one of {boot} differs, and so does {rest}")),
        (false, true, true) => ("all", "only PCR0 differs, which cannot be: one of the two lists is wrong".to_owned()),
    };
    let mut found = vec![Difference { section: section.to_owned(), path: None, detail, measured: true }];
    found.extend(certificate_difference(a, b));
    found
}

fn certificate_difference(a: &Pcrs, b: &Pcrs) -> Vec<Difference> {
    let detail = match (a.pcr8, b.pcr8) {
        (Some(a), Some(b)) if a != b => "PCR8 differs: signed with different certificates",
        _ => return Vec::new(),
    };
    vec![Difference { section: "signature".to_owned(), path: None, detail: detail.to_owned(), measured: false }]
}

struct Comparison {
    files: (File, File),
    found: Vec<Difference>,
}

impl Comparison {
    fn add(&mut self, section: &str, measured: bool, detail: String) {
        self.found.push(Difference { section: section.to_owned(), path: None, detail, measured });
    }

    fn headers(&mut self, a: &Image, b: &Image) {
        let (x, y) = (&a.layout.header, &b.layout.header);
        if a.layout.arch != b.layout.arch {
            self.add("header", false, format!("architecture {} and {}", a.layout.arch, b.layout.arch));
        }
        if x.default_memory != y.default_memory {
            self.add("header", false, format!("default memory {} and {} bytes", x.default_memory, y.default_memory));
        }
        if x.default_cpus != y.default_cpus {
            self.add("header", false, format!("default CPUs {} and {}", x.default_cpus, y.default_cpus));
        }
        let order = |image: &Image| image.layout.sections.iter().map(|section| section.kind.name()).collect::<Vec<_>>().join(", ");
        let (x, y) = (order(a), order(b));
        if x != y {
            self.add("header", false, format!("sections are {x} and {y}"));
        }
    }

    fn sections(&mut self, a: &Image, b: &Image) -> Result<()> {
        for kind in
            [SectionKind::Kernel, SectionKind::Cmdline, SectionKind::Metadata, SectionKind::Ramdisk, SectionKind::Signature]
        {
            let (in_a, in_b): (Vec<_>, Vec<_>) = (a.layout.of_kind(kind).collect(), b.layout.of_kind(kind).collect());
            let measured = !matches!(kind, SectionKind::Metadata | SectionKind::Signature);
            for index in 0..in_a.len().max(in_b.len()) {
                let name = if kind == SectionKind::Ramdisk { format!("ramdisk {}", index + 1) } else { kind.name().to_owned() };
                match (in_a.get(index), in_b.get(index)) {
                    (Some(x), Some(y)) => {
                        if let Some(at) = self.first_difference(x, y)? {
                            self.explain(&name, (a, x), (b, y), at)?;
                        }
                    }
                    (Some(_), None) => self.add(&name, measured, "only in the first image".to_owned()),
                    (None, Some(_)) => self.add(&name, measured, "only in the second image".to_owned()),
                    (None, None) => {}
                }
            }
        }
        Ok(())
    }

    /// Offset of the first byte that differs; `None` when the sections are equal.
    fn first_difference(&mut self, x: &Section, y: &Section) -> Result<Option<u64>> {
        let mut a = section_reader(&mut self.files.0, x)?;
        let mut b = section_reader(&mut self.files.1, y)?;
        let (mut left, mut right) = (vec![0; 256 << 10], vec![0; 256 << 10]);
        let mut offset = 0;
        loop {
            let count = fill(&mut a, &mut left)?;
            let other = fill(&mut b, &mut right)?;
            let (now, then) = (left.get(..count).unwrap_or_default(), right.get(..other).unwrap_or_default());
            if now != then {
                let equal = now.iter().zip(then).take_while(|(x, y)| x == y).count();
                return Ok(Some(offset + equal as u64));
            }
            if count == 0 {
                return Ok(None);
            }
            offset += count as u64;
        }
    }

    fn explain(&mut self, name: &str, (a, x): (&Image, &Section), (b, y): (&Image, &Section), at: u64) -> Result<()> {
        match x.kind {
            SectionKind::Kernel => {
                let version = |image: &Image| image.kernel.version.clone().unwrap_or_else(|| "unknown version".to_owned());
                let (v, w) = (version(a), version(b));
                let versions = if v == w { v } else { format!("{v} and {w}") };
                self.add(name, true, format!("{} and {} bytes, differ from byte {at}; {versions}", x.size, y.size));
            }
            SectionKind::Cmdline => self.add(name, true, format!("{:?} and {:?}", a.cmdline, b.cmdline)),
            SectionKind::Metadata => self.metadata(name, &a.metadata, &b.metadata),
            SectionKind::Signature => {
                let same = a.pcrs.pcr8 == b.pcrs.pcr8;
                let what = if same { "same certificate, other signature" } else { "different certificates" };
                self.add(name, false, what.to_owned());
            }
            SectionKind::Ramdisk => {
                let list_a = Listing::read(&mut BufReader::new(section_reader(&mut self.files.0, x)?));
                let list_b = Listing::read(&mut BufReader::new(section_reader(&mut self.files.1, y)?));
                match (list_a, list_b) {
                    (Ok(list_a), Ok(list_b)) => self.found.extend(list_a.compare(&list_b, name)),
                    (Err(error), _) | (_, Err(error)) => {
                        let sizes = format!("{} and {} bytes", x.size, y.size);
                        self.add(name, true, format!("{sizes}, differ from byte {at}; no cpio archive to look into ({error})"));
                    }
                }
            }
        }
        Ok(())
    }

    fn metadata(&mut self, name: &str, a: &Metadata, b: &Metadata) {
        let before = self.found.len();
        let fields = |m: &Metadata| {
            [
                ("ImageName", m.image_name.clone()),
                ("ImageVersion", m.image_version.clone()),
                ("BuildTime", m.build.build_time.clone()),
                ("BuildTool", m.build.build_tool.clone()),
                ("BuildToolVersion", m.build.build_tool_version.clone()),
                ("OperatingSystem", m.build.operating_system.clone()),
                ("KernelVersion", m.build.kernel_version.clone()),
                ("DockerInfo", m.docker_info.to_string()),
                ("CustomMetadata", m.custom.to_string()),
            ]
        };
        for ((field, x), (_, y)) in fields(a).into_iter().zip(fields(b)) {
            if x != y {
                self.add(name, false, format!("{field} {x:?} and {y:?}"));
            }
        }
        if self.found.len() == before {
            self.add(name, false, "the same values, spelled differently".to_owned());
        }
    }
}

fn fill<R: Read>(source: &mut R, buffer: &mut [u8]) -> Result<usize> {
    let mut filled = 0;
    while let Some(room) = buffer.get_mut(filled..).filter(|room| !room.is_empty()) {
        match source.read(room) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Error::read("the image")(error)),
        }
    }
    Ok(filled)
}

/// Two files are in play: say which one is invalid.
fn named(path: &Path, error: Error) -> Error {
    match error {
        Error::Invalid(violation) => Error::Source { path: path.to_owned(), reason: format!("not a valid enclave image, {violation}") },
        other => other,
    }
}

#[cfg(test)]
mod tests;
