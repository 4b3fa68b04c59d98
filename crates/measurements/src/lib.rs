//! The history of releases: the content of `measurements/`, checked as a whole and without I/O.
//! docs/measurements.md describes the files.
//!
//! * [`Release`]: one released enclave image, `NAME.json`;
//! * [`StatusList`]: which releases ended or were revoked, `status.json`;
//! * [`Ledger`]: the SHA-256 of every released file, `LEDGER`, which only grows;
//! * [`Keys`] and [`SignatureState`]: minisign signatures over released files;
//! * [`History`]: all of them, read from a set of named files.
#![cfg_attr(any(doc, doctest), doc = include_str!("../README.md"))]

mod aggregate;
mod entry;
mod error;
mod history;
mod json;
mod ledger;
mod release;
mod signature;
mod status;

pub use aggregate::Aggregate;
pub use entry::{Entry, StatusSource};
pub use error::{Error, Result};
pub use history::{Files, History, Revocations};
pub use ledger::Ledger;
pub use letsesign_pcr::{Measurements, Pcr};
pub use release::{NEXT, Release, check_name};
pub use signature::{Keys, SignatureState};
pub use status::{State, Status, StatusEntry, StatusList};

/// File name of the aggregate.
pub const AGGREGATE: &str = "tcb-info.json";
/// File name of the status list.
pub const STATUS: &str = "status.json";
/// File name of the ledger.
pub const LEDGER: &str = "LEDGER";
/// Folder of the public keys, one `NAME.pub` each.
pub const KEYS: &str = "keys";
/// Suffix of a signature's file, after the name of the signed file.
pub const SIGNATURE_SUFFIX: &str = ".minisig";
