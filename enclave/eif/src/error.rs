//! Everything that can go wrong, in words for the person at the keyboard.

use crate::rule::Violation;
use std::io;
use std::path::PathBuf;

/// An error of this crate. Its text names the thing, the place and, where there is one, the way out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be opened, read, written or renamed.
    #[error("cannot {action} {}: {cause}", path.display())]
    Io {
        /// What was tried: "open", "read", ...
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why it failed.
        cause: io::Error,
    },
    /// Reading from a source without a path of its own failed.
    #[error("cannot read {what}: {cause}")]
    Read {
        /// What was being read.
        what: String,
        /// Why it failed.
        cause: io::Error,
    },
    /// The file is no valid image.
    #[error("not a valid enclave image, {0}")]
    Invalid(#[from] Violation),
    /// The kernel given to a build cannot be booted.
    #[error("{}: {reason}", path.display())]
    Kernel {
        /// The kernel's file.
        path: PathBuf,
        /// What is wrong with it, and what is expected.
        reason: String,
    },
    /// A file of the image cannot be carried by an initramfs.
    #[error("{path}: {reason}")]
    Entry {
        /// Path inside the image.
        path: String,
        /// What is wrong, and the way out.
        reason: String,
    },
    /// An option or a combination of options makes no sense.
    #[error("{0}")]
    Option(String),
    /// The container image or root directory given as input cannot be used.
    #[error("{}: {reason}", path.display())]
    Source {
        /// The input.
        path: PathBuf,
        /// What is wrong with it, and the way out.
        reason: String,
    },
    /// The container image or root directory cannot be read.
    #[error(transparent)]
    Image(canoni::Error),
    /// The image's configuration cannot be turned into a process to run.
    #[error("image configuration: {0}")]
    Config(String),
    /// A key, a certificate or a signature cannot be used.
    #[error("{what}: {reason}")]
    Signing {
        /// The file or part at fault.
        what: String,
        /// What is wrong, and the way out.
        reason: String,
    },
    /// A worker thread ended before its time; only a defect of this program can cause it.
    #[error("internal error: the {0} thread ended early; please report this")]
    Thread(&'static str),
}

/// Result with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// For `map_err`: adds what was tried and with which file.
    pub(crate) fn io(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Error {
        let path = path.into();
        move |cause| Error::Io {
            action,
            path,
            cause,
        }
    }

    /// For `map_err`: adds what was being read.
    pub(crate) fn read(what: impl Into<String>) -> impl FnOnce(io::Error) -> Error {
        let what = what.into();
        move |cause| Error::Read { what, cause }
    }
}

impl From<canoni::Error> for Error {
    fn from(error: canoni::Error) -> Self {
        Error::Image(error)
    }
}
