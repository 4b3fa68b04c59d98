//! Options on limits.

use crate::limits::Limits;
use clap::Args;

/// The bounds of what an image may cost, by the names that messages about a limit have for them.
#[derive(Debug, Args)]
#[allow(clippy::struct_field_names)] // the names are the options
#[command(next_help_heading = "Limits against decompression bombs")]
pub struct LimitArgs {
    /// Bytes of an archive, and of all layers of an image and their contents, uncompressed
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().archive_bytes)]
    max_bytes: u64,
    /// Entries of an archive, and of all layers of an image
    #[arg(long, value_name = "NUMBER", default_value_t = Limits::default().entries)]
    max_entries: u64,
    /// Bytes of all paths, link targets and attributes of an image; a sixteenth of it for folders
    /// that no entry names
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().name_bytes)]
    max_name_bytes: u64,
    /// Bytes of a config, manifest or index
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().json_bytes)]
    max_json_bytes: u64,
    /// Bytes of one extended tar header
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().header_bytes)]
    max_header_bytes: u64,
    /// Layers of an image
    #[arg(long, value_name = "NUMBER", default_value_t = Limits::default().layers)]
    max_layers: usize,
}

impl LimitArgs {
    /// The library's form of the options.
    pub fn limits(&self) -> Limits {
        Limits {
            archive_bytes: self.max_bytes,
            content_bytes: self.max_bytes,
            entries: self.max_entries,
            name_bytes: self.max_name_bytes,
            json_bytes: self.max_json_bytes,
            header_bytes: self.max_header_bytes,
            layers: self.max_layers,
        }
    }
}
