use super::BootError;
use eif::format::SectionKind;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// The image to boot.
#[derive(Debug, Clone)]
pub enum Image {
    /// An EIF, on the machine `nitro-enclave`, which has an NSM.
    Eif(PathBuf),
    /// The parts of an EIF, on the machine `microvm`: the same CPU, vsock and console, but no NSM.
    WithoutNsm(Parts),
}

/// Kernel, command line and ramdisks of an EIF as separate files.
#[derive(Debug, Clone)]
pub struct Parts {
    /// The kernel as a bzImage.
    pub kernel: PathBuf,
    /// The kernel's command line, without the NUL.
    pub cmdline: String,
    /// All ramdisks, concatenated as the loader of an EIF places them in memory.
    pub ramdisk: PathBuf,
}

impl Parts {
    /// Extracts the parts of an EIF into files in `folder`.
    ///
    /// # Errors
    /// When the file is not an EIF, or a part cannot be written.
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
