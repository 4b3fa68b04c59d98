//! `selfTest`: the host's health check. An attestation document over the host's nonce shows that the enclave runs, which
//! image it is, and that its NSM works.

use super::{Failure, Tools};
use crate::nsm::Question;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use letsesign_job::fields::Fields;
use letsesign_job::{Code, Job, JobResult};

pub(crate) const NAME: &str = "selfTest";

/// What the document is good for, so that nobody takes it for the proof of a signature.
const USER_DATA: &[u8] = br#"{"fnName":"selfTest","hashList":[]}"#;

pub(crate) async fn run(job: Job, tools: &Tools) -> Result<JobResult, Failure> {
    let nonce = Fields::of(job.data())?.base64("nonce", 16..=64)?;
    let question = Question {
        user_data: Some(USER_DATA.to_vec()),
        nonce: Some(nonce),
        public_key: None,
    };
    let attested = tools
        .nsm
        .attest(question)
        .await
        .map_err(|error| Failure::new(Code::Undefined, error))?;
    Ok(JobResult::success().with("attestDocument", BASE64_STANDARD.encode(attested.document)))
}
