//! lz4's legacy frame, the one that Linux knows (`lib/decompress_unlz4.c`): a magic number, then blocks of 8 MiB, each
//! with its compressed size in front. There is no end mark.

use super::blocks::BlockFormat;

pub(super) const MAGIC: [u8; 4] = [0x02, 0x21, 0x4c, 0x18];
/// Fixed by the format.
pub(super) const BLOCK: usize = 8 << 20;

pub(super) struct Lz4;

impl BlockFormat for Lz4 {
    const BLOCK_SIZE: usize = BLOCK;
    // Each costs a block and its compressed form.
    const MOST_WORKERS: usize = 2;
    const ENDING: usize = 4;

    fn head(&self) -> Vec<u8> {
        MAGIC.to_vec()
    }

    fn encode(&self, plain: &[u8], _last: bool) -> Vec<u8> {
        if plain.is_empty() {
            return Vec::new();
        }
        let mut out = vec![0; 4 + lz4_flex::block::get_maximum_output_size(plain.len())];
        let (head, room) = out.split_at_mut(4);
        // There is room for the worst case, which is the only thing that can go wrong.
        let size = lz4_flex::block::compress_into(plain, room).unwrap_or_default();
        // A block is at most 8 MiB plus half a percent.
        head.copy_from_slice(&u32::try_from(size).unwrap_or_default().to_le_bytes());
        out.truncate(4 + size);
        // It may wait for its turn; what it does not need is given back.
        out.shrink_to_fit();
        out
    }

    fn tail(&self, _crc32: u32, _length: u64) -> Vec<u8> {
        Vec::new()
    }
}
