//! No bytes make the reader of attestation documents panic or use memory by what they claim.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = letsesign_nsm::document::Unverified::parse(bytes);
});
