//! `confirmIntent`: the signer pressed the button. The sender gets the proof of intent, or, where a phone number is to be checked, first the
//! verification that the signer's PIN belongs to.

use super::input::{Ids, TEXT, access};
use super::mails::Mails;
use super::proofs::{Claim, Proof};
use super::{Failure, Tools, result, verification};
use crate::mailer::MailFailure;
use crate::sms::SmsFailure;
use crate::task::{Access, Opened, Parts, Payload, SignerInfo, open};
use letsesign_job::fields::{FieldError, Fields};
use letsesign_job::{Code, Job, JobResult};
use letsesign_proof::{Function, Hash, PhoneRecord, Poi, Por};
use serde_json::value::RawValue;
use std::net::Ipv4Addr;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

pub(crate) const NAME: &str = "confirmIntent";

struct Input {
    ids: Ids,
    payload: Payload,
    secret: Zeroizing<String>,
    ip_address: Ipv4Addr,
    por: String,
    por_document: String,
    /// Verification and PIN, where both are given.
    pin: Option<(String, Zeroizing<String>)>,
}

fn input(raw: &RawValue) -> Result<(Input, Parts, Access), FieldError> {
    let data = Fields::of(raw)?;
    let optional = |member| {
        data.has(member)
            .then(|| data.text(member, TEXT))
            .transpose()
    };
    let (sid, pin) = (
        optional("twilioVerificationSID")?,
        optional("twilioVerificationPIN")?,
    );
    let (payload, parts) = Payload::parse(data.raw("taskPayload")?)?;
    let input = Input {
        ids: Ids::parse(&data)?,
        secret: data.text("secret", 1..=1024).map(Zeroizing::new)?,
        ip_address: data
            .text("ipAddress", 0..=15)?
            .parse()
            .map_err(|_| FieldError {
                member: "ipAddress",
                problem: "is no IPv4 address",
            })?,
        por: data.text("por", 1..=1024)?,
        por_document: data.text("porAttestDocument", 1..=10240)?,
        pin: sid.zip(pin.map(Zeroizing::new)),
        payload,
    };
    Ok((input, parts, access(&data.object("extraData")?)?))
}

pub(crate) async fn run(job: Job, tools: &Tools) -> Result<JobResult, Failure> {
    let (input, parts, access) = input(job.data())?;
    drop(job);
    let mut task = open(&input.payload, parts, &access, tools).await?;
    drop(task.take_template());
    let claim = Claim {
        function: Function::SendReq,
        proof: &input.por,
        document: &input.por_document,
        code: Code::PorInvalid,
    };
    let proof = claim.check(tools)?;
    let (por, signer) = request(&input, &proof, &task, tools)?;
    let phone = if por.phone_required {
        Some(check_phone(&input, &proof, signer, &task, tools).await?)
    } else {
        None
    };
    let undefined = |error: &dyn ToString| Failure::new(Code::Undefined, error.to_string());
    let poi = Poi {
        payload_hash: por.payload_hash,
        signer_idx: por.signer_idx,
        ip_address: input.ip_address,
        por_time: proof.time,
        task_hash: Some(input.ids.hash()),
        phone,
    }
    .to_cbor()
    .map_err(|error| undefined(&error))?;
    let results = [("poi", Hash::of(&poi))];
    let attested = result::attest(Function::ConfirmIntent, &results, tools).await?;
    let mails = Mails {
        tools,
        task: &task,
        payload: &input.payload,
        task_id: &input.ids.task,
    };
    // With one signer the last mail follows at once.
    if task.config.signers.len() > 1 {
        match mails.signed(signer, attested.time / 1000).await {
            Ok(()) => {}
            Err(MailFailure::NotBegun(error)) => return Err(undefined(&error)),
            Err(error) => tracing::warn!("the mail about a confirmation is not sent: {error}"),
        }
    }
    Ok(result::proof("poi", &poi, &attested))
}

/// What was asked for, when it was this: this task, this payload, this secret, and not too long ago.
fn request<'a>(
    input: &Input,
    proof: &Proof,
    task: &'a Opened,
    tools: &Tools,
) -> Result<(Por, &'a SignerInfo), Failure> {
    let por = Por::parse(&proof.bytes).map_err(|error| Failure::new(Code::PorInvalid, error))?;
    if por.expired_at(tools.nsm.clock().millis()) {
        return Err(Failure::new(Code::PorInvalid, "the request has expired"));
    }
    let content = |reason: &str| Failure::new(Code::PorContent, reason);
    let secret = Hash::of(input.secret.as_bytes());
    let same_secret = bool::from(secret.0.ct_eq(&por.secret_hash.0));
    let same_payload = bool::from(input.payload.hash.0.ct_eq(&por.payload_hash.0));
    if !same_secret || !same_payload {
        return Err(content("secret or payload is another one"));
    }
    if por.task_hash.is_some_and(|hash| hash != input.ids.hash()) {
        return Err(content("taskID is another one"));
    }
    let signer = task
        .config
        .signers
        .get(usize::from(por.signer_idx))
        .ok_or_else(|| content("there is no signer with the proof's index"))?;
    Ok((por, signer))
}

/// Sends a PIN, or checks the one that came.
async fn check_phone(
    input: &Input,
    proof: &Proof,
    signer: &SignerInfo,
    task: &Opened,
    tools: &Tools,
) -> Result<PhoneRecord, Failure> {
    let code = match &input.pin {
        Some(_) => Code::PhoneCheck,
        None => Code::Sms,
    };
    let failed = |error: SmsFailure| {
        let code = match error {
            SmsFailure::Twilio(letsesign_sms::Error::Credentials) => Code::TwilioCredentials,
            SmsFailure::Twilio(letsesign_sms::Error::Setting) => Code::TwilioSetting,
            SmsFailure::NotBegun(_) => Code::Undefined,
            _ => code,
        };
        Failure::new(code, error)
    };
    let missing = || Failure::new(code, "there is no phone number, or no Twilio configuration");
    let phone = signer.phone.as_deref().ok_or_else(missing)?;
    let config = task.twilio.as_ref().ok_or_else(missing)?;
    let por = Hash::of(&proof.bytes);
    if let Some((sealed, pin)) = &input.pin {
        // Before Twilio is asked: a PIN of another request must not even be tried.
        let verification = verification::open(sealed, por, task)
            .ok_or_else(|| Failure::new(code, "the verification belongs to another request"))?;
        tools
            .sms
            .check(config, phone, verification, pin)
            .await
            .map_err(failed)?;
        let mut salt = [0; 16];
        getrandom::fill(&mut salt)
            .map_err(|_| Failure::new(Code::Undefined, "there are no random numbers"))?;
        return Ok(PhoneRecord::new(salt, phone));
    }
    let sid = tools
        .sms
        .send(config, phone, por, &tools.job)
        .await
        .map_err(failed)?;
    let verification = verification::seal(&sid, por, task).ok_or_else(missing)?;
    Err(Failure {
        code: Code::WaitingForPin,
        reason: "waiting for the PIN".into(),
        verification: Some(verification),
    })
}
