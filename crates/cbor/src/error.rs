//! Errors of the reader.

/// The result of the reader.
pub type Result<T> = core::result::Result<T, Error>;

/// A violation, and where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("byte {offset}: {problem}")]
pub struct Error {
    /// Offset in bytes from the start of the input, or of the outer input for
    /// [`Decoder::inside`](crate::Decoder::inside).
    pub offset: usize,
    /// The rule that is broken there.
    pub problem: Problem,
}

/// A violation of RFC 8949 or of the structure that the caller requires.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// An item goes on beyond the end of the bytes.
    #[error("it ends in the middle of an item")]
    End,
    /// A head or a floating-point number is longer than its shortest form.
    #[error("a number or length is not in its shortest form")]
    Overlong,
    /// Additional information 28 to 30, which RFC 8949 reserves.
    #[error("the byte starts no item")]
    Reserved,
    /// An indefinite length where a definite one is required.
    #[error("an indefinite length, or a break, where a length is needed")]
    Indefinite,
    /// An item has another type than the one named here.
    #[error("there is something else than {0}")]
    Type(&'static str),
    /// A text string is not UTF-8.
    #[error("a text is not UTF-8")]
    Utf8,
    /// Items are nested too deeply.
    #[error("it is nested too deeply")]
    Depth,
    /// The keys of a map are not in the order of their encoded bytes.
    #[error("a map's keys are not sorted by their bytes")]
    Order,
    /// A map has a key twice.
    #[error("a key is there twice")]
    Duplicate,
    /// Bytes follow the last item.
    #[error("bytes follow the last item")]
    Trailing,
}
