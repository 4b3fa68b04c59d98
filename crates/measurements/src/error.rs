//! The error of this crate, which names the file.

/// The result of this crate's functions.
pub type Result<T> = std::result::Result<T, Error>;

/// Why the files do not form a consistent history.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {problem}")]
pub struct Error {
    /// The file's name in `measurements/`.
    pub file: String,
    /// The problem and, where it helps, the way out.
    pub problem: String,
}

impl Error {
    pub(crate) fn new(file: &str, problem: impl std::fmt::Display) -> Self {
        Self {
            file: file.to_owned(),
            problem: problem.to_string(),
        }
    }
}
