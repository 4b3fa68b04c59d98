//! What can go wrong. No variant holds text of a document, a name or a password: errors go to logs.

use thiserror::Error;

/// Why a PDF was refused or could not be stamped. Pages, signers and fields count from 1.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum Error {
    /// No `%PDF-` within the first 1024 bytes.
    #[error("not a PDF: no header")]
    NotPdf,
    /// Neither the cross-reference table nor a search through the file leads to a catalogue with pages.
    #[error("PDF is damaged: {0}")]
    Damaged(&'static str),
    /// The file is larger, deeper or more tangled than a document has reason to be.
    #[error("PDF exceeds a limit: {0}")]
    Limit(&'static str),
    /// The document asks for more work than [`crate::Limits`] grants.
    #[error("PDF exceeds its budget of work")]
    Budget,
    /// [`crate::Limits::stop`] said so.
    #[error("the work on the PDF was stopped")]
    Stopped,
    /// The document holds something that can make it look different by time, reader, printing or
    /// script, and that is not taken out.
    #[error("PDF can look different from its preview: {0}")]
    Active(&'static str),
    /// The document opens only with a password.
    #[error("PDF needs a password to be opened")]
    Password,
    /// The password for the result holds a control character, which the standard prohibits.
    #[error("the password holds a control character")]
    PasswordText,
    /// A security handler other than the standard one, or a version of it that no specification has.
    #[error("PDF is encrypted in a way that is not supported")]
    Encryption,
    /// The document's permissions (bit 4 of `P`) do not allow its content to be modified.
    #[error("PDF's permissions forbid modification")]
    Permission,
    /// A certification or a locking signature forbids changes of the pages.
    #[error("PDF is certified, or locked by a signature: it allows no changes of its pages")]
    Certified,
    /// Readers would see different things in the page's content, and it cannot be written anew.
    #[error("the content of page {page} cannot be read: {what}")]
    Content {
        /// The page, from 1.
        page: u32,
        /// What stands in the way.
        what: &'static str,
    },
    /// The page does not exist.
    #[error("signer {signer}, field {field}: page {page} does not exist")]
    Page {
        /// Number of the signer.
        signer: u32,
        /// Position of the field in the signer's list.
        field: usize,
        /// The page asked for.
        page: u32,
    },
    /// The field does not lie on its page, as protocol 1 measures it: by its MediaBox.
    #[error("signer {signer}, field {field}: lies outside of page {page}")]
    Outside {
        /// Number of the signer.
        signer: u32,
        /// Position of the field in the signer's list.
        field: usize,
        /// The page asked for.
        page: u32,
    },
    /// Fields are at least 2 points high.
    #[error("signer {signer}, field {field}: lower than 2 points")]
    Height {
        /// Number of the signer.
        signer: u32,
        /// Position of the field in the signer's list.
        field: usize,
    },
    /// No font has a glyph for a character of the name, or the fonts cannot shape it.
    #[error("signer {signer}: no glyph for character {position} of the name")]
    NoGlyph {
        /// Number of the signer.
        signer: u32,
        /// Position of the character in the name.
        position: usize,
    },
    /// Control characters, line and paragraph separators, and marks that change the direction of text have no place in a name.
    #[error("signer {signer}: character {position} of the name is a control character")]
    Control {
        /// Number of the signer.
        signer: u32,
        /// Position of the character in the name.
        position: usize,
    },
    /// The name or another text is too long to be laid out.
    #[error("signer {signer}: text is too long")]
    TooLong {
        /// Number of the signer.
        signer: u32,
    },
    /// The magic number is not 64 hex digits, or the date has characters other than `0-9/:()UTC ` and letters of ours.
    #[error("signer {signer}: malformed {what}")]
    Malformed {
        /// Number of the signer.
        signer: u32,
        /// Which text.
        what: &'static str,
    },
    /// The operating system gave no random bytes.
    #[error("no random bytes")]
    Random,
    /// A subset of a font could not be made.
    #[error(transparent)]
    Font(#[from] FontError),
}

/// Why the fonts cannot be used.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum FontError {
    /// Not an OpenType font with the tables a stamp needs.
    #[error("font {0} cannot be read")]
    Read(&'static str),
    /// A character that every stamp needs is missing.
    #[error("font {font} lacks U+{code:04X}")]
    Lacks {
        /// Which font.
        font: &'static str,
        /// The character.
        code: u32,
    },
    /// Taking the glyphs of a text out of the font failed.
    #[error("font {0} cannot be subset")]
    Subset(&'static str),
}
