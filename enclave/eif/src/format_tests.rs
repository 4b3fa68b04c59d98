use super::*;

fn sample() -> Header {
    Header {
        magic: MAGIC,
        version: VERSION,
        flags: FLAG_AARCH64,
        default_memory: 0x0102_0304_0506_0708,
        default_cpus: 9,
        reserved: 0x0a0b,
        section_count: 5,
        section_offsets: std::array::from_fn(|i| 1000 + i as u64),
        section_sizes: std::array::from_fn(|i| 2000 + i as u64),
        unused: 0x0c0d_0e0f,
        crc32: 0xdead_beef,
    }
}

#[test]
fn header_has_every_field_at_its_offset() {
    let bytes = sample().to_bytes();
    assert_eq!(bytes.len() as u64, HEADER_SIZE);
    let at = |offset: u64, len: usize| &bytes[usize::try_from(offset).unwrap()..][..len];
    assert_eq!(at(offset::MAGIC, 4), b".eif");
    assert_eq!(at(offset::VERSION, 2), [0, 4]);
    assert_eq!(at(offset::FLAGS, 2), [0, 1]);
    assert_eq!(at(offset::DEFAULT_MEMORY, 8), [1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(at(offset::DEFAULT_CPUS, 8), [0, 0, 0, 0, 0, 0, 0, 9]);
    assert_eq!(at(offset::RESERVED, 2), [10, 11]);
    assert_eq!(at(offset::SECTION_COUNT, 2), [0, 5]);
    assert_eq!(
        at(offset::SECTION_OFFSETS + 8 * 31, 8),
        1031_u64.to_be_bytes()
    );
    assert_eq!(at(offset::SECTION_SIZES, 8), 2000_u64.to_be_bytes());
    assert_eq!(at(offset::UNUSED, 4), [12, 13, 14, 15]);
    assert_eq!(at(offset::CRC32, 4), [0xde, 0xad, 0xbe, 0xef]);
}

#[test]
fn headers_survive_a_round_trip() {
    let header = sample();
    let bytes: [u8; 548] = header.to_bytes().try_into().unwrap();
    assert_eq!(Header::from_bytes(&bytes), header);

    let section = SectionHeader {
        kind: 3,
        flags: 7,
        size: 0x1122_3344_5566,
    };
    assert_eq!(SectionHeader::from_bytes(&section.to_bytes()), section);
}
