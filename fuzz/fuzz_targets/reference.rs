//! Arbitrary text as a reference to an image: no panic, and a reference survives printing and
//! parsing.
#![no_main]

use canoni::Reference;
use libfuzzer_sys::fuzz_target;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

fuzz_target!(|bytes: &[u8]| {
    let Ok(found) = Reference::parse_with(OsStr::from_bytes(bytes), &|_| false) else {
        return;
    };
    let plain = std::str::from_utf8(bytes).is_ok_and(|text| !text.contains(char::is_control));
    if plain {
        let again = Reference::parse_with(OsStr::new(&found.to_string()), &|_| false);
        assert_eq!(again.as_ref(), Ok(&found));
    }
});
