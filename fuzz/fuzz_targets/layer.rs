//! Arbitrary bytes as one layer. The target corrects the checksums of headers first, so that the
//! fuzzer gets past them.
#![no_main]

use canoni::{Limits, blob::Blob, tar::index};
use libfuzzer_sys::fuzz_target;
use std::io::Write;

fuzz_target!(|data: &[u8]| {
    let mut data = data.to_vec();
    for block in data.chunks_exact_mut(512) {
        if block.iter().any(|&byte| byte != 0) {
            block[148..156].copy_from_slice(b"        ");
            let sum: u32 = block.iter().map(|&byte| u32::from(byte)).sum();
            block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        }
    }
    let mut file = tempfile();
    file.write_all(&data).unwrap();
    let path = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&file));
    let blob = Blob::open(path.as_ref()).unwrap();
    let limits = Limits { content_bytes: 1 << 20, header_bytes: 1 << 16, entries: 1000, ..Limits::default() };
    if let Ok(entries) = index(&blob, "input", &limits) {
        for entry in entries {
            assert!(!entry.path.contains(&0) && entry.path.first() != Some(&b'/'));
            if let canoni::tar::TarKind::File(content) = entry.kind {
                assert_eq!(std::io::copy(&mut content.open().unwrap(), &mut std::io::sink()).unwrap(), content.len());
            }
        }
    }
});

fn tempfile() -> std::fs::File {
    let path = std::env::temp_dir().join(format!("canoni-fuzz-{}", std::process::id()));
    let file = std::fs::File::options().read(true).write(true).create(true).truncate(true).open(&path).unwrap();
    std::fs::remove_file(path).unwrap();
    file
}
