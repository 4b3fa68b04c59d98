//! Shared by the tests: golden images, and taking them apart to break them.

#![allow(dead_code, unreachable_pub)] // Each test program uses its own part.

pub mod archive;
pub mod bench;

use eif::format::{HEADER_SIZE, Header, SECTION_HEADER_SIZE, SectionHeader, SectionKind};
use eif::{Error, Image, Rule, Silent, Violation};
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub fn vectors() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors")
}

pub fn input(name: &str) -> PathBuf {
    vectors().join("inputs").join(name)
}

pub fn vector(name: &str) -> Vec<u8> {
    std::fs::read(vectors().join(format!("{name}.eif"))).unwrap()
}

pub fn read(bytes: &[u8]) -> eif::Result<Image> {
    Image::read(&mut Cursor::new(bytes), Arc::new(Silent))
}

pub fn violation(bytes: &[u8]) -> Violation {
    match read(bytes) {
        Err(Error::Invalid(violation)) => violation,
        Err(other) => panic!("unexpected error: {other}"),
        Ok(_) => panic!("accepted"),
    }
}

/// An image as header fields and sections, which may be bent and put together again.
#[derive(Clone)]
pub struct Parts {
    pub header: Header,
    pub sections: Vec<(SectionHeader, Vec<u8>)>,
}

impl Parts {
    pub fn of(bytes: &[u8]) -> Self {
        let size = usize::try_from(HEADER_SIZE).unwrap();
        let header = Header::from_bytes(bytes[..size].try_into().unwrap());
        let mut rest = &bytes[size..];
        let mut sections = Vec::new();
        while !rest.is_empty() {
            let (head, tail) = rest.split_at(usize::try_from(SECTION_HEADER_SIZE).unwrap());
            let section = SectionHeader::from_bytes(head.try_into().unwrap());
            let (contents, tail) = tail.split_at(usize::try_from(section.size).unwrap());
            sections.push((section, contents.to_vec()));
            rest = tail;
        }
        Parts { header, sections }
    }

    pub fn golden() -> Self {
        Self::of(&vector("two-ramdisks"))
    }

    pub fn section(kind: SectionKind, contents: &[u8]) -> (SectionHeader, Vec<u8>) {
        (
            SectionHeader::new(kind, contents.len() as u64),
            contents.to_vec(),
        )
    }

    pub fn replace(&mut self, kind: SectionKind, contents: &[u8]) -> &mut Self {
        let slot = self
            .sections
            .iter_mut()
            .find(|(header, _)| header.kind == kind as u16)
            .unwrap();
        *slot = Self::section(kind, contents);
        self
    }

    /// Makes count, offsets and sizes of the header right.
    pub fn table(&mut self) -> &mut Self {
        self.header.section_count = u16::try_from(self.sections.len()).unwrap();
        self.header.section_offsets = [0; 32];
        self.header.section_sizes = [0; 32];
        let mut offset = HEADER_SIZE;
        for (index, (header, contents)) in self.sections.iter().enumerate().take(32) {
            self.header.section_offsets[index] = offset;
            self.header.section_sizes[index] = header.size;
            offset += SECTION_HEADER_SIZE + contents.len() as u64;
        }
        self
    }

    /// The file, with its checksum made right.
    pub fn bytes(&self) -> Vec<u8> {
        let mut body = Vec::new();
        for (header, contents) in &self.sections {
            body.extend_from_slice(&header.to_bytes());
            body.extend_from_slice(contents);
        }
        let mut header = self.header.clone();
        let mut crc = crc32fast::Hasher::new();
        crc.update(&header.bytes_before_crc());
        crc.update(&body);
        header.crc32 = crc.finalize();
        [header.to_bytes(), body].concat()
    }
}

/// Bends the golden image; the result must break `rule` at `offset`.
#[track_caller]
pub fn breaks(rule: Rule, offset: u64, bend: impl FnOnce(&mut Parts)) {
    let mut parts = Parts::golden();
    bend(&mut parts);
    let found = violation(&parts.bytes());
    assert_eq!((found.rule, found.offset), (rule, offset), "{found}");
    assert!(
        found.to_string().contains(&format!("offset {offset}")),
        "{found}"
    );
    assert!(
        found
            .to_string()
            .contains(&format!("rule {}", rule.number())),
        "{found}"
    );
}
