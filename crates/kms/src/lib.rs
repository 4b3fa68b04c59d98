//! AWS KMS as an enclave uses it, without I/O: docs/kms.md.
//!
//! 1. [`RecipientKey`] is the pair that answers are encrypted for; its public half goes into an
//!    attestation document.
//! 2. [`Decrypt::sign`] makes the request; the caller, who holds the connection, sends it.
//! 3. [`answer`] takes the CMS out of what comes back, [`RecipientKey::open`] the data key out of
//!    the CMS.
//! 4. [`Envelope::open`] decrypts a part of a task with the data key.
#![cfg_attr(any(doc, doctest), doc = include_str!("../README.md"))]
mod ber;
mod cms;
mod envelope;
mod error;
mod hmac;
mod recipient;
mod request;
mod retry;
mod sigv4;

pub use cms::EnvelopedData;
pub use envelope::{Clear, Envelope, encrypt, from_base64, to_base64};
pub use error::{CmsError, Error, Result};
pub use hmac::hmac_sha256;
pub use recipient::{RecipientKey, Recipients, Renewal};
pub use request::{ANSWER_MAX, Decrypt, Signed, answer};
pub use retry::Retry;
