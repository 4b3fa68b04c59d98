//! The bytes of an enclave image file, version 4: constants, the file header and the section
//! header.
//!
//! All integers are big endian. The layout is the one that AWS's `aws-nitro-enclaves-image-format`
//! crate defines (`src/defs/mod.rs`); `docs/eif-format.md` has it as a table.

use std::fmt;

/// First four bytes of every image.
pub const MAGIC: [u8; 4] = *b".eif";
/// The only version written and read. Version 4 added the metadata section.
pub const VERSION: u16 = 4;
/// Bytes of the file header.
pub const HEADER_SIZE: u64 = HEADER_LEN as u64;
/// The same, for arrays.
pub const HEADER_LEN: usize = 548;
/// Bytes of the header in front of each section's contents.
pub const SECTION_HEADER_SIZE: u64 = SECTION_HEADER_LEN as u64;
/// The same, for arrays.
pub const SECTION_HEADER_LEN: usize = 12;
/// Slots in the header's tables of offsets and sizes.
pub const MAX_SECTIONS: usize = 32;
/// Flag bit 0: set for aarch64, clear for x86_64. The other bits have no meaning and must be zero.
pub const FLAG_AARCH64: u16 = 1;
/// Memory of the enclave when the host does not say, in bytes. The value AWS's builder writes.
pub const DEFAULT_MEMORY: u64 = 1 << 30;
/// Virtual CPUs of the enclave when the host does not say. The value AWS's builder writes.
pub const DEFAULT_CPUS: u64 = 2;

/// Offsets of the file header's fields, for error messages and for patching the header in place.
pub mod offset {
    /// `magic`, 4 bytes.
    pub const MAGIC: u64 = 0;
    /// `version`, 2 bytes.
    pub const VERSION: u64 = 4;
    /// `flags`, 2 bytes.
    pub const FLAGS: u64 = 6;
    /// `default_mem`, 8 bytes.
    pub const DEFAULT_MEMORY: u64 = 8;
    /// `default_cpus`, 8 bytes.
    pub const DEFAULT_CPUS: u64 = 16;
    /// `reserved`, 2 bytes.
    pub const RESERVED: u64 = 24;
    /// `num_sections`, 2 bytes.
    pub const SECTION_COUNT: u64 = 26;
    /// `section_offsets`, 32 times 8 bytes.
    pub const SECTION_OFFSETS: u64 = 28;
    /// `section_sizes`, 32 times 8 bytes.
    pub const SECTION_SIZES: u64 = 284;
    /// `unused`, 4 bytes.
    pub const UNUSED: u64 = 540;
    /// `eif_crc32`, 4 bytes, the header's last field.
    pub const CRC32: u64 = 544;
}

/// Processor architecture of the enclave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Arch {
    /// 64-bit x86; the kernel is a bzImage.
    #[default]
    X86_64,
    /// 64-bit Arm; the kernel is an `Image`.
    Aarch64,
}

impl Arch {
    /// The header's `flags` for this architecture.
    pub fn flags(self) -> u16 {
        match self {
            Arch::X86_64 => 0,
            Arch::Aarch64 => FLAG_AARCH64,
        }
    }

    /// The architecture of an image with these flags; `None` when a bit without meaning is set.
    pub fn from_flags(flags: u16) -> Option<Self> {
        match flags {
            0 => Some(Arch::X86_64),
            FLAG_AARCH64 => Some(Arch::Aarch64),
            _ => None,
        }
    }

    /// `x86_64` or `aarch64`.
    pub fn name(self) -> &'static str {
        match self {
            Arch::X86_64 => "x86_64",
            Arch::Aarch64 => "aarch64",
        }
    }
}

impl fmt::Display for Arch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The kind of a section's contents: a 16-bit number in the section's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u16)]
pub enum SectionKind {
    /// Linux kernel, byte for byte.
    Kernel = 1,
    /// Kernel command line, without a terminating NUL.
    Cmdline = 2,
    /// Initramfs: a newc cpio archive, perhaps compressed.
    Ramdisk = 3,
    /// CBOR array of PCR signatures.
    Signature = 4,
    /// JSON that describes the build. Not measured.
    Metadata = 5,
}

impl SectionKind {
    /// The kind with this number in a section header.
    pub fn from_number(number: u16) -> Option<Self> {
        Some(match number {
            1 => SectionKind::Kernel,
            2 => SectionKind::Cmdline,
            3 => SectionKind::Ramdisk,
            4 => SectionKind::Signature,
            5 => SectionKind::Metadata,
            _ => return None,
        })
    }

    /// Lower-case name, as used in messages and file names.
    pub fn name(self) -> &'static str {
        match self {
            SectionKind::Kernel => "kernel",
            SectionKind::Cmdline => "cmdline",
            SectionKind::Ramdisk => "ramdisk",
            SectionKind::Signature => "signature",
            SectionKind::Metadata => "metadata",
        }
    }
}

