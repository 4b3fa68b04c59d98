//! Errors of SMS verification. No variant holds text that came from outside: errors go into logs.

/// Result with [`enum@Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a phone check failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Twilio refuses the credentials. Code 2011.
    #[error("Twilio refuses the credentials")]
    Credentials,
    /// The Verify service does not exist, or its name or its code's length is wrong. Code 2012.
    #[error("the Twilio Verify service is not set up for this")]
    Setting,
    /// The PIN is wrong, expired, tried too often, or belongs to another number. Code 2204.
    #[error("the PIN is not approved")]
    NotApproved,
    /// Twilio refuses, for good, with this status: a number it cannot reach, for example.
    #[error("Twilio refuses: {0}")]
    Failed(u16),
    /// Twilio throttles requests (429), or failed (5xx).
    #[error("Twilio is not available: {0}")]
    Temporary(u16),
    /// The answer does not have the form of Twilio's answers.
    #[error("Twilio's answer is malformed")]
    Answer,
}
