//! ELF programs of a few instructions, for machines that run nothing else.

/// Address of a program's file in memory.
const BASE: u64 = 0x40_0000;
/// Bytes before the instructions.
const HEADERS: u64 = 64 + 56;

/// Address of a program's first instruction.
pub const ENTRY: u64 = BASE + HEADERS;

/// A static x86-64 ELF program with these instructions (System V ABI, figures 4-3 and 5-1): one
/// header, one segment.
pub fn program(code: &[u8]) -> Vec<u8> {
    let size = HEADERS + code.len() as u64;
    let mut bytes = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    // Executable, x86-64, version 1.
    bytes.extend([2, 0, 62, 0, 1, 0, 0, 0]);
    bytes.extend(
        [BASE + HEADERS, 64, 0]
            .iter()
            .flat_map(|word| word.to_le_bytes()),
    ); // entry, segments, sections
    // Flags; sizes and counts of headers.
    bytes.extend([0, 0, 0, 0, 64, 0, 56, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
    // Load; readable and executable.
    bytes.extend([1, 0, 0, 0, 5, 0, 0, 0]);
    bytes.extend(
        [0, BASE, BASE, size, size, 0x1000]
            .iter()
            .flat_map(|word| word.to_le_bytes()),
    );
    bytes.extend(code);
    bytes
}
