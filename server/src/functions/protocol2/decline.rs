//! `decline`: the signer does not sign.

use super::open::open;
use super::payload::{Payload, SentAnswer};
use super::{answered, request, undefined};
use crate::failure::Failure;
use crate::functions::Data;
use crate::tools::Tools;
use letsesign_job_protocol::JobResult;
use letsesign_job_protocol::fields::FieldError;
use letsesign_kms::to_base64;
use letsesign_proof::Function;
use letsesign_proof::protocol2::Decline;
use letsesign_protocol2::{Action, Part};

pub(super) fn input(job: &Data<'_>) -> Result<(Payload, SentAnswer), FieldError> {
    Ok((Payload::parse(job)?, SentAnswer::parse(&job.fields)?))
}

pub(super) async fn run(
    (payload, sent): (Payload, SentAnswer),
    tools: &Tools,
) -> Result<JobResult, Failure> {
    let opened = open(payload, false, tools).await?;
    let answered = answered::verify(&sent, &[Action::Decline], &opened, tools)?;
    let proven = &answered.proven;
    let proof = Decline {
        request: proven.por.request,
        por_hash: proven.hash,
        ip_address: sent.ip_address,
        answered_at: answered.answer.at,
        answer_hash: answered.hash,
    }
    .to_json()
    .map_err(undefined)?;
    let reason = answered.answer.reason.as_deref().unwrap_or_default();
    let text = serde_json::json!({
        "signer": proven.por.request.signer,
        "round": proven.por.request.round,
        "reason": reason,
    });
    let sealed = opened
        .root
        .seal_for_sender(Part::Decline, opened.binding, text.to_string().as_bytes())
        .map_err(undefined)?;
    let (_, result) = super::attested(Function::Decline, &opened, "decline", &proof, tools).await?;
    let mails = opened.mails(tools);
    let signer = request::signer(&opened, proven.por.request)?;
    super::report(answered.hash, mails.declined(signer, reason), tools).await?;
    Ok(result.with("encryptedReason", to_base64(&sealed)))
}
