//! gzip (RFC 1952): one member. Blocks of 1 MiB are deflated on their own and joined by sync
//! flushes, as pigz does.

use super::blocks::BlockFormat;
use miniz_oxide::deflate::core::{
    CompressorOxide, TDEFLFlush, compress_to_output, create_comp_flags_from_zip_params,
};

pub(super) struct Gzip {
    level: u8,
}

impl Gzip {
    pub(super) fn new(level: u8) -> Self {
        Gzip { level }
    }
}

impl BlockFormat for Gzip {
    const BLOCK_SIZE: usize = 1 << 20;
    const MOST_WORKERS: usize = 8;
    const ENDING: usize = 0;

    /// No name, no time, operating system "unknown" (255).
    fn head(&self) -> Vec<u8> {
        vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]
    }

    fn encode(&self, plain: &[u8], last: bool) -> Vec<u8> {
        // Negative window bits: raw deflate, 32 KiB window.
        let flags = create_comp_flags_from_zip_params(i32::from(self.level), -15, 0);
        let mut compressor = CompressorOxide::new(flags);
        let flush = if last {
            TDEFLFlush::Finish
        } else {
            TDEFLFlush::Sync
        };
        let mut out = Vec::with_capacity(plain.len() / 2);
        compress_to_output(&mut compressor, plain, flush, |bytes| {
            out.extend_from_slice(bytes);
            true
        });
        out
    }

    fn tail(&self, crc32: u32, length: u64) -> Vec<u8> {
        let mut out = crc32.to_le_bytes().to_vec();
        // ISIZE is the length modulo 2^32.
        out.extend(length.to_le_bytes().into_iter().take(4));
        out
    }
}
