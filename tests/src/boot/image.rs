use super::BootError;
use eif::format::SectionKind;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// What is booted.
#[derive(Debug, Clone)]
pub enum Image {
    /// An EIF, on the machine `nitro-enclave`: with an NSM.
    Eif(PathBuf),
    /// Its parts, on the machine `microvm`: the same CPU, vsock and console, but no NSM.
    WithoutNsm(Parts),
}

/// Kernel, command line and ramdisks of an EIF as files of their own.
#[derive(Debug, Clone)]
pub struct Parts {
    /// The bzImage.
    pub kernel: PathBuf,
    /// The command line, without NUL.
    pub cmdline: String,
    /// All ramdisks, one behind the other, as the loader of an EIF lays them into memory.
    pub ramdisk: PathBuf,
}

impl Parts {
    /// Takes an EIF apart into files in `folder`.
    ///
    /// # Errors
    /// When the file is no EIF, or a part cannot be written.
    pub fn extract(eif: &Path, folder: &Path) -> Result<Self, BootError> {
        let mut file = File::open(eif).map_err(BootError::io("open", eif))?;
        let layout = eif::Layout::scan(&mut file)?;
        let (kernel, ramdisk) = (folder.join("kernel"), folder.join("ramdisk"));
        let mut copy = |kind: SectionKind, to: &mut dyn io::Write| {
            for section in layout.of_kind(kind) {
                file.seek(SeekFrom::Start(section.contents()))?;
                io::copy(&mut (&file).take(section.size), to)?;
            }
            Ok::<_, io::Error>(())
        };
        for (kind, path) in [
            (SectionKind::Kernel, &kernel),
            (SectionKind::Ramdisk, &ramdisk),
        ] {
            let mut to = File::create(path).map_err(BootError::io("create", path))?;
            copy(kind, &mut to).map_err(BootError::io("write", path))?;
        }
        let mut cmdline = Vec::new();
        copy(SectionKind::Cmdline, &mut cmdline).map_err(BootError::io("read", eif))?;
        let cmdline = String::from_utf8_lossy(&cmdline)
            .trim_end_matches('\0')
            .to_owned();
        Ok(Self {
            kernel,
            cmdline,
            ramdisk,
        })
    }
}
