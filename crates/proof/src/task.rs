//! The identity of the task that a proof belongs to.

use crate::Hash;
use letsesign_cbor::Encoder;

/// Binds a proof to its task: SHA-256 of the deterministic CBOR array `[taskID]` (RFC 8949,
/// section 4.2.1).
///
/// `subTaskID` is left out because it names a step, and each job of a task may have another one.
/// The value is a hash because an identifier has up to 256 characters, and a proof in base64 must
/// not exceed 1024.
pub fn task_hash(task_id: &str) -> Hash {
    Hash::of(&Encoder::new().array(1).text(task_id).to_bytes())
}
