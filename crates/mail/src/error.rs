//! Errors of mails and of sending them. No variant holds text that came from outside: errors go
//! into logs.

use std::io;

/// Result with [`enum@Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a mail or a link cannot be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The recipient's address is not one ([`crate::is_address`]).
    #[error("the recipient's address is not an address")]
    Address,
    /// The domain mails come from is not one ([`crate::is_domain`]).
    #[error("the sender's domain is not a domain")]
    Domain,
    /// The signer app's URL is not an absolute https URL, or has characters a URL must not have.
    #[error("the signer app's URL is not a plain https URL")]
    Url,
    /// The template failed: it never does with the ones of this crate.
    #[error("the mail's template failed")]
    Template,
}

/// The step of a session that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Step {
    /// The server's first words.
    Greeting,
    /// EHLO, before or after TLS.
    Ehlo,
    /// STARTTLS and its answer.
    StartTls,
    /// The TLS handshake.
    Tls,
    /// AUTH.
    Auth,
    /// MAIL FROM.
    MailFrom,
    /// RCPT TO.
    RcptTo,
    /// DATA, up to the last line of the message.
    Data,
    /// The final dot and the answer to it.
    Final,
    /// An HTTP request.
    Http,
}

impl std::fmt::Display for Step {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Greeting => "greeting",
            Self::Ehlo => "EHLO",
            Self::StartTls => "STARTTLS",
            Self::Tls => "TLS handshake",
            Self::Auth => "AUTH",
            Self::MailFrom => "MAIL FROM",
            Self::RcptTo => "RCPT TO",
            Self::Data => "DATA",
            Self::Final => "end of DATA",
            Self::Http => "HTTP request",
        })
    }
}

/// Why a mail was not sent, or may not have been.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The provider refuses the user name and password, or the secret. Code 2010.
    #[error("the mail provider refuses the credentials")]
    Credentials,
    /// The provider says to come back later: an answer 4xx (SMTP), 429 or 5xx (HTTP). The mail was
    /// not taken.
    #[error("the mail provider cannot take the mail now: {1} at {0}")]
    Temporary(Step, u16),
    /// The provider will never take this mail: an answer 5xx (SMTP), 4xx (HTTP).
    #[error("the mail provider refuses the mail: {1} at {0}")]
    Refused(Step, u16),
    /// The whole message was sent and no definite answer came: it may be on its way. Never
    /// send it again.
    #[error("the mail was sent, but the provider's answer is missing")]
    Uncertain,
    /// STARTTLS is not offered, or the handshake failed for a reason that stays (a certificate, for
    /// example).
    #[error("no TLS with the mail provider")]
    Tls,
    /// The peer's bytes violate the protocol.
    #[error("the mail provider breaks the protocol at {0}: {1}")]
    Protocol(Step, &'static str),
    /// The step, or all of it, took longer than its limit.
    #[error("the mail provider is too slow at {0}")]
    Timeout(Step),
    /// The connection failed.
    #[error("the connection to the mail provider failed at {0}: {1}")]
    Io(Step, io::ErrorKind),
    /// The message, an address or a host name is not fit to be sent by SMTP. A fault of the caller.
    #[error("not fit for SMTP: {0}")]
    Message(&'static str),
}

impl SendError {
    /// Whether a retry on a new connection may help and cannot mail anything twice.
    pub fn may_retry(self) -> bool {
        matches!(
            self,
            Self::Temporary(..) | Self::Timeout(_) | Self::Io(..) | Self::Protocol(..)
        )
    }
}
