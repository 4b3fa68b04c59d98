//! The outer structure of a file: its headers, checked against each other and against the file's
//! length before use. No allocation depends on a size that the file claims.

mod checks;

use crate::error::{Error, Result};
use crate::format::{
    Arch, HEADER_LEN, HEADER_SIZE, Header, MAGIC, MAX_SECTIONS, SECTION_HEADER_LEN,
    SECTION_HEADER_SIZE, SectionHeader, SectionKind, offset,
};
use crate::rule::{Rule, Violation};
use checks::{check_header, check_kinds};
use std::io::{Read, Seek, SeekFrom};

/// Longest command line, without NUL: Linux's COMMAND_LINE_SIZE is 2048 on x86_64 and aarch64.
pub const MAX_CMDLINE: u64 = 2047;
/// Largest signature section.
pub const MAX_SIGNATURE: u64 = 256 << 10;

/// One section's place in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Section {
    /// The kind of its contents.
    pub kind: SectionKind,
    /// Offset of its header from the start of the file.
    pub offset: u64,
    /// Bytes of contents.
    pub size: u64,
}

impl Section {
    /// Offset of the contents from the start of the file.
    pub fn contents(&self) -> u64 {
        self.offset + SECTION_HEADER_SIZE
    }
}

/// Headers that obey rules 1 to 15.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// The file header.
    pub header: Header,
    /// Architecture out of the header's flags.
    pub arch: Arch,
    /// The sections in file order.
    pub sections: Vec<Section>,
}

impl Layout {
    /// Reads and checks the headers. `source` is left at an unspecified position.
    pub fn scan<R: Read + Seek>(source: &mut R) -> Result<Self> {
        let length = source
            .seek(SeekFrom::End(0))
            .map_err(Error::read("the image"))?;
        let header = read_header(source, length)?;
        check_header(&header)?;
        // `check_header` allows only the two known values.
        let arch = Arch::from_flags(header.flags).unwrap_or_default();
        let count = usize::from(header.section_count);
        let mut sections = Vec::with_capacity(MAX_SECTIONS);
        let mut expected = HEADER_SIZE;
        let table = header
            .section_offsets
            .iter()
            .zip(&header.section_sizes)
            .take(count);
        for (index, (claimed_offset, claimed_size)) in table.enumerate() {
            let section = read_section(
                source,
                length,
                expected,
                index,
                *claimed_offset,
                *claimed_size,
            )?;
            // Cannot overflow: the section was just found to end inside the file.
            expected = section.contents() + section.size;
            sections.push(section);
        }
        if expected != length {
            let extra = length - expected;
            return broken(
                Rule::TrailingBytes,
                expected,
                format!("{extra} bytes follow the last section"),
            );
        }
        check_kinds(&sections)?;
        Ok(Layout {
            header,
            arch,
            sections,
        })
    }

    /// The sections of one kind, in file order.
    pub fn of_kind(&self, kind: SectionKind) -> impl Iterator<Item = &Section> {
        self.sections
            .iter()
            .filter(move |section| section.kind == kind)
    }
}

fn broken<T>(rule: Rule, offset: u64, detail: String) -> Result<T> {
    Err(Error::Invalid(Violation::new(rule, offset, detail)))
}

fn read_header<R: Read + Seek>(source: &mut R, length: u64) -> Result<Header> {
    source
        .seek(SeekFrom::Start(0))
        .map_err(Error::read("the image"))?;
    if length < HEADER_SIZE {
        let mut magic = [0; 4];
        let found = length >= 4 && source.read_exact(&mut magic).is_ok() && magic == MAGIC;
        return if found {
            broken(
                Rule::InsideFile,
                length,
                format!("the file ends inside its header, which has {HEADER_SIZE} bytes"),
            )
        } else {
            broken(
                Rule::Magic,
                offset::MAGIC,
                format!("this file of {length} bytes does not start with \".eif\""),
            )
        };
    }
    let mut bytes = [0; HEADER_LEN];
    source
        .read_exact(&mut bytes)
        .map_err(Error::read("the image's header"))?;
    Ok(Header::from_bytes(&bytes))
}

fn read_section<R: Read + Seek>(
    source: &mut R,
    length: u64,
    expected: u64,
    index: usize,
    claimed_offset: u64,
    claimed_size: u64,
) -> Result<Section> {
    let slot = 8 * index as u64;
    // Registers cover the contents of sections alone: bytes in a gap would be measured by none.
    if claimed_offset != expected {
        let detail = format!(
            "section {index} is said to start at {claimed_offset}, but {expected} is the next free offset"
        );
        return broken(Rule::Contiguous, offset::SECTION_OFFSETS + slot, detail);
    }
    if length - expected < SECTION_HEADER_SIZE {
        return broken(
            Rule::InsideFile,
            expected,
            format!("the file of {length} bytes ends inside the header of section {index}"),
        );
    }
    source
        .seek(SeekFrom::Start(expected))
        .map_err(Error::read("the image"))?;
    let mut bytes = [0; SECTION_HEADER_LEN];
    source
        .read_exact(&mut bytes)
        .map_err(Error::read(format!("the header of section {index}")))?;
    let header = SectionHeader::from_bytes(&bytes);
    let Some(kind) = SectionKind::from_number(header.kind) else {
        return broken(
            Rule::SectionKind,
            expected,
            format!("section {index} is of unknown kind {}", header.kind),
        );
    };
    if header.flags != 0 {
        return broken(
            Rule::SectionFlags,
            expected + 2,
            format!("the flags of section {index} are {:#06x}", header.flags),
        );
    }
    if header.size != claimed_size {
        let detail = format!(
            "section {index} has {} bytes by its own header, {claimed_size} by the file header",
            header.size
        );
        return broken(Rule::SizesAgree, expected + 4, detail);
    }
    let room = length - expected - SECTION_HEADER_SIZE;
    if header.size > room {
        let detail = format!(
            "{kind} section {index} claims {} bytes, but only {room} follow",
            header.size
        );
        return broken(Rule::InsideFile, expected + 4, detail);
    }
    // Readers hold these sections in memory; kernel and ramdisks are streamed.
    let limit = match kind {
        SectionKind::Cmdline => MAX_CMDLINE,
        SectionKind::Metadata => crate::metadata::MAX_METADATA,
        SectionKind::Signature => MAX_SIGNATURE,
        SectionKind::Kernel | SectionKind::Ramdisk => u64::MAX,
    };
    if header.size > limit {
        let detail = format!(
            "{kind} section {index} has {} bytes; the limit is {limit}",
            header.size
        );
        return broken(Rule::SmallSections, expected + 4, detail);
    }
    Ok(Section {
        kind,
        offset: expected,
        size: header.size,
    })
}
