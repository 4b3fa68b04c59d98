//! The little CBOR (RFC 8949) that documents need.

/// The shortest head of an item: major type and argument.
pub fn head(major: u8, argument: u64) -> Vec<u8> {
    let major = major << 5;
    let bytes = argument.to_be_bytes();
    match argument {
        0..=23 => vec![major | bytes[7]],
        24..=0xff => vec![major + 24, bytes[7]],
        0x100..=0xffff => [&[major + 25], &bytes[6..]].concat(),
        0x1_0000..=0xffff_ffff => [&[major + 26], &bytes[4..]].concat(),
        _ => [&[major + 27], &bytes[..]].concat(),
    }
}

/// A byte string.
pub fn bytes(value: &[u8]) -> Vec<u8> {
    [head(2, value.len() as u64), value.to_vec()].concat()
}

/// A text.
pub fn text(value: &str) -> Vec<u8> {
    [head(3, value.len() as u64), value.as_bytes().to_vec()].concat()
}
