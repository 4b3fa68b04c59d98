//! Enclave image files (EIF), version 4: a deterministic writer, a strict reader, measurements and
//! signatures.
//!
//! [`Build`] makes an image from a kernel, a command line, an init program and a file tree, or from
//! finished ramdisks. Its bytes depend on these inputs alone: no time, path, user, locale or number
//! of processors enters.
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use eif::{Build, Metadata, Process, Ramdisks};
//! use std::path::Path;
//!
//! let tree = canoni::Tree::from_directory(Path::new("rootfs"), &canoni::TreeOptions::default())?;
//! let process = Process { entrypoint: vec!["/server".into()], ..Process::default() };
//! let ramdisks = Ramdisks::Bundle { init: Path::new("init"), tree: &tree, process: &process };
//! let cmdline = "reboot=k panic=30 console=ttyS0";
//! let built = Build::new(Path::new("bzImage"), cmdline, ramdisks, Metadata::new("server", "1.0"))
//!     .write(Path::new("server.eif"))?;
//! println!("{}", built.pcrs.pcr0);
//! # Ok(())
//! # }
//! ```
//!
//! [`Image::read`] is the way back: it accepts exactly what `docs/eif-format.md` describes and says
//! of anything else which [`Rule`] it breaks and where.
#![cfg_attr(doctest, doc = include_str!("../README.md"))]

mod attach;
mod aws;
mod build;
mod bundle;
mod compress;
mod cpio;
mod diff;
mod error;
mod extract;
pub mod format;
pub mod kernel;
mod layout;
mod lookup;
mod metadata;
mod output;
mod pcr;
mod pipeline;
mod program;
mod progress;
mod ramdisk;
mod read;
mod rule;
mod sign;
mod source;
#[cfg(test)]
mod testing;
mod writer;

pub use attach::attach;
pub use build::{Build, Ramdisks, Signer};
pub use bundle::{InitConfig, Process};
pub use compress::Compression;
pub use diff::{
    Difference, ImageFiles, Manifest, RamdiskContents, diff, diff_pcrs, list_ramdisk,
    ramdisk_contents, read_files,
};
pub use error::{Error, Result};
pub use extract::extract;
pub use layout::{Layout, MAX_CMDLINE, MAX_SIGNATURE, Section};
pub use letsesign_pcr::{PCR_BYTES, Pcr};
pub use metadata::{BuildMetadata, MAX_METADATA, Metadata};
pub use output::{UnfinishedDir, remove_unfinished, write_file};
pub use pcr::Pcrs;
pub use program::reads as init_reads;
pub use progress::{Progress, Silent};
pub use read::{Image, file_sha256};
pub use rule::{Rule, Violation};
pub use sign::{
    Algorithm, Certificate, CertificateInfo, PcrSignature, SigningKey, Validity, ValidityState,
    to_be_signed,
};
pub use source::Source;
pub use writer::{Built, HeaderFields, SectionSize};
