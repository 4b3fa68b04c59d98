//! Checking proofs that come back: this image, or a compatible one before it, must have made them.

use crate::failure::Failure;
use crate::tools::Tools;
use letsesign_job_protocol::Code;
use letsesign_kms::from_base64;
use letsesign_proof::{Function, Hash, UserData};

/// How far a document may be ahead of our clock, in milliseconds: both clocks are NSMs'.
const AHEAD: u64 = 60_000;

/// A proof whose document is genuine.
pub(super) struct Proof {
    pub(super) bytes: Vec<u8>,
    /// When it was attested, in milliseconds since 1970.
    pub(super) time: u64,
}

/// A proof and its attestation document, as they are in a job: base64.
pub(super) struct Claim<'a> {
    pub(super) function: Function,
    pub(super) proof: &'a str,
    pub(super) document: &'a str,
    /// The code for whatever is wrong.
    pub(super) code: Code,
}

impl Claim<'_> {
    pub(super) fn check(&self, tools: &Tools) -> Result<Proof, Failure> {
        let wrong = |reason: &dyn ToString| Failure::new(self.code, reason.to_string());
        let bytes = from_base64(self.proof, "the proof").map_err(|error| wrong(&error))?;
        let document = from_base64(self.document, "the attestation document")
            .map_err(|error| wrong(&error))?;
        let [name] = self.function.results() else {
            return Err(wrong(&"this function gives no proof"));
        };
        let time = verify(
            &document,
            (self.function, None),
            &[(name, Hash::of(&bytes))],
            self.code,
            tools,
        )?;
        Ok(Proof { bytes, time })
    }
}

/// Verifies an attestation document: this image or a compatible one made exactly these results, in
/// protocol 2 for this task. Returns its time, in milliseconds since 1970. `code` is for whatever
/// is wrong.
pub(super) fn verify(
    document: &[u8],
    (function, binding): (Function, Option<Hash>),
    results: &[(&str, Hash)],
    code: Code,
    tools: &Tools,
) -> Result<u64, Failure> {
    let wrong = |reason: &dyn ToString| Failure::new(code, reason.to_string());
    let genuine = tools
        .proof_verifier
        .verify(document)
        .map_err(|refused| wrong(&refused))?;
    if genuine.time > tools.nsm.clock().millis().saturating_add(AHEAD) {
        return Err(wrong(&"the document is from the future"));
    }
    UserData::parse(&genuine.user_data)
        .and_then(|data| data.expect_of(binding, function, results))
        .map_err(|_| wrong(&"the document attests something else"))?;
    Ok(genuine.time)
}
