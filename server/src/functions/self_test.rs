//! `selfTest`: the host's health check. An attestation document over the host's nonce shows that
//! the enclave runs, which image it is, and that its NSM works.

use super::Data;
use crate::failure::Failure;
use crate::nsm::Question;
use crate::tools::Tools;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use letsesign_job_protocol::fields::FieldError;
use letsesign_job_protocol::{Code, JobResult};

pub(crate) const NAME: &str = "selfTest";

/// States the document's purpose, so that nobody takes it for the proof of a signature.
const USER_DATA: &[u8] = br#"{"fnName":"selfTest","hashList":[]}"#;

/// The nonce.
pub(super) fn input(data: &Data<'_>) -> Result<Vec<u8>, FieldError> {
    data.fields.base64("nonce", 16..=64)
}

pub(super) async fn run(nonce: Vec<u8>, tools: &Tools) -> Result<JobResult, Failure> {
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
