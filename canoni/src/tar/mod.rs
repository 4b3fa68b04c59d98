//! Reading tar archives strictly.
//!
//! Tar readers differ in what they make of an odd archive; an attacker builds one that the scanner
//! reads one way and the runtime another. This reader accepts what POSIX ustar and PAX, GNU tar and
//! V7 say alike and refuses the rest, naming the offset and the rule ([`Problem`]). The layout of
//! header fields comes from the `tar` crate's `tar::Header`; their interpretation is this module's.

mod entry;
mod header;
mod index;
mod pax;
mod problem;
mod sparse;

pub use entry::{TarEntry, TarKind};
pub use header::clean_path;
pub use index::index;
pub(crate) use index::{GLOBAL, index_layer};
pub use problem::Problem;

/// Bytes of a tar block.
pub const BLOCK: u64 = 512;
