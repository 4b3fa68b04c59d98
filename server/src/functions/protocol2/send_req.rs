//! `sendReq` of protocol 2: mails the link of a request, with the preview.

use super::open::{Opened, open};
use super::payload::{Payload, SentProof};
use super::proofs;
use super::request::{self, Made};
use crate::failure::Failure;
use crate::functions::Data;
use crate::functions::send_req::mail_failure;
use crate::tools::Tools;
use letsesign_job_protocol::fields::FieldError;
use letsesign_job_protocol::{Code, JobResult};
use letsesign_proof::{Function, Hash};
use letsesign_protocol2::{ROUND_MAX, Request};

pub(super) struct Input {
    payload: Payload,
    signer: u16,
    round: u32,
    /// The PoI of the signer before.
    previous: Option<SentProof>,
}

pub(super) fn input(job: &Data<'_>) -> Result<Input, FieldError> {
    let data = &job.fields;
    let signer = data.integer("signer", 0..=999)?;
    let round = data.integer("round", 1..=i64::from(ROUND_MAX))?;
    let previous = data
        .has("previous")
        .then(|| SentProof::parse(&data.object("previous")?, "poi", "poiDocument"))
        .transpose()?;
    Ok(Input {
        payload: Payload::parse_with_document(job)?,
        // Both are in range.
        signer: u16::try_from(signer).unwrap_or(u16::MAX),
        round: u32::try_from(round).unwrap_or(u32::MAX),
        previous,
    })
}

pub(super) async fn run(input: Input, tools: &Tools) -> Result<JobResult, Failure> {
    let Input {
        payload,
        signer,
        round,
        previous,
    } = input;
    let mut opened = open(payload, false, tools).await?;
    let request = Request {
        binding: opened.binding,
        signer,
        round,
    };
    request::signer(&opened, request)?;
    let previous = proofs::previous(previous.as_ref(), signer, &opened, tools)?;
    opened.check_expiry(tools)?;
    opened.check_phones()?;
    let preview = preview(&mut opened, signer, tools).await?;
    let made = Made::new(&opened, request, previous, tools)?;
    // Attest before the mail: without the attestation document the link would be useless.
    let (_, result) = super::attested(Function::SendReq, &opened, "por", &made.por, tools).await?;
    let result = result.with("launch", hex::encode(tools.launch.id()));
    let Some(turn) = tools.reminders.turn(Hash::of(&made.por)) else {
        return Ok(result.with("mailed", false));
    };
    mail(&opened, &made, preview, tools).await?;
    turn.keep();
    if signer == 0 && round == 1 {
        let mails = opened.mails(tools);
        mails
            .received()
            .await
            .map_err(|error| mail_failure(&error, Code::NotifyMail))?;
    }
    Ok(result.with("mailed", true))
}

/// Mails the link of a request with the preview. Take a turn of `reminders` first: a host that
/// repeats a job must not fill a mailbox.
pub(super) async fn mail(
    opened: &Opened,
    made: &Made,
    preview: Vec<u8>,
    tools: &Tools,
) -> Result<(), Failure> {
    let link = made.link(opened, tools)?;
    let mails = opened.mails(tools);
    mails
        .confirm(
            request::signer(opened, made.request)?,
            &link,
            preview.into(),
        )
        .await
        .map_err(|error| mail_failure(&error, Code::ConfirmMail))
}

/// The PDF with the signer's hint.
pub(super) async fn preview(
    opened: &mut Opened,
    signer: u16,
    tools: &Tools,
) -> Result<Vec<u8>, Failure> {
    let (password, document) = (opened.password(), opened.take_document());
    let drawing = opened.drawing();
    drawing
        .preview(usize::from(signer), password, document, tools)
        .await
}
