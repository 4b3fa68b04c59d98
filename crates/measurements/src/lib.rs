//! The history of releases: what `measurements/` holds, checked as a whole and without I/O. docs/measurements.md describes the files.
//!
//! * [`Release`]: one released enclave image, `NAME.json`;
//! * [`StatusList`]: which releases ended or were revoked, `status.json`;
//! * [`Ledger`]: the SHA-256 of every released file, `LEDGER`, which only grows;
//! * [`Keys`] and [`SignatureState`]: minisign signatures over released files;
//! * [`History`]: all of them, out of a set of named files.

mod aggregate;
mod error;
mod history;
mod json;
mod ledger;
mod pcr;
mod release;
mod signature;
mod status;

pub use aggregate::Aggregate;
pub use error::{Error, Result};
pub use history::{Entry, Files, History, Revocations, StatusSource};
pub use ledger::Ledger;
pub use pcr::{PCR_BYTES, Pcr, Pcrs};
pub use release::{NEXT, Release, check_name};
pub use signature::{Keys, SignatureState};
pub use status::{State, Status, StatusEntry, StatusList};

/// The aggregate's file name.
pub const AGGREGATE: &str = "tcb-info.json";
/// The status list's file name.
pub const STATUS: &str = "status.json";
/// The ledger's file name.
pub const LEDGER: &str = "LEDGER";
/// Folder of public keys, one `NAME.pub` each.
pub const KEYS: &str = "keys";
/// What a signature's file name adds to the signed file's.
pub const SIGNATURE_SUFFIX: &str = ".minisig";
