//! Bounds that keep a hostile image from exhausting disk, memory or time.

/// What an image may cost. Every limit can be raised by the caller; none can be switched off by the image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one archive or layer once uncompressed.
    pub archive_bytes: u64,
    /// Bytes of all file contents of one layer, sparse files expanded.
    pub content_bytes: u64,
    /// Entries of one archive or layer.
    pub entries: u64,
    /// Bytes of one config, manifest or index.
    pub json_bytes: u64,
    /// Bytes of one extended (PAX) or long-name (GNU) header.
    pub header_bytes: u64,
    /// Layers of an image.
    pub layers: usize,
}

impl Default for Limits {
    /// 64 GiB per archive and layer, 4 million entries, 8 MiB of JSON, 1 MiB per extended header, 1000 layers.
    fn default() -> Self {
        Self {
            archive_bytes: 64 << 30,
            content_bytes: 64 << 30,
            entries: 4_000_000,
            json_bytes: 8 << 20,
            header_bytes: 1 << 20,
            layers: 1000,
        }
    }
}
