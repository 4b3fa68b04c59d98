//! Phone checks by Twilio Verify, without sockets: docs/sms.md.
//!
//! [`request`] makes the three requests, [`answer`] reads what comes back. The
//! caller, who holds the connection to [`HOST`], sends them. [`is_e164`] and [`is_valid`] check
//! phone numbers.
#![cfg_attr(any(doc, doctest), doc = include_str!("../README.md"))]

pub mod answer;
mod error;
mod number;
mod pattern;
pub mod request;

pub use error::{Error, Result};
pub use number::{is_e164, is_valid};
pub use request::{Config, HOST, Request};

#[cfg(test)]
mod tests;
