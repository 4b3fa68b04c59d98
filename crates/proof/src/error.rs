//! Errors. Their texts name the format and the member, never a value: values are people's data.

/// What readers and writers of this crate return.
pub type Result<T> = std::result::Result<T, Error>;

/// Why bytes are not what they should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Not CBOR, or not the CBOR that a proof is.
    #[error("{format}: {problem}")]
    Cbor {
        /// `PoR` or `PoI`.
        format: &'static str,
        /// What is wrong.
        problem: String,
    },
    /// A member is missing or out of its range.
    #[error("{format}: member {member} {problem}")]
    Member {
        /// The format.
        format: &'static str,
        /// The member's name as the format has it.
        member: &'static str,
        /// What is wrong.
        problem: &'static str,
    },
    /// A text is not the JSON that the format is.
    #[error("{format}: {problem}")]
    Json {
        /// The format.
        format: &'static str,
        /// What is wrong, with the place where it is known.
        problem: String,
    },
    /// More bytes than the format allows.
    #[error("{format}: {size} bytes, and at most {limit} are allowed")]
    TooLong {
        /// The format.
        format: &'static str,
        /// What there is.
        size: usize,
        /// What may be.
        limit: usize,
    },
    /// A hash is not 64 lower-case hexadecimal digits.
    #[error("a SHA-256 is 64 lower-case hexadecimal digits")]
    Hash,
    /// The attested function is another one.
    #[error("the attestation is for {found}, not for {expected}")]
    Function {
        /// What was attested.
        found: &'static str,
        /// What it should be.
        expected: &'static str,
    },
    /// The attested hash list has other names, or another number of them.
    #[error("the attested hash list names {found}, not {expected}")]
    HashNames {
        /// What was attested.
        found: String,
        /// What it should be.
        expected: String,
    },
    /// An attested hash is not the hash of what is there.
    #[error(
        "{name} is not what was attested: its SHA-256 is {actual}, the attested one is {attested}"
    )]
    HashDiffers {
        /// Name in the hash list.
        name: String,
        /// Computed from what is there.
        actual: String,
        /// As attested.
        attested: String,
    },
}
