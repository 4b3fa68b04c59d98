//! The sender's side of Let's eSign: seals documents so that nobody but the signing enclave reads
//! them, has them signed through a host that is not trusted, and verifies what comes back.
//!
//! [`Home`] is the sender's folder with account and tasks, [`Draft`] a task that is to be sent,
//! [`Service`] the host's API (docs/service-api.md), and [`Sender`] does the work with all three.
#![cfg_attr(doctest, doc = include_str!("../README.md"))]

mod claims;
mod document;
mod draft;
mod home;
mod key;
mod record;
mod sender;
mod service;
mod signed;
mod standing;
mod statements;
mod template;
pub mod ui;

pub(crate) use document::DOCUMENT_MAX;
pub use document::pages as document_pages;
pub use draft::{Draft, Kind, Person, Place, parse_field, parse_person, parse_place};
pub use home::{Home, Settings};
pub use key::PublicKey;
pub use record::{Record, Stated};
pub use sender::Sender;
pub use service::{Service, ServiceError};
pub use signed::Signed;
pub use standing::{Standing, StandingSigner};
pub use template::{Role, Template};

use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970 (UTC).
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(0))
}
