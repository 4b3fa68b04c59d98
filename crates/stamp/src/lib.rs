//! Stamps signatures, dates and hints onto PDFs.
//!
//! A stamp is an incremental update (ISO 32000-1, 7.5.6): the original bytes stay unchanged, and
//! new objects follow them. Pages, text, links, form fields, outlines and tags stay intact.
//! docs/stamp.md describes the drawing, the refusals and the format of updates.
//!
//! Lengths are in units of the page's user space, which are points unless the page has a
//! `UserUnit`. Positions count from the top-left corner of the space that [`Placement`] names.
//!
//! ```
//! # use letsesign_stamp::{Field, FieldKind, Fonts, Output, Signer, Template, Mark};
//! # fn sign(fonts: &Fonts, pdf: &[u8]) -> Result<Vec<u8>, letsesign_stamp::Error> {
//! let fields = [Field { kind: FieldKind::Signature, page: 1, x: 72.0, y: 600.0, height: 48.0 }];
//! let what = Mark::Signed { magic_number: &"5e".repeat(32), date: "2026/11/25 (UTC)" };
//! let signer = Signer { number: 1, name: "Jane Doe", fields: &fields, what };
//! Template::open(pdf)?.stamp(fonts, &[signer], Output::Signed)
//! # }
//! ```
#![cfg_attr(doctest, doc = include_str!("../README.md"))]
mod active;
mod content;
mod cover;
mod draw;
mod error;
mod face;
mod fill;
mod font_set;
mod hint;
mod page;
mod permissions;
mod protect;
mod seal;
mod sheet;
mod survey;
mod template;
mod text;
mod trailer;
mod update;

pub use error::{Error, FontError};
pub use fill::Text;
pub use font_set::Fonts;
pub use letsesign_pdf_reader::{DEFAULT_UNPACKED, DEFAULT_WORK, Limits, ObjectPlace, Trace};
pub use template::Template;
pub use trailer::is_signed;

/// The content of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// Seal, name and magic number.
    Signature,
    /// The date of signing.
    Date,
    /// Not drawn, but its position must still be on the page.
    Other,
}

/// The space in which fields are placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// The MediaBox, ignoring rotation, crop box and the box's origin: as clients of protocol 1
    /// measure. A stamp turns with the page.
    Unrotated,
    /// The visible area as a reader displays it: the crop box within the MediaBox, after the page's
    /// rotation. A stamp stands upright.
    Displayed,
}

/// A position on a page, and what it shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Field {
    /// The content to draw.
    pub kind: FieldKind,
    /// Number of the page, from 1.
    pub page: u32,
    /// Distance of the left edges, 0 to the width of the space.
    pub x: f64,
    /// Distance of the top edges, 0 or more.
    pub y: f64,
    /// Height of the field, at least 2 if it is drawn; `y + height` must not exceed the height of
    /// the space.
    pub height: f64,
}

/// Language of the signing hint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// English (en-US).
    English,
    /// Traditional Chinese (zh-TW).
    Chinese,
}

/// The drawing in a signer's fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark<'a> {
    /// The signature of a signed document.
    Signed {
        /// 64 hexadecimal digits; the first 32 are printed.
        magic_number: &'a str,
        /// Date as `YYYY/MM/DD (UTC)`.
        date: &'a str,
    },
    /// The signature of a signer who signs before the reader of a preview: marked as pending,
    /// without magic number and date.
    Pending,
    /// A hint that a signature will appear here, in every signature field.
    Hint(Language),
    /// Nothing. The pages of the fields are written as for other signers, so that a preview without
    /// this signer differs from the signed document only in the drawing.
    Hidden,
}

/// A signer with the signer's fields.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Signer<'a> {
    /// Number of the signer, from 1.
    pub number: u32,
    /// One line of text, drawn in a handwriting face. Hints do not draw it.
    pub name: &'a str,
    /// Positions of the drawing.
    pub fields: &'a [Field],
    /// Content of the drawing.
    pub what: Mark<'a>,
}

/// The form of the result.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Output<'a> {
    /// The original bytes, followed by an incremental update.
    Plain,
    /// Rewritten and encrypted with AES-256 (revision 6 of the standard security handler).
    Protected {
        /// The user password. The owner password is random, and nobody knows it.
        password: &'a str,
    },
    /// Like `Plain`, with a last line `letsesign=true` after `%%EOF`.
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
