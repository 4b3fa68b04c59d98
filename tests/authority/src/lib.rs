//! Test roots, certificate chains and attestation documents: right by default, and spoilt by
//! changing a field. Written byte by byte, apart from what reads them. Everything is deterministic:
//! fixed keys, signatures by RFC 6979.
//!
//! Nothing that is shipped may depend on this crate; tests/tests/shipped.rs checks that.
//!
//! ```
//! use letsesign_test_authority::{Document, root};
//! let mut document = Document::new(1_700_000_000_000, 0x11);
//! document.nonce = Some(vec![7; 16]);
//! let (bytes, trusted) = (document.to_bytes(), root().to_der());
//! ```
#![cfg_attr(doctest, doc = include_str!("../README.md"))]
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "for tests"
)]

mod cbor;
mod certificate;
mod der;
mod document;

pub use cbor::{array, bytes, map, text, unsigned};
pub use certificate::{Algorithm, Certificate, Constraints, Extension, Point, chain, key, root};
pub use document::{Document, ES384};
