//! Errors of a history; each names the file.

/// What this crate returns.
pub type Result<T> = std::result::Result<T, Error>;

/// Why the files are no consistent history.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {problem}")]
pub struct Error {
    /// The file, as it is named in `measurements/`.
    pub file: String,
    /// What is wrong with it, and where that helps, what to do.
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
