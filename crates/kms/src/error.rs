//! Errors of KMS requests. No variant holds text that came from outside: errors go into logs.

/// Result with [`enum@Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why an answer for a recipient cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CmsError {
    /// An element ends too early, or claims more than is there.
    #[error("it ends too early")]
    Truncated,
    /// Nesting beyond what CMS needs.
    #[error("it is nested too deeply")]
    Depth,
    /// Another element stands in place of this one.
    #[error("{0} is not where it should be")]
    Unexpected(&'static str),
    /// An algorithm that was not asked for.
    #[error("{0} is another one")]
    Algorithm(&'static str),
    /// The content key, or the content, does not decrypt.
    #[error("it does not decrypt with the recipient's key")]
    Decrypt,
}

/// Why a decryption by KMS failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Text that should be base64 (RFC 4648, section 4, with padding) is not.
    #[error("{0} is not base64")]
    Base64(&'static str),
    /// The key's ARN lacks a region, or names another service.
    #[error("the key's ARN is malformed")]
    Arn,
    /// The bytes do not decrypt: the key is wrong, or the bytes were changed.
    #[error("the envelope does not decrypt")]
    Envelope,
    /// KMS throttles requests.
    #[error("KMS is busy (status {0})")]
    Busy(u16),
    /// KMS reported an internal error.
    #[error("KMS failed (status {0})")]
    Failed(u16),
    /// The access key, its secret or the request's time was refused.
    #[error("KMS does not accept the credentials")]
    Credentials,
    /// The key's policy does not allow it: another image, another key, no permission.
    #[error("KMS refused")]
    Refused,
    /// KMS could not decrypt this with this key.
    #[error("KMS cannot decrypt this")]
    Ciphertext,
    /// The answer does not have the form of KMS's answers.
    #[error("the answer of KMS is malformed")]
    Answer,
    /// The answer for the recipient cannot be read.
    #[error("the answer for the recipient: {0}")]
    Cms(#[from] CmsError),
    /// A key for the recipient could not be made.
    #[error("no key could be made")]
    Key,
}

impl Error {
    /// Whether the same request may succeed when it is sent again.
    pub fn is_temporary(self) -> bool {
        matches!(self, Self::Busy(_) | Self::Failed(_))
    }
}
