//! The formats of a signing proof, without I/O. docs/proof-format.md describes every one of them.
//!
//! * [`Por`] (proof of request) and [`Poi`] (proof of intent): CBOR maps that the enclave makes, attests and reads again;
//! * [`UserData`]: what the NSM attests with a result, the function's name and the results' hashes;
//! * [`Summary`]: who signed, when and from where, with the magic number on the page;
//! * [`Spf`]: the file a relying party gets, a summary with its attestation document.
//!
//! Writers are deterministic. Readers are strict: what two readers could understand differently is refused. Nothing here
//! verifies an attestation document; that is the crate letsesign-attestation.
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

mod cbor;
mod error;
mod hash;
mod json;
mod poi;
mod por;
mod spf;
mod summary;
mod user_data;

pub use cbor::{PROOF_BYTES_MAX, SIGNER_INDEX_MAX};
pub use error::{Error, Result};
pub use hash::{Hash, task_hash};
pub use json::{compact, compact_hash};
pub use poi::{PhoneRecord, Poi};
pub use por::Por;
pub use spf::{ATTESTATION_BYTES_MAX, SPF_BYTES_MAX, Spf};
pub use summary::{CheckedBy, EmailProvider, Evidence, MagicNumber, Origin, Signer, Summary};
pub use user_data::{Function, NamedHash, USER_DATA_MAX, UserData};
