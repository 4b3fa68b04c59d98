//! Results with their attestation (docs/signing.md, "Results").

use crate::failure::Failure;
use crate::nsm::{Attested, Question};
use crate::tools::Tools;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use letsesign_job_protocol::{Code, JobResult};
use letsesign_proof::{Function, Hash, UserData};

/// Has the NSM attest that this function of protocol 1 made these results.
pub(super) async fn attest(
    function: Function,
    results: &[(&str, Hash)],
    tools: &Tools,
) -> Result<Attested, Failure> {
    attest_bound(function, None, results, tools).await
}

/// Has the NSM attest that this function made these results, in protocol 2 for this task.
pub(super) async fn attest_bound(
    function: Function,
    binding: Option<Hash>,
    results: &[(&str, Hash)],
    tools: &Tools,
) -> Result<Attested, Failure> {
    let undefined = |reason: String| Failure::new(Code::Undefined, reason);
    let statement = match binding {
        Some(binding) => UserData::bound(function, binding, results),
        None => UserData::new(function, results),
    };
    let user_data = statement
        .to_json()
        .map_err(|error| undefined(error.to_string()))?;
    let question = Question {
        user_data: Some(user_data.into_bytes()),
        ..Question::default()
    };
    tools
        .nsm
        .attest(question)
        .await
        .map_err(|error| undefined(error.to_string()))
}

/// The result of a function that gives one proof.
pub(super) fn proof(name: &str, proof: &[u8], attested: &Attested) -> JobResult {
    let results = serde_json::json!([{ "name": name, "data": BASE64_STANDARD.encode(proof) }]);
    JobResult::success()
        .with("results", results)
        .with("attestDocument", BASE64_STANDARD.encode(&attested.document))
}
