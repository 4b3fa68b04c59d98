//! Building and measuring images.

use crate::bundle::Process;
use crate::compress::{Compression, RamdiskSink};
use crate::error::{Error, Result};
use crate::format::SectionKind;
use crate::kernel;
use crate::layout::MAX_CMDLINE;
use crate::metadata::{MAX_METADATA, Metadata};
use crate::pipeline::Pipeline;
use crate::progress::{Progress, Silent};
use crate::ramdisk;
use crate::read::check_cmdline;
use crate::sign::{Certificate, PcrSignature, SigningKey};
use crate::writer::{Built, HeaderFields, ImageWriter};
use canoni::Tree;
use std::fs::File;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What to put into the ramdisks.
#[derive(Debug, Clone, Copy)]
pub enum Ramdisks<'a> {
    /// Finished ramdisks, kept byte for byte.
    Files(&'a [PathBuf]),
    /// A file tree and the process to run in it; this crate makes the two ramdisks.
    Bundle {
        /// Program that becomes PID 1.
        init: &'a Path,
        /// Root file system.
        tree: &'a Tree,
        /// What init runs.
        process: &'a Process,
    },
}

/// Everything an image is built from. The image's bytes depend on nothing else.
#[derive(Debug)]
pub struct Build<'a> {
    /// bzImage or Image.
    pub kernel: &'a Path,
    /// Kernel command line: at most [`MAX_CMDLINE`] printable ASCII characters.
    pub cmdline: &'a str,
    /// The ramdisks.
    pub ramdisks: Ramdisks<'a>,
    /// Contents of the metadata section.
    pub metadata: Metadata,
    /// Fields of the file header.
    pub fields: HeaderFields,
    /// For ramdisks made of a tree; finished ramdisks stay as they are.
    pub compression: Compression,
    /// Leave out extended attributes, which an initramfs cannot carry, instead of refusing them.
    pub drop_xattrs: bool,
    /// Sign PCR0.
    pub signer: Option<Signer>,
}

/// A key and its certificate.
#[derive(Debug)]
pub struct Signer {
    /// P-384 private key.
    pub key: SigningKey,
    /// Certificate of that key.
    pub certificate: Certificate,
}

impl<'a> Build<'a> {
    /// An unsigned x86_64 image, uncompressed, with the header fields that AWS's builder writes.
    pub fn new(
        kernel: &'a Path,
        cmdline: &'a str,
        ramdisks: Ramdisks<'a>,
        metadata: Metadata,
    ) -> Self {
        Build {
            kernel,
            cmdline,
            ramdisks,
            metadata,
            fields: HeaderFields::default(),
            compression: Compression::None,
            drop_xattrs: false,
            signer: None,
        }
    }

    /// Writes the image to `output`, which appears complete or not at all.
    pub fn write(&self, output: &Path) -> Result<Built> {
        self.run(Some(output), Arc::new(Silent))
    }

    /// Computes what [`Build::write`] would, without writing.
    pub fn measure(&self) -> Result<Built> {
        self.run(None, Arc::new(Silent))
    }

    /// [`Build::write`] or, without an output, [`Build::measure`]; `progress` learns of every byte.
    pub fn run(&self, output: Option<&Path>, progress: Arc<dyn Progress>) -> Result<Built> {
        let parts = self.prepare()?;
        ImageWriter::run(output, self.fields, progress, |writer| {
            self.fill(writer, parts)
        })
    }

