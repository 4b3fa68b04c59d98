//! The formats of a signing proof, without I/O. docs/proof-format.md describes them.
//!
//! * [`Por`] (proof of request) and [`Poi`] (proof of intent): CBOR maps that the enclave writes,
//!   attests and reads back;
//! * [`UserData`]: the statement that the NSM attests with a result, the function's name and the
//!   hashes of the results;
//! * [`Summary`]: who signed, when and from where, with the magic number on the page;
//! * [`Spf`]: the proof file of a relying party, a summary with its attestation document.
//!
//! Writers are deterministic. Readers are strict: they refuse whatever two readers could understand
//! differently. The crate letsesign-attestation verifies attestation documents; this one does not.
//!
//! ```
//! use letsesign_proof::{Function, Hash, UserData};
//!
//! let results = [("por", Hash::of(b"the proof of request"))];
//! let text = UserData::new(Function::SendReq, &results).to_json()?;
//! assert!(text.starts_with(r#"{"fnName":"sendReq","hashList":[{"name":"por","hash":""#));
//! UserData::parse(text.as_bytes())?.expect(Function::SendReq, &results)?;
//! # Ok::<(), letsesign_proof::Error>(())
//! ```
#![cfg_attr(doctest, doc = include_str!("../README.md"))]
mod cbor;
mod error;
mod hash;
mod json;
mod poi;
mod por;
pub mod protocol2;
mod spf;
mod summary;
mod task;
mod user_data;

pub use cbor::{PROOF_BYTES_MAX, SIGNER_INDEX_MAX};
pub use error::{Error, Result};
pub use hash::Hash;
pub use json::{Object, compact, compact_hash, present, read_object};
pub use poi::{PhoneRecord, Poi};
pub use por::Por;
pub use spf::{ATTESTATION_BYTES_MAX, Spf};
pub use summary::{CheckedBy, EmailProvider, Evidence, MagicNumber, Origin, Signer, Summary};
pub use task::task_hash;
pub use user_data::{Function, NamedHash, USER_DATA_MAX, UserData};

/// The largest proof file, in bytes. A thousand signers with the longest names stay below it.
pub const SPF_BYTES_MAX: usize = 16 << 20;
