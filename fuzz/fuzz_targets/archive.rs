//! Arbitrary bytes as the zip that signers get. In an accepted zip, every byte belongs to a part.
#![no_main]
#![allow(dead_code, reason = "parts of a program")]

#[path = "../../verify/src/proof/archive.rs"]
mod archive;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(archive) = archive::parse(bytes) {
        for entry in [&archive.pdf, &archive.spf] {
            assert!(bytes.get(entry.data.clone()).is_some());
            assert!(!entry.name.contains(char::is_control));
        }
        for other in [[bytes, b"x"].concat(), [b"x", bytes].concat()] {
            assert!(archive::parse(&other).is_err());
        }
    }
});
