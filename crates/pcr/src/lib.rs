//! Platform configuration registers (PCRs) of AWS Nitro enclaves.
//!
//! A register holds a SHA-384. [`Pcr`] is one register's value; [`Measurements`] are PCR0, PCR1 and
//! PCR2, which identify an image together. docs/eif-format.md says what each register covers.
#![cfg_attr(any(doc, doctest), doc = include_str!("../README.md"))]

mod measurements;
mod register;
#[cfg(feature = "serde")]
mod text;

pub use measurements::{Measurements, ZeroPcr};
pub use register::{PCR_BYTES, ParsePcrError, Pcr};
