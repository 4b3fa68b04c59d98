//! Errors of the reader. They contain no text of a document, because they are logged.

/// Why a PDF cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The file does not contain `%PDF-` where a header may be.
    #[error("not a PDF: no header")]
    NotPdf,
    /// Neither the cross-reference table nor a search through the file leads to a catalogue with
    /// pages; or the structure is ambiguous.
    #[error("PDF is damaged: {0}")]
    Damaged(&'static str),
    /// The file is larger, deeper or more entangled than a real document.
    #[error("PDF exceeds a limit: {0}")]
    Limit(&'static str),
    /// The document needs more work than [`crate::Limits`] grants.
    #[error("PDF exceeds its budget of work")]
    Budget,
    /// [`crate::Limits::stop`] returned `true`.
    #[error("the work on the PDF was stopped")]
    Stopped,
    /// The document opens only with a password.
    #[error("PDF needs a password to be opened")]
    Password,
    /// The security handler is not the standard one, or its version is not in a specification.
    #[error("PDF is encrypted in a way that is not supported")]
    Encryption,
}
