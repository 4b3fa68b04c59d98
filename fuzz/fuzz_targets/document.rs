//! Arbitrary bytes as an attestation document: no panic, and no allocation by a claimed length.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = letsesign_nsm::document::Unverified::parse(bytes);
});