impl fmt::Display for SectionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The file header, field by field as stored; nothing is checked yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Always [`MAGIC`] in a valid image.
    pub magic: [u8; 4],
    /// Always [`VERSION`] in a valid image.
    pub version: u16,
    /// See [`FLAG_AARCH64`].
    pub flags: u16,
    /// Bytes of memory the enclave gets by default.
    pub default_memory: u64,
    /// Virtual CPUs the enclave gets by default.
    pub default_cpus: u64,
    /// Zero.
    pub reserved: u16,
    /// Number of sections, and of used slots in the two tables.
    pub section_count: u16,
    /// Offset of each section's header from the start of the file.
    pub section_offsets: [u64; MAX_SECTIONS],
    /// Size of each section's contents, without its header.
    pub section_sizes: [u64; MAX_SECTIONS],
    /// Zero.
    pub unused: u32,
    /// CRC-32 (IEEE) of the whole file except these four bytes.
    pub crc32: u32,
}

impl Header {
    /// Reads the fields out of the first [`HEADER_SIZE`] bytes of a file.
    pub fn from_bytes(bytes: &[u8; HEADER_LEN]) -> Self {
        let mut rest = bytes.as_slice();
        Header {
            magic: take(&mut rest),
            version: u16::from_be_bytes(take(&mut rest)),
            flags: u16::from_be_bytes(take(&mut rest)),
            default_memory: u64::from_be_bytes(take(&mut rest)),
            default_cpus: u64::from_be_bytes(take(&mut rest)),
            reserved: u16::from_be_bytes(take(&mut rest)),
            section_count: u16::from_be_bytes(take(&mut rest)),
            section_offsets: std::array::from_fn(|_| u64::from_be_bytes(take(&mut rest))),
            section_sizes: std::array::from_fn(|_| u64::from_be_bytes(take(&mut rest))),
            unused: u32::from_be_bytes(take(&mut rest)),
            crc32: u32::from_be_bytes(take(&mut rest)),
        }
    }

    /// The header as stored: [`HEADER_SIZE`] bytes, of which the last four are the CRC.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = self.bytes_before_crc();
        out.extend_from_slice(&self.crc32.to_be_bytes());
        out
    }

    /// The part of the header that the CRC covers.
    pub fn bytes_before_crc(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEADER_LEN);
        out.extend_from_slice(&self.magic);
        out.extend_from_slice(&self.version.to_be_bytes());
        out.extend_from_slice(&self.flags.to_be_bytes());
        out.extend_from_slice(&self.default_memory.to_be_bytes());
        out.extend_from_slice(&self.default_cpus.to_be_bytes());
        out.extend_from_slice(&self.reserved.to_be_bytes());
        out.extend_from_slice(&self.section_count.to_be_bytes());
        for value in self.section_offsets.iter().chain(&self.section_sizes) {
            out.extend_from_slice(&value.to_be_bytes());
        }
        out.extend_from_slice(&self.unused.to_be_bytes());
        out
    }
}

/// The header in front of a section's contents, as stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SectionHeader {
    /// Number of a [`SectionKind`].
    pub kind: u16,
    /// Zero.
    pub flags: u16,
    /// Bytes of contents that follow.
    pub size: u64,
}

impl SectionHeader {
    /// The header of a section that this crate writes.
    pub fn new(kind: SectionKind, size: u64) -> Self {
        SectionHeader {
            kind: kind as u16,
            flags: 0,
            size,
        }
    }

    /// Reads the three fields.
    pub fn from_bytes(bytes: &[u8; SECTION_HEADER_LEN]) -> Self {
        let mut rest = bytes.as_slice();
        SectionHeader {
            kind: u16::from_be_bytes(take(&mut rest)),
            flags: u16::from_be_bytes(take(&mut rest)),
            size: u64::from_be_bytes(take(&mut rest)),
        }
    }

    /// The header as stored.
    pub fn to_bytes(self) -> [u8; SECTION_HEADER_LEN] {
        let mut out = [0; SECTION_HEADER_LEN];
        let (kind, rest) = out.split_at_mut(2);
        let (flags, size) = rest.split_at_mut(2);
        kind.copy_from_slice(&self.kind.to_be_bytes());
        flags.copy_from_slice(&self.flags.to_be_bytes());
        size.copy_from_slice(&self.size.to_be_bytes());
        out
    }
}

/// Takes the next `N` bytes; zeros when fewer are left, which the fixed sizes above rule out.
fn take<const N: usize>(rest: &mut &[u8]) -> [u8; N] {
    match rest.split_first_chunk::<N>() {
        Some((head, tail)) => {
            *rest = tail;
            *head
        }
        None => [0; N],
    }
}

#[cfg(test)]
#[path = "format_tests.rs"]
mod tests;
