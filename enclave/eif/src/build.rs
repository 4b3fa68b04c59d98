//! Building and measuring images.

use crate::aws::AwsConfig;
use crate::bundle::{InitConfig, Process};
use crate::compress::{Compression, RamdiskSink};
use crate::error::{Error, Result};
use crate::format::SectionKind;
use crate::kernel;
use crate::layout::MAX_CMDLINE;
use crate::metadata::{MAX_METADATA, Metadata};
use crate::pipeline::Pipeline;
use crate::progress::{Progress, Silent};
use crate::ramdisk::{self, Config};
use crate::read::check_cmdline;
use crate::sign::{Certificate, PcrSignature, SigningKey};
use crate::writer::{Built, HeaderFields, ImageWriter};
use canoni::Tree;
use std::fs::File;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Contents of the ramdisks.
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
        /// The program that init starts, with its arguments, environment and user.
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
    /// The form of init's instructions; for ramdisks made of a tree.
    pub init_config: InitConfig,
    /// Kernel module `nsm.ko` for AWS's init, which loads it; for ramdisks made of a tree.
    pub nsm_module: Option<&'a Path>,
    /// Finished ramdisks behind those made of a tree, in this order, kept byte for byte. PCR0 and
    /// PCR2 measure them. Linux unpacks them over what is there.
    pub more_ramdisks: &'a [PathBuf],
    /// Sign PCR0.
    pub signer: Option<Signer>,
}

/// A key and its certificate.
#[derive(Debug)]
pub struct Signer {
    /// Private key.
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
            init_config: InitConfig::default(),
            nsm_module: None,
            more_ramdisks: &[],
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
    fn prepare(&self) -> Result<Parts<'_>> {
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
        // The head is kept and written, not read again: the file could change in between, and the
        // image would hold a kernel that was not checked.
        let mut head = Vec::new();
        Read::by_ref(&mut kernel)
            .take(kernel::HEAD as u64)
            .read_to_end(&mut head)
            .map_err(Error::io("read", self.kernel))?;
        kernel::check(&head, self.fields.arch).map_err(|reason| Error::Kernel {
            path: self.kernel.to_owned(),
            reason,
        })?;
        let more = self.more_ramdisks.iter().map(|path| open_named(path));
        let more = more.collect::<Result<_>>()?;
        let ramdisks = match self.ramdisks {
            Ramdisks::Files(_) if !self.more_ramdisks.is_empty() => {
                return Err(Error::Option(
                    "ramdisks behind finished ramdisks are finished ramdisks too".to_owned(),
                ));
            }
            Ramdisks::Files([]) => {
                return Err(Error::Option("give at least one ramdisk".to_owned()));
            }
            Ramdisks::Files(paths) => PreparedRamdisks::Files(
                paths
                    .iter()
                    .map(|path| open_named(path))
                    .collect::<Result<_>>()?,
            ),
            Ramdisks::Bundle {
                init,
                tree,
                process,
            } => {
                let config = match self.init_config {
                    InitConfig::Oci => Config::Oci(process.to_config_json(tree)?),
                    InitConfig::Aws => Config::Aws(AwsConfig::new(process, tree)?),
                };
                ramdisk::check_tree(tree, self.drop_xattrs)?;
                let (size, file) = open(init)?;
                crate::program::check(&file, self.fields.arch)
                    .and_then(|()| crate::program::check_config(&file, self.init_config))
                    .map_err(|reason| Error::Option(format!("{} {reason}", init.display())))?;
                PreparedRamdisks::Bundle {
                    init: (size, file),
                    module: self.nsm_module.map(open_module).transpose()?,
                    config,
                    tree,
                    more,
                }
            }
        };
        Ok(Parts {
            kernel: Cursor::new(head).chain(kernel),
            metadata,
            ramdisks,
        })
    }

    fn fill(&self, writer: &mut ImageWriter, parts: Parts<'_>) -> Result<crate::pcr::Pcrs> {
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
        match ramdisks {
            PreparedRamdisks::Bundle {
                init: (size, mut init),
                mut module,
                config,
                tree,
                more,
            } => {
                writer.section(SectionKind::Ramdisk, |pipeline| {
                    let mut sink = RamdiskSink::new(pipeline, self.compression)?;
                    let module = module.as_mut().map(|(size, file)| (*size, file));
                    ramdisk::write_init(&mut sink, (size, &mut init), module)?;
                    sink.finish()
                })?;
                writer.section(SectionKind::Ramdisk, |pipeline| {
                    let mut sink = RamdiskSink::new(pipeline, self.compression)?;
                    ramdisk::write_bundle(&mut sink, &config, tree)?;
                    sink.finish()
                })?;
                copy_ramdisks(writer, more)?;
            }
            PreparedRamdisks::Files(files) => copy_ramdisks(writer, files)?,
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

/// The opened inputs of a build; see [`Build::prepare`].
struct Parts<'a> {
    kernel: std::io::Chain<Cursor<Vec<u8>>, File>,
    metadata: Vec<u8>,
    ramdisks: PreparedRamdisks<'a>,
}

enum PreparedRamdisks<'a> {
    Files(Vec<(PathBuf, File)>),
    Bundle {
        init: (u64, File),
        module: Option<(u64, File)>,
        config: Config,
        tree: &'a Tree,
        more: Vec<(PathBuf, File)>,
    },
}

fn copy_ramdisks(writer: &mut ImageWriter, files: Vec<(PathBuf, File)>) -> Result<()> {
    for (path, mut file) in files {
        writer.section(SectionKind::Ramdisk, |pipeline| {
            copy_all(pipeline, &mut file, &path)
        })?;
    }
    Ok(())
}

fn open_named(path: &Path) -> Result<(PathBuf, File)> {
    Ok((path.to_owned(), open(path)?.1))
}

/// Linux modules are relocatable ELF files (`ET_REL`); anything else stops AWS's init.
fn open_module(path: &Path) -> Result<(u64, File)> {
    let (size, file) = open(path)?;
    let mut head = [0; 18];
    let whole = std::os::unix::fs::FileExt::read_exact_at(&file, &mut head, 0).is_ok();
    if whole && head.starts_with(b"\x7fELF") && head.ends_with(&[1, 0]) {
        return Ok((size, file));
    }
    Err(Error::Option(format!(
        "{} is not a kernel module (a relocatable ELF file); give nsm.ko of AWS's kernel",
        path.display()
    )))
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
