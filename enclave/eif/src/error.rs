//! Errors of this crate, with texts for users.

use crate::rule::Violation;
use std::io;
use std::path::PathBuf;

/// An error of this crate. Its text names the thing, the place and, where there is one, the way
/// out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be opened, read, written or renamed.
    #[error("cannot {action} {}: {cause}", path.display())]
    Io {
        /// The attempted operation: "open", "read", ...
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why it failed.
        cause: io::Error,
    },
    /// Reading from a source without a path of its own failed.
    #[error("cannot read {what}: {cause}")]
    Read {
        /// The input, in words.
        what: String,
        /// Why it failed.
        cause: io::Error,
    },
    /// The file is not a valid image.
    #[error("not a valid enclave image, {0}")]
    Invalid(Violation),
    /// The kernel given to a build cannot be booted.
    #[error("{}: {reason}", path.display())]
    Kernel {
        /// The kernel's file.
        path: PathBuf,
        /// The fault, and the expected form.
        reason: String,
    },
    /// A file of the image cannot be carried by an initramfs.
    #[error("{path}: {reason}")]
    Entry {
        /// Path inside the image.
        path: String,
        /// The fault, and the way out.
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
        /// The fault, and the way out.
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
        /// The fault, and the way out.
        reason: String,
    },
    /// A worker thread ended early; only a defect of this program can cause it.
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

/// Not by `#[from]`, which would make the violation the error's source: its text is in ours
/// already, and whoever prints the chain of sources would print it twice.
impl From<Violation> for Error {
    fn from(violation: Violation) -> Self {
        Error::Invalid(violation)
    }
}

impl From<canoni::Error> for Error {
    fn from(error: canoni::Error) -> Self {
        Error::Image(error)
    }
}
