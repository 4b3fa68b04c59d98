//! Strict deterministic CBOR (RFC 8949, section 4.2.1): a [`Decoder`] that borrows and allocates
//! nothing, and an [`Encoder`].
//!
//! Deterministic means: heads and floating-point numbers have their shortest form, all lengths are
//! definite, the keys of a map are in the order of their encoded bytes, and none is there twice.
//! The writer keeps these rules, and the reader refuses whatever breaks them. A signature then
//! covers the only encoding of a value. [`Rules`] permits deviations for foreign formats.
//!
//! Integers are those of major types 0 and 1; tags 2 and 3 (bignums) are tags like any other.
#![cfg_attr(doctest, doc = include_str!("../README.md"))]
mod decode;
mod encode;
mod error;
mod float;
mod rules;

pub use decode::{Decoder, Items, Kind};
pub use encode::{DuplicateKey, Encode, Encoder, Map};
pub use error::{Error, Problem, Result};
pub use rules::Rules;

/// Major types (RFC 8949, section 3.1).
mod major {
    pub(crate) const UNSIGNED: u8 = 0;
    pub(crate) const NEGATIVE: u8 = 1;
    pub(crate) const BYTES: u8 = 2;
    pub(crate) const TEXT: u8 = 3;
    pub(crate) const ARRAY: u8 = 4;
    pub(crate) const MAP: u8 = 5;
    pub(crate) const TAG: u8 = 6;
    pub(crate) const SIMPLE: u8 = 7;
}

/// Whole heads of major type 7 (RFC 8949, section 3.3).
mod simple {
    pub(crate) const FALSE: u8 = 0xf4;
    pub(crate) const TRUE: u8 = 0xf5;
    pub(crate) const NULL: u8 = 0xf6;
    pub(crate) const FLOAT16: u8 = 0xf9;
    pub(crate) const FLOAT32: u8 = 0xfa;
    pub(crate) const FLOAT64: u8 = 0xfb;
    pub(crate) const BREAK: u8 = 0xff;
}

/// Checks that the bytes are exactly one item of deterministic CBOR.
///
/// # Errors
/// [`Error`] with the offset of the first violation.
pub fn check(bytes: &[u8]) -> Result<()> {
    let mut decoder = Decoder::new(bytes);
    decoder.skip()?;
    decoder.end()
}
