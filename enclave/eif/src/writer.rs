//! Puts sections into a file, in one pass, and fills in the headers at the end.

use crate::error::{Error, Result};
use crate::format::{
    Arch, HEADER_SIZE, Header, MAGIC, MAX_SECTIONS, SECTION_HEADER_SIZE, SectionHeader,
    SectionKind, VERSION,
};
use crate::output::Unfinished;
use crate::pcr::Pcrs;
use crate::pipeline::{Measured, Passed, Pipeline};
use crate::progress::Progress;
use serde::Serialize;
use std::fs::File;
use std::io::{Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

/// The header fields that a builder chooses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeaderFields {
    /// Architecture.
    pub arch: Arch,
    /// Default memory in bytes.
    pub default_memory: u64,
    /// Default number of virtual CPUs.
    pub default_cpus: u64,
}

impl Default for HeaderFields {
    fn default() -> Self {
        HeaderFields {
            arch: Arch::default(),
            default_memory: crate::format::DEFAULT_MEMORY,
            default_cpus: crate::format::DEFAULT_CPUS,
        }
    }
}

/// Kind and size of a section that was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct SectionSize {
    /// The kind of its contents.
    #[serde(serialize_with = "kind_name")]
    pub kind: SectionKind,
    /// Bytes of contents, without the section's header.
    pub size: u64,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde passes a reference.
fn kind_name<S: serde::Serializer>(kind: &SectionKind, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(kind.name())
}

/// Description of a finished image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Built {
    /// The measurements.
    pub pcrs: Pcrs,
    /// Bytes of the whole file.
    pub size: u64,
    /// Its sections, in the order of the file.
    pub sections: Vec<SectionSize>,
}

/// An image being written, or only measured when no target is given.
pub(crate) struct ImageWriter {
    fields: HeaderFields,
    output: Option<Unfinished>,
    pipeline: Pipeline,
    kinds: Vec<SectionKind>,
    ramdisks: usize,
}

impl ImageWriter {
    /// Runs `fill`, which adds the sections, and completes the file. Nothing remains of it when
    /// `fill` fails.
    pub(crate) fn run(
        target: Option<&Path>,
        fields: HeaderFields,
        progress: Arc<dyn Progress>,
        fill: impl FnOnce(&mut ImageWriter) -> Result<Pcrs>,
    ) -> Result<Built> {
        let output = target.map(Unfinished::create).transpose()?;
        let file = match (&output, target) {
            (Some(output), Some(target)) => {
                let mut file = output.file()?;
                file.seek(SeekFrom::Start(HEADER_SIZE))
                    .map_err(Error::io("write", target))?;
                Some((file, target.to_owned()))
            }
            _ => None,
        };
        let pipeline = Pipeline::start(file, progress)?;
        let mut writer = ImageWriter {
            fields,
            output,
            pipeline,
            kinds: Vec::new(),
            ramdisks: 0,
        };
        match fill(&mut writer) {
            Ok(pcrs) => writer.finish(pcrs, target.unwrap_or(Path::new(""))),
            Err(error) => Err(writer.pipeline.cause_of(error)),
        }
    }

    /// Adds a section whose contents `fill` writes. Sections must come in the format's order.
    pub(crate) fn section(
        &mut self,
        kind: SectionKind,
        fill: impl FnOnce(&mut Pipeline) -> Result<()>,
    ) -> Result<()> {
        if self.kinds.len() == MAX_SECTIONS {
            return Err(Error::Option(format!(
                "an image holds at most {MAX_SECTIONS} sections: give fewer ramdisks"
            )));
        }
        let measured = Measured::of(kind, &mut self.ramdisks);
        self.kinds.push(kind);
        self.pipeline.begin(measured, None)?;
        fill(&mut self.pipeline)?;
        self.pipeline.end()?;
        Ok(())
    }

    /// PCR0 to PCR2 of the sections so far; only a signature may follow.
    pub(crate) fn pcrs(&mut self) -> Result<Pcrs> {
        self.pipeline.finish_pcrs()
    }

    fn finish(self, pcrs: Pcrs, target: &Path) -> Result<Built> {
        let Passed { file, sections } = self.pipeline.finish()?;
        let parts: Vec<Part> = self
            .kinds
            .iter()
            .zip(&sections)
            .map(|(kind, (checksum, size))| Part {
                header: SectionHeader::new(*kind, *size),
                contents: checksum.clone(),
            })
            .collect();
        let header = file_header(self.fields, &parts);
        if let Some(file) = file {
            write_headers(&file, &header, &parts).map_err(Error::io("write", target))?;
        }
        if let Some(output) = self.output {
            output.complete()?;
        }
        let sections: Vec<_> = self
            .kinds
            .iter()
            .zip(&sections)
            .map(|(kind, (_, size))| SectionSize {
                kind: *kind,
                size: *size,
            })
            .collect();
        let size = HEADER_SIZE
            + sections
                .iter()
                .map(|section| SECTION_HEADER_SIZE + section.size)
                .sum::<u64>();
        Ok(Built {
            pcrs,
            size,
            sections,
        })
    }
}

struct Part {
    header: SectionHeader,
    contents: crc32fast::Hasher,
}

fn file_header(fields: HeaderFields, parts: &[Part]) -> Header {
    let mut header = Header {
        magic: MAGIC,
        version: VERSION,
        flags: fields.arch.flags(),
        default_memory: fields.default_memory,
        default_cpus: fields.default_cpus,
        reserved: 0,
        section_count: u16::try_from(parts.len()).unwrap_or(u16::MAX),
        section_offsets: [0; MAX_SECTIONS],
        section_sizes: [0; MAX_SECTIONS],
        unused: 0,
        crc32: 0,
    };
    let mut offset = HEADER_SIZE;
    for ((part, slot), size) in parts
        .iter()
        .zip(&mut header.section_offsets)
        .zip(&mut header.section_sizes)
    {
        *slot = offset;
        *size = part.header.size;
        offset += SECTION_HEADER_SIZE + part.header.size;
    }
    let mut checksum = crc32fast::Hasher::new();
    checksum.update(&header.bytes_before_crc());
    for part in parts {
        checksum.update(&part.header.to_bytes());
        checksum.combine(&part.contents);
    }
    header.crc32 = checksum.finalize();
    header
}

fn write_headers(file: &File, header: &Header, parts: &[Part]) -> std::io::Result<()> {
    file.write_all_at(&header.to_bytes(), 0)?;
    for (part, offset) in parts.iter().zip(&header.section_offsets) {
        file.write_all_at(&part.header.to_bytes(), *offset)?;
    }
    // A last section that is empty would leave its header beyond what was written; write_all_at has
    // extended the file.
    Ok(())
}
