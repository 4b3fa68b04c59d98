//! Canonical container images: the same content gives the same bytes.
//!
//! The form is "canonical form v1", described in `docs/canonical-form-v1.md`.
//!
//! The way of an image through this library:
//!
//! 1. [`Archive::open`] finds the images in a docker-archive or OCI layout (folder, tar, compressed
//!    tar or stream) and [`Archive::image`] picks one: an [`Image`] with its config and [`Layer`]s.
//!    Layers are indexed ([`tar::index`]): names and metadata in memory, contents left in their
//!    file.
//! 2. [`Image::flatten`] resolves the layers into one [`Tree`]: a list of [`Entry`] sorted bytewise
//!    by path, with contents that are opened as readers. Trees also come from a folder on disk
//!    ([`Tree::from_directory`]) or are built by hand ([`TreeBuilder`]).
//! 3. [`Canonical`] is an image in canonical form, made from an [`Image`] (layer by layer or
//!    flattened) or from a [`Tree`] and a config. It knows its digests and writes itself as
//!    docker-archive, OCI tar or OCI folder.
//!
//! ```no_run
//! # fn main() -> canoni::Result<()> {
//! use canoni::{Archive, Limits, TreeOptions};
//!
//! let archive = Archive::open("image.tar".as_ref(), &Limits::default())?;
//! let image = archive.image(&Default::default())?;
//! let tree = image.flatten(&TreeOptions::default())?;
//! for (index, entry) in tree.entries().iter().enumerate() {
//!     let mut content = tree.open(index)?; // empty for all but regular files
//!     std::io::copy(&mut content, &mut std::io::sink()).unwrap();
//!     println!("{:o} {}", entry.mode, canoni::printable(&entry.path));
//! }
//! # Ok(()) }
//! ```
#![cfg_attr(doctest, doc = include_str!("../README.md"))]

pub mod blob;
mod check;
#[cfg(feature = "command")]
pub mod command;
pub mod compress;
mod content;
#[cfg(feature = "daemon")]
mod daemon;
mod diff;
mod error;
mod limits;
mod overlay;
mod platform;
mod progress;
mod reference;
pub mod registry;
mod source;
mod spelling;
pub mod tar;
mod transport;
mod tree;
mod write;

pub use check::{Check, PlatformCheck, PlatformsCheck, check, check_platforms};
pub use content::{Content, ContentReader, Extent};
#[cfg(feature = "daemon")]
pub use daemon::Daemon;
pub use diff::{CompareOptions, Difference, compare};
pub use error::{Error, Result, printable};
pub use limits::Limits;
pub use progress::{Event, Progress};
pub use reference::{Reference, ReferenceError, RegistryName};
pub use registry::RegistryOptions;
pub use source::{Archive, Image, Layer, Selector, canonical_name, is_name};
pub use transport::{Opened, open, open_with};
pub use tree::{
    Device, Entry, Kind, Metadata, Tree, TreeBuilder, TreeOptions, Visitor, XattrPolicy,
};
pub use write::{AtomicFile, Canonical, CanonicalOptions, CanonicalPlatforms, Format};
