//! Checking proofs that come back: this image, or a compatible one before it, must have made them.

use super::{Failure, Tools};
use letsesign_job::Code;
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
        let genuine = tools
            .judge
            .judge(&document)
            .map_err(|refused| wrong(&refused))?;
        if genuine.time > tools.nsm.clock().millis().saturating_add(AHEAD) {
            return Err(wrong(&"the document is from the future"));
        }
        let [name] = self.function.results() else {
            return Err(wrong(&"this function gives no proof"));
        };
        UserData::parse(&genuine.user_data)
            .and_then(|data| data.expect(self.function, &[(name, Hash::of(&bytes))]))
            .map_err(|_| wrong(&"the document attests something else"))?;
        Ok(Proof {
            bytes,
            time: genuine.time,
        })
    }
}
