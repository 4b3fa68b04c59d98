//! Errors of this crate. Their texts name the format and the member, never a value: values are
//! personal data.

/// The result of this crate's readers and writers.
pub type Result<T> = std::result::Result<T, Error>;

/// Why bytes or texts violate their format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bytes are not CBOR, or not the map that a proof is.
    #[error("{format}: {problem}")]
    Cbor {
        /// `PoR` or `PoI`.
        format: &'static str,
        /// The problem, for people.
        problem: String,
    },
    /// A member is missing or has a bad value.
    #[error("{format}: member {member} {problem}")]
    Member {
        /// Name of the format.
        format: &'static str,
        /// Name of the member in the format.
        member: &'static str,
        /// The problem, for people.
        problem: &'static str,
    },
    /// The text is not strict JSON, or lacks the structure of the format.
    #[error("{format}: {problem}")]
    Json {
        /// Name of the format.
        format: &'static str,
        /// The problem, with line and column where they are known.
        problem: String,
    },
    /// More bytes than the format allows.
    #[error("{format}: {size} bytes, and at most {limit} are allowed")]
    TooLong {
        /// Name of the format.
        format: &'static str,
        /// The actual number of bytes.
        size: usize,
        /// The largest number allowed.
        limit: usize,
    },
    /// A hash is not 64 lower-case hexadecimal digits.
    #[error("a SHA-256 is 64 lower-case hexadecimal digits")]
    Hash,
    /// The statement is about another task, or a task of another protocol.
    #[error("the attestation is for another task or protocol")]
    Task,
    /// The statement is about another function of the enclave.
    #[error("the attestation is for {found}, not for {expected}")]
    Function {
        /// Name of the attested function.
        found: &'static str,
        /// Name of the expected function.
        expected: &'static str,
    },
    /// The attested hash list has other names, or another number of them.
    #[error("the attested hash list names {found}, not {expected}")]
    HashNames {
        /// The attested names.
        found: String,
        /// The expected names.
        expected: String,
    },
    /// An attested hash differs from the hash of the data at hand.
    #[error(
        "{name} is not what was attested: its SHA-256 is {actual}, the attested one is {attested}"
    )]
    HashDiffers {
        /// Name in the hash list.
        name: String,
        /// SHA-256 of the data at hand, in hexadecimal.
        actual: String,
        /// The attested SHA-256, in hexadecimal.
        attested: String,
    },
}
