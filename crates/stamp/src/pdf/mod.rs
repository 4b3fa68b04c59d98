//! A small reader of PDF files: only what a stamp needs, as lazily as it can be, and bounded in time and memory.

pub(crate) mod crypt;
pub(crate) mod document;
pub(crate) mod filter;
mod key;
pub(crate) mod lex;
mod lzw;
pub(crate) mod object;
mod packed;
pub(crate) mod r6;
pub(crate) mod repair;
pub(crate) mod stream;
pub(crate) mod xref;
