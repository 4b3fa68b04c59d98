//! Arbitrary bytes as an image: an error or a value, never a panic. A second attempt has a
//! corrected checksum, so that the fuzzer gets past that check.

#![no_main]

use eif::format::HEADER_SIZE;
use eif::{Image, Silent};
use std::io::Cursor;
use std::sync::Arc;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let _ = Image::read(&mut Cursor::new(data), Arc::new(Silent));
    let mut bytes = data.to_vec();
    let header = HEADER_SIZE as usize;
    if bytes.len() < header {
        return;
    }
    let mut checksum = crc32fast::Hasher::new();
    checksum.update(&bytes[..header - 4]);
    checksum.update(&bytes[header..]);
    bytes[header - 4..header].copy_from_slice(&checksum.finalize().to_be_bytes());
    if let Ok(image) = Image::read(&mut Cursor::new(&bytes), Arc::new(Silent)) {
        // An accepted header survives writing.
        assert_eq!(image.layout.header.to_bytes(), bytes[..header]);
    }
});
