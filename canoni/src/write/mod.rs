//! Writing images in canonical form v1.

mod archive;
mod config;
mod files;
mod header;
mod layer;
mod output;
mod pipe;
mod platforms;
mod time;

pub(crate) use archive::canonical_config;
pub use archive::{Canonical, CanonicalOptions};
pub use files::Format;
pub use output::AtomicFile;
pub use platforms::CanonicalPlatforms;
pub(crate) use time::{parse as parse_time, words as time_words};
