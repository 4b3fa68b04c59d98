//! Errors of this crate. They contain no text of a document, no name and no password, because they
//! are logged.

use thiserror::Error;

/// Why a PDF was refused or could not be stamped. Pages, signers and fields count from 1.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
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
    /// The document can look different by time, reader, printing or script, because of content that
    /// cannot be removed.
    #[error("PDF can look different from its preview: {0}")]
    Active(&'static str),
    /// The document opens only with a password.
    #[error("PDF needs a password to be opened")]
    Password,
    /// The password for the result contains a control character, which SASLprep prohibits.
    #[error("the password holds a control character")]
    PasswordText,
    /// The security handler is not the standard one, or its version is not in a specification.
    #[error("PDF is encrypted in a way that is not supported")]
    Encryption,
    /// The document's permissions (bit 4 of `P`) do not allow its content to be modified.
    #[error("PDF's permissions forbid modification")]
    Permission,
    /// A certification or a locking signature forbids changes of the pages.
    #[error("PDF is certified, or locked by a signature: it allows no changes of its pages")]
    Certified,
    /// Readers would interpret the page's content differently, and it cannot be rewritten.
    #[error("the content of page {page} cannot be read: {what}")]
    Content {
        /// The page, from 1.
        page: u32,
        /// The obstacle.
        what: &'static str,
    },
    /// The page does not exist.
    #[error("signer {signer}, field {field}: page {page} does not exist")]
    Page {
        /// Number of the signer.
        signer: u32,
        /// Position of the field in the signer's list.
        field: usize,
        /// The requested page.
        page: u32,
    },
    /// The field does not lie within its page's MediaBox, as protocol 1 requires.
    #[error("signer {signer}, field {field}: lies outside of page {page}")]
    Outside {
        /// Number of the signer.
        signer: u32,
        /// Position of the field in the signer's list.
        field: usize,
        /// The requested page.
        page: u32,
    },
    /// A field is lower than 2 points, the minimum.
    #[error("signer {signer}, field {field}: lower than 2 points")]
    Height {
        /// Number of the signer.
        signer: u32,
        /// Position of the field in the signer's list.
        field: usize,
    },
    /// The fonts have no glyph for a character of the name, or cannot shape it.
    #[error("signer {signer}: no glyph for character {position} of the name")]
    NoGlyph {
        /// Number of the signer.
        signer: u32,
        /// Position of the character in the name.
        position: usize,
    },
    /// The name contains a control character, a line or paragraph separator, or a mark that changes
    /// the direction of text.
    #[error("signer {signer}: character {position} of the name is a control character")]
    Control {
        /// Number of the signer.
        signer: u32,
        /// Position of the character in the name.
        position: usize,
    },
    /// The name or another text is too long for layout.
    #[error("signer {signer}: text is too long")]
    TooLong {
        /// Number of the signer.
        signer: u32,
    },
    /// The magic number is not 64 hexadecimal digits, or the date contains characters other than
    /// `0-9/:()UTC ` and our letters.
    #[error("signer {signer}: malformed {what}")]
    Malformed {
        /// Number of the signer.
        signer: u32,
        /// The malformed text.
        what: &'static str,
    },
    /// The operating system did not provide random bytes.
    #[error("no random bytes")]
    Random,
    /// A font could not be subset.
    #[error(transparent)]
    Font(#[from] FontError),
}

impl From<letsesign_pdf_reader::Error> for Error {
    fn from(error: letsesign_pdf_reader::Error) -> Self {
        use letsesign_pdf_reader::Error as Read;
        match error {
            Read::NotPdf => Self::NotPdf,
            Read::Damaged(what) => Self::Damaged(what),
            Read::Limit(what) => Self::Limit(what),
            Read::Budget => Self::Budget,
            Read::Stopped => Self::Stopped,
            Read::Password => Self::Password,
            Read::Encryption => Self::Encryption,
        }
    }
}

/// Why a font cannot be used.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum FontError {
    /// The file is not an OpenType font with the tables that a stamp needs.
    #[error("font {0} cannot be read")]
    Read(&'static str),
    /// The font lacks a character that every stamp needs.
    #[error("font {font} lacks U+{code:04X}")]
    Lacks {
        /// Name of the font.
        font: &'static str,
        /// Code point of the character.
        code: u32,
    },
    /// The subset of a font could not be built.
    #[error("font {0} cannot be subset")]
    Subset(&'static str),
}
