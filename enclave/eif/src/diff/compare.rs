//! Comparing two images that are both at hand.

use super::Difference;
use super::unpack::Unpacker;
use crate::error::{Error, Result};
use crate::format::SectionKind;
use crate::layout::Section;
use crate::metadata::Metadata;
use crate::read::{Image, section_reader};
use std::fs::File;
use std::io::{BufReader, Read};

pub(super) struct Comparison {
    pub(super) files: (File, File),
    pub(super) found: Vec<Difference>,
    pub(super) unpackers: (Unpacker, Unpacker),
}

impl Comparison {
    fn add(&mut self, section: &str, measured: bool, detail: String) {
        self.found.push(Difference {
            section: section.to_owned(),
            path: None,
            detail,
            measured,
        });
    }

    pub(super) fn headers(&mut self, a: &Image, b: &Image) {
        // No register covers the header, so none of these differences is measured.
        let (x, y) = (&a.layout.header, &b.layout.header);
        if a.layout.arch != b.layout.arch {
            self.add(
                "header",
                false,
                format!("architecture {} and {}", a.layout.arch, b.layout.arch),
            );
        }
        if x.default_memory != y.default_memory {
            self.add(
                "header",
                false,
                format!(
                    "default memory {} and {} bytes",
                    x.default_memory, y.default_memory
                ),
            );
        }
        if x.default_cpus != y.default_cpus {
            self.add(
                "header",
                false,
                format!("default CPUs {} and {}", x.default_cpus, y.default_cpus),
            );
        }
        let order = |image: &Image| {
            image
                .layout
                .sections
                .iter()
                .map(|section| section.kind.name())
                .collect::<Vec<_>>()
                .join(", ")
        };
        let (x, y) = (order(a), order(b));
        if x != y {
            self.add("header", false, format!("sections are {x} and {y}"));
        }
    }

    pub(super) fn sections(&mut self, a: &Image, b: &Image) -> Result<()> {
        for kind in [
            SectionKind::Kernel,
            SectionKind::Cmdline,
            SectionKind::Metadata,
            SectionKind::Ramdisk,
            SectionKind::Signature,
        ] {
            let (in_a, in_b): (Vec<_>, Vec<_>) = (
                a.layout.of_kind(kind).collect(),
                b.layout.of_kind(kind).collect(),
            );
            let measured = !matches!(kind, SectionKind::Metadata | SectionKind::Signature);
            for index in 0..in_a.len().max(in_b.len()) {
                let name = if kind == SectionKind::Ramdisk {
                    format!("ramdisk {}", index + 1)
                } else {
                    kind.name().to_owned()
                };
                match (in_a.get(index), in_b.get(index)) {
                    (Some(x), Some(y)) => {
                        let at = self.first_difference(x, y)?;
                        // Equal ramdisks too: what Linux keeps of one changes the next.
                        if kind == SectionKind::Ramdisk {
                            self.ramdisks(&name, x, y, at)?;
                        } else if let Some(at) = at {
                            self.explain(&name, (a, x), (b, y), at);
                        }
                    }
                    (Some(_), None) => {
                        self.add(&name, measured, "only in the first image".to_owned());
                    }
                    (None, Some(_)) => {
                        self.add(&name, measured, "only in the second image".to_owned());
                    }
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
            let (now, then) = (
                left.get(..count).unwrap_or_default(),
                right.get(..other).unwrap_or_default(),
            );
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

    fn explain(
        &mut self,
        name: &str,
        (a, x): (&Image, &Section),
        (b, y): (&Image, &Section),
        at: u64,
    ) {
        match x.kind {
            SectionKind::Kernel => {
                let version = |image: &Image| {
                    image
                        .kernel
                        .version
                        .clone()
                        .unwrap_or_else(|| "unknown version".to_owned())
                };
                let (v, w) = (version(a), version(b));
                let versions = if v == w { v } else { format!("{v} and {w}") };
                self.add(
                    name,
                    true,
                    format!(
                        "{} and {} bytes, differ from byte {at}; {versions}",
                        x.size, y.size
                    ),
                );
            }
            SectionKind::Cmdline => {
                self.add(name, true, format!("{:?} and {:?}", a.cmdline, b.cmdline));
            }
            SectionKind::Metadata => self.metadata(name, &a.metadata, &b.metadata),
            // Signatures of one key differ where the signer draws a random nonce.
            SectionKind::Signature => {
                let same = a.pcrs.pcr8 == b.pcrs.pcr8;
                let what = if same {
                    "same certificate, other signature"
                } else {
                    "different certificates"
                };
                self.add(name, false, what.to_owned());
            }
            SectionKind::Ramdisk => {}
        }
    }

    /// Ramdisks are read even when they are equal: what Linux remembers of one decides what it
    /// makes of the next.
    fn ramdisks(&mut self, name: &str, x: &Section, y: &Section, at: Option<u64>) -> Result<()> {
        let a = BufReader::new(section_reader(&mut self.files.0, x)?);
        let a = self.unpackers.0.ramdisk(a, x.size);
        let b = BufReader::new(section_reader(&mut self.files.1, y)?);
        let b = self.unpackers.1.ramdisk(b, y.size);
        match (a, b, at) {
            (Ok(a), Ok(b), None) if a == b => {}
            (Ok(a), Ok(b), _) => self.found.extend(a.compare(&b, name)),
            (_, _, None) => {}
            (Err(error), _, Some(at)) | (_, Err(error), Some(at)) => {
                let sizes = format!("{} and {} bytes", x.size, y.size);
                let text =
                    format!("{sizes}, differ from byte {at}; no initramfs to look into ({error})");
                self.add(name, true, text);
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
            self.add(
                name,
                false,
                "the same values, spelled differently".to_owned(),
            );
        }
    }
}

pub(super) fn fill<R: Read>(source: &mut R, buffer: &mut [u8]) -> Result<usize> {
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
