//! lz4's legacy frame, the one that Linux knows (`lib/decompress_unlz4.c`): a magic number, then
//! blocks of 8 MiB, each with its compressed size in front. The frame has no end mark.

use super::blocks::BlockFormat;
use super::lz4hc;

pub(super) const MAGIC: [u8; 4] = [0x02, 0x21, 0x4c, 0x18];
/// Fixed by the format.
pub(super) const BLOCK: usize = 8 << 20;

/// A block's compressed size.
const HEAD: usize = 4;

/// Which encoder makes the blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lz4 {
    Fast,
    High,
}

impl BlockFormat for Lz4 {
    const BLOCK_SIZE: usize = BLOCK;
    // Each costs a block, its compressed form and what the encoder needs.
    const MOST_WORKERS: usize = 2;
    const ENDING: usize = 4;

    fn head(&self) -> Vec<u8> {
        MAGIC.to_vec()
    }

    fn encode(&self, plain: &[u8], _last: bool) -> Vec<u8> {
        if plain.is_empty() {
            return Vec::new();
        }
        let mut out = match self {
            Lz4::Fast => fast(plain),
            Lz4::High => lz4hc::encode(plain, vec![0; HEAD]),
        };
        // A block is at most 8 MiB plus half a percent.
        let size = u32::try_from(out.len() - HEAD).unwrap_or_default();
        if let Some(head) = out.first_chunk_mut() {
            *head = size.to_le_bytes();
        }
        // It may wait for its turn; what it does not need is given back.
        out.shrink_to_fit();
        out
    }

    fn tail(&self, _crc32: u32, _length: u64) -> Vec<u8> {
        Vec::new()
    }
}

/// A block after room for its head.
fn fast(plain: &[u8]) -> Vec<u8> {
    let mut out = vec![0; HEAD + lz4_flex::block::get_maximum_output_size(plain.len())];
    let (_, room) = out.split_at_mut(HEAD);
    // There is room for the worst case, which is the only thing that can go wrong.
    let size = lz4_flex::block::compress_into(plain, room).unwrap_or_default();
    out.truncate(HEAD + size);
    out
}
