//! Any bytes as a ramdisk: reaches the cpio reader and the decompressors.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let _ = eif::list_ramdisk(&mut std::io::Cursor::new(data));
});
