//! Errors: each names the thing, the place and, where there is one, the way out.

use crate::tar::Problem;
use std::io;
use std::path::Path;

/// Result with [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of reading or writing an image.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused.
    #[error("cannot {action} {subject}: {cause}")]
    Io {
        /// The operation: "open", "read", "create".
        action: &'static str,
        /// The file or archive.
        subject: String,
        /// The reason.
        cause: io::Error,
    },
    /// A tar archive is damaged, ambiguous or hostile.
    #[error("{archive}: {}at offset {offset}: {problem}", entry_words(.entry.as_ref()))]
    Tar {
        /// The archive: a file's name, and the layer within it.
        archive: String,
        /// Where, in bytes of the uncompressed archive: the entry's (first) header.
        offset: u64,
        /// The entry's name as far as it is known.
        entry: Option<String>,
        /// The problem.
        problem: Problem,
    },
    /// The image as a whole is damaged or incomplete.
    #[error("{image}: {reason}")]
    Image {
        /// The image's file, folder or reference.
        image: String,
        /// The problem and the way out.
        reason: String,
    },
    /// A path of an image or tree cannot be what the archive says it is.
    #[error("{origin}: {path}: {reason}")]
    Path {
        /// The layer or folder, with the offset of the entry's header where it is an archive's.
        origin: String,
        /// The path, escaped for printing.
        path: String,
        /// The problem and the way out.
        reason: String,
    },
    /// Content has another digest than the one that names it.
    #[error(
        "{what} has digest {actual}, but {expected} was promised: the image is damaged or was tampered with"
    )]
    Digest {
        /// The blob.
        what: String,
        /// The digest that its name or the config gives.
        expected: String,
        /// The digest of its bytes.
        actual: String,
    },
    /// A limit that protects from decompression bombs was reached.
    #[error(
        "{what}: more than {limit} {unit}; raise the limit with {option} if the image is meant to be that large"
    )]
    Limit {
        /// The thing that is too large.
        what: String,
        /// The limit.
        limit: u64,
        /// Its unit.
        unit: &'static str,
        /// The option that raises it.
        option: &'static str,
    },
    /// The caller's [`Progress`](crate::Progress) asked to stop.
    #[error("stopped")]
    Stopped,
}

fn entry_words(entry: Option<&String>) -> String {
    entry
        .map(|name| format!("entry {name} "))
        .unwrap_or_default()
}

impl Error {
    pub(crate) fn io(action: &'static str, subject: impl Into<String>, cause: io::Error) -> Self {
        Self::Io {
            action,
            subject: subject.into(),
            cause,
        }
    }

    pub(crate) fn file(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::io(action, path.display().to_string(), source)
    }

    pub(crate) fn image(image: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Image {
            image: image.into(),
            reason: reason.into(),
        }
    }

    /// Adds where the entry's header lies, in bytes of the uncompressed layer, to the refusal of a
    /// path.
    pub(crate) fn at(self, offset: u64) -> Self {
        match self {
            Self::Path {
                origin,
                path,
                reason,
            } => Self::Path {
                origin: format!("{origin}, offset {offset}"),
                path,
                reason,
            },
            other => other,
        }
    }

    pub(crate) fn path(origin: &str, path: &[u8], reason: impl Into<String>) -> Self {
        Self::Path {
            origin: origin.into(),
            path: printable(path),
            reason: reason.into(),
        }
    }
}

/// A path for people: UTF-8 as it is, control characters and stray bytes escaped.
pub fn printable(path: &[u8]) -> String {
    let mut text = String::with_capacity(path.len());
    for chunk in path.utf8_chunks() {
        for character in chunk.valid().chars() {
            if character.is_control() {
                text.extend(character.escape_default());
            } else {
                text.push(character);
            }
        }
        for byte in chunk.invalid() {
            text.push_str("\\x");
            text.push_str(&hex::encode([*byte]));
        }
    }
    text
}
