//! `remind`: mails the link of a request once more.

use super::open::open;
use super::payload::{Payload, SentProof};
use super::request::Made;
use super::{proofs, send_req};
use crate::failure::Failure;
use crate::functions::Data;
use crate::tools::Tools;
use letsesign_job_protocol::fields::FieldError;
use letsesign_job_protocol::{Code, JobResult};
use letsesign_proof::Hash;

pub(super) fn input(job: &Data<'_>) -> Result<(Payload, SentProof), FieldError> {
    Ok((
        Payload::parse_with_document(job)?,
        SentProof::parse(&job.fields, "por", "porDocument")?,
    ))
}

pub(super) async fn run(
    (payload, sent): (Payload, SentProof),
    tools: &Tools,
) -> Result<JobResult, Failure> {
    let mut opened = open(payload, false, tools).await?;
    let proven = proofs::por(&sent, &opened, tools)?;
    let request = proven.por.request;
    opened.check_expiry(tools)?;
    let made = Made::new(&opened, request, proven.por.previous, tools)?;
    // The same PoR means the same keys, so the same link.
    if made.por != sent.proof {
        return Err(Failure::new(
            Code::LinkGone,
            "the link was made by another start of the enclave",
        ));
    }
    let Some(turn) = tools.reminders.turn(Hash::of(&made.por)) else {
        return Ok(JobResult::success().with("mailed", false));
    };
    let preview = send_req::preview(&mut opened, request.signer, tools).await?;
    send_req::mail(&opened, &made, preview, tools).await?;
    turn.keep();
    Ok(JobResult::success().with("mailed", true))
}
