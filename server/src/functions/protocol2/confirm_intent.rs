//! `confirmIntent` of protocol 2: the signer confirmed, or asks for the PIN.

use super::answered::{self, Answered};
use super::open::{Opened, open};
use super::payload::{Payload, SentAnswer};
use super::{request, undefined};
use crate::failure::Failure;
use crate::functions::Data;
use crate::functions::confirm_intent::sms_failure;
use crate::functions::fill_random;
use crate::tools::Tools;
use letsesign_job_protocol::fields::FieldError;
use letsesign_job_protocol::{Code, JobResult};
use letsesign_proof::protocol2::Poi;
use letsesign_proof::{CheckedBy, Function, PhoneRecord};
use letsesign_protocol2::Action;

pub(super) struct Input {
    payload: Payload,
    sent: SentAnswer,
    verification: Option<String>,
}

pub(super) fn input(job: &Data<'_>) -> Result<Input, FieldError> {
    let data = &job.fields;
    Ok(Input {
        verification: data
            .has("verification")
            .then(|| data.text("verification", 1..=256))
            .transpose()?,
        sent: SentAnswer::parse(data)?,
        payload: Payload::parse(job)?,
    })
}

pub(super) async fn run(input: Input, tools: &Tools) -> Result<JobResult, Failure> {
    let Input {
        payload,
        sent,
        verification,
    } = input;
    let opened = open(payload, false, tools).await?;
    let actions = [Action::Confirm, Action::RequestPin];
    let answered = answered::verify(&sent, &actions, &opened, tools)?;
    let phone = phone(&answered, verification.as_deref(), &opened, tools).await?;
    let proven = &answered.proven;
    let poi = Poi {
        request: proven.por.request,
        por_hash: proven.hash,
        por_time: proven.time,
        ip_address: sent.ip_address,
        answered_at: answered.answer.at,
        answer_hash: answered.hash,
        previous: proven.por.previous,
        phone,
    }
    .to_json()
    .map_err(undefined)?;
    let (attested, result) =
        super::attested(Function::ConfirmIntent, &opened, "poi", &poi, tools).await?;
    // With a single signer, `attachEsig` follows at once and sends its own mail.
    if opened.signers.len() > 1 {
        let mails = opened.mails(tools);
        let signer = request::signer(&opened, proven.por.request)?;
        let mail = mails.signed(signer, attested.time / 1000);
        super::report(answered.hash, mail, tools).await?;
    }
    Ok(result)
}

/// Checks the PIN, or sends it and ends the job. `None` for a signer without a phone number.
async fn phone(
    answered: &Answered,
    verification: Option<&str>,
    opened: &Opened,
    tools: &Tools,
) -> Result<Option<PhoneRecord>, Failure> {
    let proven = &answered.proven;
    let refused = |reason: &str| Failure::new(Code::AnswerRefused, reason);
    if proven.por.checked_by == CheckedBy::Mail {
        // An answer that asks for a PIN does not confirm.
        if answered.answer.action != Action::Confirm || answered.answer.pin.is_some() {
            return Err(refused("this signer gets no PIN"));
        }
        return Ok(None);
    }
    let signer = request::signer(opened, proven.por.request)?;
    let (Some(phone), Some(config)) = (&signer.phone, &opened.twilio) else {
        // The PoR is of this task, whose configuration has both.
        return Err(undefined("the phone number or the SMS service is missing"));
    };
    if answered.answer.action == Action::RequestPin {
        let sid = tools.sms.send(config, phone, proven.hash, &tools.job).await;
        let sid = sid.map_err(|error| sms_failure(error, Code::Sms))?;
        return Err(Failure {
            code: Code::WaitingForPin,
            reason: "waiting for the PIN".into(),
            verification: Some((
                "verification",
                opened.root.seal_verification(&sid, proven.hash),
            )),
        });
    }
    let wrong = |reason: &str| Failure::new(Code::PhoneCheck, reason);
    let pin = answered
        .answer
        .pin
        .as_ref()
        .ok_or_else(|| wrong("the PIN is missing"))?;
    // Check this before calling the service: a PIN of another request must not use up an attempt.
    let sid = verification
        .and_then(|sealed| opened.root.open_verification(sealed, proven.hash))
        .ok_or_else(|| wrong("the verification belongs to another request"))?;
    tools
        .sms
        .check(config, phone, sid, pin.as_str())
        .await
        .map_err(|error| sms_failure(error, Code::PhoneCheck))?;
    let mut salt = [0; 16];
    fill_random(&mut salt)?;
    Ok(Some(PhoneRecord::new(salt, phone)))
}
