//! A small reader of PDF files (ISO 32000-1 and -2): objects, cross-reference tables and streams,
//! object streams, filters, and encryption that opens without a password. It reads only what is
//! asked for, as late as possible, and [`Limits`] bound time and memory. It also writes objects.
//!
//! Where readers could understand a file in different ways, it reads what most show, or refuses.
#![cfg_attr(doctest, doc = include_str!("../README.md"))]
pub mod blocks;
mod body;
mod budget;
pub mod crypt;
pub mod document;
mod error;
pub mod filter;
mod key;
pub mod lex;
mod lzw;
pub mod object;
mod object_streams;
mod open;
pub mod repair;
pub mod revision6;
mod stream;
pub mod table;
mod trace;
mod xref;

pub use body::Extent;
pub use budget::{Budget, DEFAULT_UNPACKED, DEFAULT_WORK, Limits};
pub use document::{Document, Loaded};
pub use error::Error;
pub use object::{Dict, Object};
pub use open::open;
pub use trace::{ObjectPlace, Trace};
