//! Stamps signatures, dates and hints onto PDFs.
//!
//! A stamp is an incremental update (ISO 32000-1, 7.5.6): the original bytes stay as they are, and new objects follow them.
//! Pages, text, links, form fields, outlines and tags stay intact. docs/stamp.md says where things are drawn, what is refused,
//! and how updates are written.
//!
//! Lengths are units of the page's user space, which are points unless the page has a `UserUnit`.
//! Places are measured as protocol 1 does: from the top-left corner of the MediaBox, without the
//! page's rotation and without the box's origin.
//!
//! ```
//! # use letsesign_stamp::{Field, FieldKind, Fonts, Output, Signer, Template, What};
//! # fn sign(fonts: &Fonts, pdf: &[u8]) -> Result<Vec<u8>, letsesign_stamp::Error> {
//! let fields = [Field { kind: FieldKind::Signature, page: 1, x: 72.0, y: 600.0, height: 48.0 }];
//! let what = What::Signed { magic_number: &"5e".repeat(32), date: "2026/11/25 (UTC)" };
//! let signer = Signer { number: 1, name: "Jane Doe", fields: &fields, what };
//! Template::open(pdf)?.stamp(fonts, &[signer], Output::Signed)
//! # }
//! ```

mod active;
mod budget;
mod content;
mod cover;
mod draw;
mod error;
mod font;
mod fonts;
mod hint;
mod page;
mod pdf;
mod permit;
mod protect;
mod seal;
mod sheet;
mod survey;
mod template;
mod text;
mod trailer;
mod update;

pub use budget::{DEFAULT_UNPACKED, DEFAULT_WORK, Limits};
pub use error::{Error, FontError};
pub use fonts::Fonts;
pub use template::Template;
pub use trailer::is_signed;

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// Seal, name, magic number.
    Signature,
    /// The date of signing.
    Date,
    /// Something that is not drawn. Its place must be on the page all the same.
    Other,
}

/// A place on a page.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Field {
    /// What is drawn.
    pub kind: FieldKind,
    /// The page, from 1.
    pub page: u32,
    /// From the left edge to the field's, 0 to the width of the page's MediaBox.
    pub x: f64,
    /// From the top edge to the field's, 0 or more.
    pub y: f64,
    /// At least 2 for what is drawn; `y + height` does not exceed the MediaBox's height.
    pub height: f64,
}

/// Languages of the signing hint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// en-US.
    English,
    /// zh-TW.
    Chinese,
}

/// What is drawn in a signer's fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What<'a> {
    /// The signature of a signed document.
    Signed {
        /// 64 hex digits, of which the first 32 are shown.
        magic_number: &'a str,
        /// `YYYY/MM/DD (UTC)`.
        date: &'a str,
    },
    /// The signature of a signer who comes before the reader of a preview: marked as pending, without magic number and date.
    Pending,
    /// The hint that a signature will be placed here, in every field for a signature.
    Hint(Language),
    /// Nothing. The pages of the fields are written as for everybody else, so that a preview without
    /// this signer and the signed document differ in what is drawn alone.
    Hidden,
}

/// A signer and the signer's fields.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Signer<'a> {
    /// From 1.
    pub number: u32,
    /// One line of text, drawn in a handwriting face. Not drawn for hints.
    pub name: &'a str,
    /// Where to draw.
    pub fields: &'a [Field],
    /// What to draw.
    pub what: What<'a>,
}

/// The form of the result.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Output<'a> {
    /// The original bytes and an incremental update.
    Plain,
    /// Rewritten, and encrypted by AES-256 (revision 6 of the standard security handler).
    Protected {
        /// The user password. There is no owner password that anybody knows.
        password: &'a str,
    },
    /// As `Plain`, with a last line `letsesign=true` after `%%EOF`.
    Signed,
}

impl std::fmt::Debug for Output<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Plain => "Plain",
            Self::Protected { .. } => "Protected",
            Self::Signed => "Signed",
        })
    }
}
