//! Progress of long work.

/// Receives progress of a build, a measurement or a verification. Called from the reading thread,
/// once per buffer.
pub trait Progress: Send + Sync {
    /// `bytes` more of the image were processed.
    fn advance(&self, bytes: u64);
}

/// Ignores all progress.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn advance(&self, _bytes: u64) {}
}