    /// Opens and checks everything that can be checked before the first byte is written.
    fn prepare(&self) -> Result<Parts> {
        if self.cmdline.len() as u64 > MAX_CMDLINE {
            let length = self.cmdline.len();
            return Err(Error::Option(format!(
                "the cmdline has {length} bytes; Linux takes at most {MAX_CMDLINE}"
            )));
        }
        check_cmdline(self.cmdline.as_bytes()).map_err(|(at, reason)| {
            Error::Option(format!(
                "{reason} (position {at}); give plain text on one line"
            ))
        })?;
        let metadata = self.metadata.to_bytes();
        if metadata.len() as u64 > MAX_METADATA {
            return Err(Error::Option(format!(
                "the metadata has {} bytes; the limit is {MAX_METADATA}",
                metadata.len()
            )));
        }
        let (_, mut kernel) = open(self.kernel)?;
        let mut head = Vec::new();
        Read::by_ref(&mut kernel)
            .take(kernel::HEAD as u64)
            .read_to_end(&mut head)
            .map_err(Error::io("read", self.kernel))?;
        kernel::check(&head, self.fields.arch).map_err(|reason| Error::Kernel {
            path: self.kernel.to_owned(),
            reason,
        })?;
        let ramdisks = match self.ramdisks {
            Ramdisks::Files([]) => {
                return Err(Error::Option("give at least one ramdisk".to_owned()));
            }
            Ramdisks::Files(paths) => PreparedRamdisks::Files(
                paths
                    .iter()
                    .map(|path| Ok((path.clone(), open(path)?.1)))
                    .collect::<Result<_>>()?,
            ),
            Ramdisks::Bundle {
                init,
                tree,
                process,
            } => {
                let config = process.to_config_json(tree)?;
                ramdisk::check_tree(tree, self.drop_xattrs)?;
                let (size, file) = open(init)?;
                crate::program::check(&file, self.fields.arch)
                    .map_err(|reason| Error::Option(format!("{} {reason}", init.display())))?;
                PreparedRamdisks::Bundle {
                    init: (size, file),
                    config,
                }
            }
        };
        Ok(Parts {
            kernel: Cursor::new(head).chain(kernel),
            metadata,
            ramdisks,
        })
    }

    fn fill(&self, writer: &mut ImageWriter, parts: Parts) -> Result<crate::pcr::Pcrs> {
        let Parts {
            mut kernel,
            metadata,
            ramdisks,
        } = parts;
        writer.section(SectionKind::Kernel, |pipeline| {
            copy_all(pipeline, &mut kernel, self.kernel)
        })?;
        writer.section(SectionKind::Cmdline, |pipeline| {
            pipeline.write(self.cmdline.as_bytes())
        })?;
        writer.section(SectionKind::Metadata, |pipeline| pipeline.write(&metadata))?;
        match (ramdisks, self.ramdisks) {
            (
                PreparedRamdisks::Bundle {
                    init: (size, mut init),
                    config,
                },
                Ramdisks::Bundle { tree, .. },
            ) => {
                writer.section(SectionKind::Ramdisk, |pipeline| {
                    let mut sink = RamdiskSink::new(pipeline, self.compression)?;
                    ramdisk::write_init(&mut sink, size, &mut init)?;
                    sink.finish()
                })?;
                writer.section(SectionKind::Ramdisk, |pipeline| {
                    let mut sink = RamdiskSink::new(pipeline, self.compression)?;
                    ramdisk::write_bundle(&mut sink, &config, tree)?;
                    sink.finish()
                })?;
            }
            (PreparedRamdisks::Files(files), _) => {
                for (path, mut file) in files {
                    writer.section(SectionKind::Ramdisk, |pipeline| {
                        copy_all(pipeline, &mut file, &path)
                    })?;
                }
            }
            (PreparedRamdisks::Bundle { .. }, Ramdisks::Files(_)) => {
                return Err(Error::Thread("build"));
            }
        }
        let mut pcrs = writer.pcrs()?;
        if let Some(signer) = &self.signer {
            let signature =
                PcrSignature::sign(&pcrs.pcr0, &signer.key, signer.certificate.clone())?;
            writer.section(SectionKind::Signature, |pipeline| {
                pipeline.write(&signature.to_section(&pcrs.pcr0))
            })?;
            pcrs.pcr8 = Some(signature.pcr8());
        }
        Ok(pcrs)
    }
}

/// What [`Build::prepare`] opened.
struct Parts {
    kernel: std::io::Chain<Cursor<Vec<u8>>, File>,
    metadata: Vec<u8>,
    ramdisks: PreparedRamdisks,
}

enum PreparedRamdisks {
    Files(Vec<(PathBuf, File)>),
    Bundle { init: (u64, File), config: Vec<u8> },
}

fn open(path: &Path) -> Result<(u64, File)> {
    let file = File::open(path).map_err(Error::io("open", path))?;
    let metadata = file.metadata().map_err(Error::io("open", path))?;
    if metadata.is_dir() {
        return Err(Error::Option(format!(
            "{} is a directory; a file is needed",
            path.display()
        )));
    }
    Ok((metadata.len(), file))
}

fn copy_all(pipeline: &mut Pipeline, source: &mut dyn Read, path: &Path) -> Result<()> {
    pipeline.copy_from(source, u64::MAX, &|| path.display().to_string())?;
    Ok(())
}
