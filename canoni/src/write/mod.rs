//! Writing images in canonical form v1.

mod archive;
mod config;
mod header;
mod layer;
mod output;
mod pipe;
mod time;

pub use archive::{Canonical, CanonicalOptions, Format};
pub use output::AtomicFile;
