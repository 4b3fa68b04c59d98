/// Why a tar archive is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The archive ends inside an entry or before its end marker.
    #[error("the archive is truncated ({0})")]
    Truncated(&'static str),
    /// The header's checksum does not match (or this is not a tar archive).
    #[error("header checksum is wrong: damaged, or not a tar archive")]
    Checksum,
    /// The magic is neither ustar's, GNU's nor V7's.
    #[error("unknown tar dialect")]
    Dialect,
    /// A field holds no number, or one out of range.
    #[error("field {0} holds no valid number")]
    Number(&'static str),
    /// An entry type that no container image may have.
    #[error("entry type {0} is not supported in images")]
    Type(String),
    /// A directory, link or device with content.
    #[error("an entry of this type must have size 0; readers differ on what follows")]
    Sized,
    /// A file's name ends in a slash.
    #[error(
        "a regular file's name has a trailing slash; readers differ on whether it is a directory"
    )]
    SlashFile,
    /// Name with `..`.
    #[error("path {0} contains '..'")]
    DotDot(String),
    /// Name with NUL, or bytes after its NUL.
    #[error("{0} contains a NUL byte")]
    Nul(&'static str),
    /// Empty name or target.
    #[error("{0} is empty")]
    Empty(&'static str),
    /// Longer than Linux allows: 4095 bytes, 255 for each name in it.
    #[error("path {0} is too long for Linux")]
    Long(String),
    /// An entry other than a directory names the root.
    #[error("the root must be a directory")]
    Root,
    /// An extended header's record is malformed.
    #[error("extended header: {0}")]
    Pax(&'static str),
    /// The same keyword twice.
    #[error("extended header has {0} twice; readers differ on which one counts")]
    DuplicateKey(String),
    /// PAX and ustar size disagree.
    #[error(
        "header says {header} bytes, extended header {pax}; readers differ on which one counts"
    )]
    SizeConflict {
        /// In the ustar header.
        header: u64,
        /// In the PAX record.
        pax: u64,
    },
    /// Two statements about one thing that differ.
    #[error("{0} is given twice and differently; readers differ on which one counts")]
    Conflict(&'static str),
    /// A global extended header that changes something.
    #[error("global extended header sets {0}; readers differ on whether it counts")]
    Global(String),
    /// A global extended header with a name that engines take for a path.
    #[error(
        "global extended header has the name {0}, not pax_global_header; engines take it for a path"
    )]
    GlobalName(String),
    /// An extended header with no entry after it.
    #[error("extended header without an entry")]
    Dangling,
    /// A broken sparse map.
    #[error("sparse map: {0}")]
    Sparse(&'static str),
    /// Another archive after the end marker.
    #[error("another archive follows the end marker; readers differ on whether it counts")]
    Concatenated,
    /// A zero block inside the archive.
    #[error("a lone zero block is followed by more entries; readers differ on whether they count")]
    LoneZero,
    /// Too large for this reader's limits.
    #[error(
        "more than {limit} {unit}; raise the limit with {option} if the image is meant to be that large"
    )]
    Limit {
        /// The limit.
        limit: u64,
        /// Its unit.
        unit: &'static str,
        /// The option that raises it.
        option: &'static str,
    },
}
