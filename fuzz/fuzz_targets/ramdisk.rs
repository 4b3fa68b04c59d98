//! Arbitrary bytes as a ramdisk: covers the cpio reader and the decompressors.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let _ = eif::list_ramdisk(&mut std::io::Cursor::new(data));
});
