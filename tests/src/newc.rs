//! Writes cpio archives in the format newc, byte by byte (Linux, "initramfs buffer format").

/// Mode of a regular file that its owner may write and everyone may read.
pub const FILE: u32 = 0o100_644;

/// An entry: inode number, mode, number of links, path, contents. A character device becomes the
/// console, device 5:1. Contents beyond 32 bits are not supported.
pub fn entry(inode: u32, mode: u32, links: u32, path: &str, contents: &[u8]) -> Vec<u8> {
    let length = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
    let device = if mode & 0o170_000 == 0o20_000 {
        [5, 1]
    } else {
        [0, 0]
    };
    let numbers = [inode, mode, 0, 0, links, 0, length(contents.len()), 0, 0];
    let numbers = numbers.into_iter().chain(device);
    let mut bytes = b"070701".to_vec();
    for number in numbers.chain([length(path.len() + 1), 0]) {
        bytes.extend(format!("{number:08x}").into_bytes());
    }
    for part in [format!("{path}\0").as_bytes(), contents] {
        bytes.extend(part);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
    }
    bytes
}

/// The entry that ends an archive.
pub fn trailer() -> Vec<u8> {
    entry(0, 0, 1, "TRAILER!!!", b"")
}
