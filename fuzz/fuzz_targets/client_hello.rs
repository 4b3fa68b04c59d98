//! Arbitrary bytes as the start of a TLS connection: a name or a refusal, never a panic, the same
//! however the bytes are divided, and never a name that the bytes do not hold.
#![no_main]

// The module alone: the whole package would bring SQLite and a compiler for C.
#[allow(dead_code)]
#[path = "../../host/src/relay/client_hello/mod.rs"]
mod client_hello;

use client_hello::{HelloReader, MAX_BYTES, Refusal};
use libfuzzer_sys::fuzz_target;

fn read(bytes: &[u8], size: usize) -> Result<Option<String>, Refusal> {
    let mut reader = HelloReader::default();
    for piece in bytes.chunks(size) {
        let found = reader.push(piece)?;
        if found.is_some() {
            let forwarded = reader.into_bytes();
            assert!(bytes.starts_with(&forwarded));
            return Ok(found);
        }
    }
    assert!(bytes.len() < MAX_BYTES + 5, "it waits for more without a bound");
    Ok(None)
}

fuzz_target!(|bytes: &[u8]| {
    let found = read(bytes, bytes.len().max(1));
    for size in [1, 7, 1000] {
        assert_eq!(read(bytes, size), found);
    }
    // As the contents of one record, so that the fuzzer need not find the header.
    if let Ok(length) = u16::try_from(bytes.len()) {
        let record = [&[22, 3, 1], &length.to_be_bytes()[..], bytes].concat();
        assert_eq!(read(&record, 1), read(&record, record.len()));
    }
    if let Ok(Some(name)) = found {
        assert!(!name.is_empty() && name.len() <= 255);
        assert!(name.bytes().all(|byte| byte.is_ascii_graphic() && !byte.is_ascii_uppercase()));
    }
});
