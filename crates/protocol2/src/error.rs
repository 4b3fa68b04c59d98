//! Errors of this crate. Their texts never contain a value: values are secrets or personal data.

/// The result of this crate's functions.
pub type Result<T> = std::result::Result<T, Error>;

/// Why bytes violate protocol 2.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A wrapped data key has another tag or length.
    #[error("the data key is not one of protocol 2 for this purpose")]
    DataKey,
    /// A box does not open: another key, another part, another task, or changed bytes. There is one
    /// error for all of them, because the difference would help an attacker.
    #[error("the box does not open")]
    Box,
    /// A text violates its format.
    #[error(transparent)]
    Format(#[from] letsesign_proof::Error),
    /// Parts of the task contradict each other.
    #[error("{0}")]
    Mismatch(&'static str),
    /// A statement's authentication code is wrong.
    #[error("a statement is not the sender's")]
    Statement,
    /// A signer's answer does not decrypt, or its signature is not made with the link's key.
    #[error("the answer is not from the signer's link")]
    Answer,
    /// The signer's page is not a URL that a link can have.
    #[error("the signer's page is not an https URL without query, fragment and user name")]
    Page,
    /// The system gave no random bytes.
    #[error("the system gave no random bytes")]
    Random,
}

/// The error for a member with a bad value.
pub(crate) fn member(format: &'static str, member: &'static str, problem: &'static str) -> Error {
    Error::Format(letsesign_proof::Error::Member {
        format,
        member,
        problem,
    })
}
