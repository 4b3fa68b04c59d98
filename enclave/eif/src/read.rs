//! Reading an image: structure, checksum, measurements and contents, all checked.

use crate::error::{Error, Result};
use crate::format::SectionKind;
use crate::kernel::{self, KernelInfo};
use crate::layout::{Layout, Section};
use crate::metadata::Metadata;
use crate::pcr::Pcrs;
use crate::pipeline::{Measured, Pipeline};
use crate::progress::Progress;
use crate::rule::{Rule, Violation};
use crate::sign::PcrSignature;
use sha2::Digest;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

/// A valid image: it obeys every [`Rule`].
#[derive(Debug, Clone)]
pub struct Image {
    /// Headers and the places of the sections.
    pub layout: Layout,
    /// Measurements, computed from the contents.
    pub pcrs: Pcrs,
    /// Fields of the kernel's boot header.
    pub kernel: KernelInfo,
    /// The command line.
    pub cmdline: String,
    /// The metadata. Not measured: do not trust it.
    pub metadata: Metadata,
    /// The verified signature, when there is one.
    pub signature: Option<PcrSignature>,
}

impl Image {
    /// Opens and reads a file.
    pub fn open(path: &Path, progress: Arc<dyn Progress>) -> Result<(File, Self)> {
        // Before it is opened: opening a pipe would wait for a writer.
        let kind = std::fs::metadata(path);
        let is_input = path.as_os_str() == "-" && kind.is_err();
        if is_input || !kind.map_err(Error::io("open", path))?.is_file() {
            return Err(Error::Option(format!(
                "{} is not a regular file; an enclave image is read more than once, so write it to a \
                 file first",
                path.display()
            )));
        }
        let mut file = File::open(path).map_err(Error::io("open", path))?;
        let image = Self::read(&mut file, progress).map_err(|error| match error {
            Error::Read { what, cause } => Error::Read {
                what: format!("{what} of {}", path.display()),
                cause,
            },
            other => other,
        })?;
        Ok((file, image))
    }

    /// Reads an image once from start to end and checks every rule. Memory does not depend on its
    /// size.
    pub fn read<R: Read + Seek>(source: &mut R, progress: Arc<dyn Progress>) -> Result<Self> {
        let layout = Layout::scan(source)?;
        let mut pipeline = Pipeline::start(None, progress)?;
        if let Err(error) = feed(source, &layout, &mut pipeline) {
            return Err(pipeline.cause_of(error));
        }
        let mut pcrs = pipeline.finish_pcrs()?;
        check_crc(&layout, pipeline)?;

        let kernel = read_kernel(source, &layout)?;
        let cmdline = read_cmdline(source, &layout)?;
        let metadata = match layout.of_kind(SectionKind::Metadata).next() {
            Some(section) => {
                Metadata::from_bytes(&read_small(source, section)?, section.contents())?
            }
            None => return Err(missing(SectionKind::Metadata)),
        };
        let signature = match layout.of_kind(SectionKind::Signature).next() {
            Some(section) => Some(PcrSignature::from_section(
                &read_small(source, section)?,
                section.contents(),
                &pcrs.pcr0,
            )?),
            None => None,
        };
        pcrs.pcr8 = signature.as_ref().map(PcrSignature::pcr8);
        Ok(Image {
            layout,
            pcrs,
            kernel,
            cmdline,
            metadata,
            signature,
        })
    }
}

/// SHA-256 of a file, in hexadecimal. The header of an image holds a checksum of what follows, so
/// this digest cannot be computed while an image is being written: it takes another pass.
pub fn file_sha256(path: &Path) -> Result<String> {
    let mut file = File::open(path).map_err(Error::io("open", path))?;
    let mut hash = sha2::Sha256::new();
    let mut buffer = vec![0; crate::pipeline::BUFFER_SIZE];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(hex::encode(hash.finalize())),
            Ok(count) => hash.update(buffer.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Error::io("read", path)(error)),
        }
    }
}

