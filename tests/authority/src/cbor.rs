//! Pieces of CBOR, to be joined to documents of any form, invalid ones too.

use letsesign_cbor::Encoder;

/// A byte string.
pub fn bytes(value: &[u8]) -> Vec<u8> {
    Encoder::new().bytes(value).to_bytes()
}

/// A text.
pub fn text(value: &str) -> Vec<u8> {
    Encoder::new().text(value).to_bytes()
}

/// An integer from 0 on.
pub fn unsigned(value: u64) -> Vec<u8> {
    Encoder::new().unsigned(value).to_bytes()
}

/// The head of an array with this many items.
pub fn array(items: u64) -> Vec<u8> {
    Encoder::new().array(items).to_bytes()
}

/// The head of a map with this many entries.
pub fn map(entries: u64) -> Vec<u8> {
    Encoder::new().map_head(entries).to_bytes()
}
