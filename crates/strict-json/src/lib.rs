//! Strict JSON: says whether a text is one JSON value that every parser reads alike.
//!
//! JSON parsers agree on most texts and differ on the rest: which of two equal keys wins, whether
//! half a surrogate pair is a character, how deep one may nest. A program that hashes, signs or
//! measures what it read must not depend on such a choice, so this crate refuses those texts before
//! a parser sees them. It accepts RFC 8259 with the restrictions of I-JSON (RFC 7493, sections 2.1
//! and 2.3) and a bound on nesting and on keys:
//!
//! * the text is UTF-8 without a byte order mark;
//! * no object holds one key twice (compared after unescaping);
//! * `\u` escapes name whole characters: no lone surrogates;
//! * objects and arrays nest at most [`Limits::depth`] levels;
//! * the objects around any place hold at most [`Limits::keys`] keys;
//! * nothing but white space follows the value.
//!
//! Numbers are checked against the grammar only and never converted, so `1e-7`, `-0` and digits
//! beyond 64 bits pass untouched: their meaning is up to the reader.
//!
//! ```
//! use strict_json::{check, Limits, Problem};
//!
//! assert!(check(br#"{"a": [1e-7, -0]}"#, Limits::default()).is_ok());
//! let error = check(br#"{"a":1,"\u0061":2}"#, Limits::default()).unwrap_err();
//! assert_eq!(error.problem, Problem::DuplicateKey);
//! assert_eq!(error.offset, 7);
//! ```
#![cfg_attr(doctest, doc = include_str!("../README.md"))]
mod key;
mod scan;
#[cfg(test)]
mod tests;

/// Bounds on what is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How many objects and arrays may be open at once. A bare number has depth 0.
    pub depth: usize,
    /// How many keys the objects that are open may hold together. They bound the memory: 34 bytes
    /// each, at most.
    pub keys: usize,
}

impl Default for Limits {
    /// 64 levels, 65,536 keys.
    fn default() -> Self {
        Self {
            depth: 64,
            keys: 1 << 16,
        }
    }
}

/// Why and where a text was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{problem} at byte {offset}")]
pub struct Error {
    /// The violated rule.
    pub problem: Problem,
    /// Offset of the first byte that shows it.
    pub offset: usize,
}

/// The rules that a text can violate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The bytes are not UTF-8.
    #[error("text that is not UTF-8")]
    Utf8,
    /// The text ends inside a value.
    #[error("text ends too early")]
    End,
    /// A byte that the grammar does not allow here.
    #[error("unexpected character")]
    Unexpected,
    /// A number that the grammar does not allow, such as `01`, `+1`, `.5` or `NaN`.
    #[error("malformed number or literal")]
    Literal,
    /// A control character below U+0020 inside a string.
    #[error("control character in a string")]
    Control,
    /// An escape that does not exist.
    #[error("unknown escape")]
    Escape,
    /// Half of a surrogate pair.
    #[error("lone surrogate")]
    Surrogate,
    /// An object has the same key twice.
    #[error("duplicate key")]
    DuplicateKey,
    /// More levels than [`Limits::depth`].
    #[error("nesting too deep")]
    Depth,
    /// More keys than [`Limits::keys`].
    #[error("too many keys")]
    Keys,
    /// Something follows the value.
    #[error("text after the value")]
    Trailing,
}

/// Checks that `text` is one JSON value by the rules of this crate.
///
/// Time is linear in the text. Memory is bounded by the limits, not by the text: each key is
/// kept as a 128-bit SipHash with random keys, so that an attacker cannot construct a collision.
pub fn check(text: &[u8], limits: Limits) -> Result<(), Error> {
    scan::check(text, limits, scan::run)
}