/// Copies a section's contents, at most `limit` bytes, from a file whose layout was checked.
pub(crate) fn section_reader<'a, R: Read + Seek>(
    source: &'a mut R,
    section: &Section,
) -> Result<std::io::Take<&'a mut R>> {
    source
        .seek(SeekFrom::Start(section.contents()))
        .map_err(Error::read(format!("the {} section", section.kind)))?;
    Ok(source.take(section.size))
}

fn feed<R: Read + Seek>(source: &mut R, layout: &Layout, pipeline: &mut Pipeline) -> Result<()> {
    let mut ramdisks = 0;
    for section in &layout.sections {
        let measured = Measured::of(section.kind, &mut ramdisks);
        pipeline.begin(measured, Some(section.size))?;
        let mut contents = section_reader(source, section)?;
        let copied = pipeline.copy_from(&mut contents, u64::MAX, &|| {
            format!("the {} section", section.kind)
        })?;
        if copied != section.size {
            let detail = format!(
                "the {} section ended after {copied} of {} bytes",
                section.kind, section.size
            );
            return Err(
                Violation::new(Rule::InsideFile, section.contents() + copied, detail).into(),
            );
        }
        pipeline.end()?;
    }
    Ok(())
}

fn check_crc(layout: &Layout, pipeline: Pipeline) -> Result<()> {
    let passed = pipeline.finish()?;
    let mut checksum = crc32fast::Hasher::new();
    checksum.update(&layout.header.bytes_before_crc());
    for (section, (contents, _)) in layout.sections.iter().zip(&passed.sections) {
        // Flags are zero and sizes agree, so this is the header as it stands in the file.
        checksum.update(&crate::format::SectionHeader::new(section.kind, section.size).to_bytes());
        checksum.combine(contents);
    }
    let (stored, computed) = (layout.header.crc32, checksum.finalize());
    if stored == computed {
        return Ok(());
    }
    let detail = format!(
        "the header says {stored:#010x}, the contents give {computed:#010x}: the file is damaged"
    );
    Err(Violation::new(Rule::Crc, crate::format::offset::CRC32, detail).into())
}

fn read_kernel<R: Read + Seek>(source: &mut R, layout: &Layout) -> Result<KernelInfo> {
    let Some(section) = layout.of_kind(SectionKind::Kernel).next() else {
        return Err(missing(SectionKind::Kernel));
    };
    let mut head = Vec::new();
    section_reader(source, section)?
        .take(kernel::HEAD as u64)
        .read_to_end(&mut head)
        .map_err(Error::read("the kernel section"))?;
    kernel::check(&head, layout.arch).map_err(|reason| {
        Violation::new(
            Rule::Kernel,
            section.contents(),
            format!("the kernel section {reason}"),
        )
        .into()
    })
}

fn read_cmdline<R: Read + Seek>(source: &mut R, layout: &Layout) -> Result<String> {
    let Some(section) = layout.of_kind(SectionKind::Cmdline).next() else {
        return Err(missing(SectionKind::Cmdline));
    };
    let bytes = read_small(source, section)?;
    check_cmdline(&bytes).map_err(|(at, detail)| {
        Violation::new(Rule::Cmdline, section.contents() + at, detail).into()
    })
}

/// A command line as text; the error names the position of the byte at fault.
pub(crate) fn check_cmdline(bytes: &[u8]) -> Result<String, (u64, String)> {
    match bytes.iter().position(|byte| !matches!(byte, b' '..=b'~')) {
        Some(at) => Err((
            at as u64,
            format!(
                "byte {:#04x} in the cmdline is not printable ASCII",
                bytes.get(at).unwrap_or(&0)
            ),
        )),
        None => Ok(String::from_utf8_lossy(bytes).into_owned()),
    }
}

/// For sections whose size rule 15 bounds.
fn read_small<R: Read + Seek>(source: &mut R, section: &Section) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    section_reader(source, section)?
        .read_to_end(&mut bytes)
        .map_err(Error::read(format!("the {} section", section.kind)))?;
    Ok(bytes)
}

/// Cannot happen for a scanned layout; returned instead of a panic.
fn missing(kind: SectionKind) -> Error {
    Violation::new(
        Rule::OneEach,
        crate::format::HEADER_SIZE,
        format!("the {kind} section is missing"),
    )
    .into()
}
