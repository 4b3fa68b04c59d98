//! `confirmIntent`: the signer pressed the button. The sender gets the proof of intent. Where the
//! signer has a phone number, a first job starts the verification, and a second one brings the PIN.

use super::input::{Ids, TEXT, access};
use super::mails::{Mails, TaskView};
use super::proofs::{Claim, Proof};
use super::{Data, fill_random, result, verification};
use crate::failure::Failure;
use crate::kms::Access;
use crate::mailer::MailFailure;
use crate::sms::SmsFailure;
use crate::task::{Opened, Parts, Payload, SignerInfo, open};
use crate::tools::Tools;
use letsesign_job_protocol::fields::FieldError;
use letsesign_job_protocol::{Code, JobResult};
use letsesign_proof::{Function, Hash, PhoneRecord, Poi, Por};
use std::net::Ipv4Addr;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

pub(crate) const NAME: &str = "confirmIntent";

pub(super) struct Input {
    ids: Ids,
    payload: Payload,
    secret: Zeroizing<String>,
    ip_address: Ipv4Addr,
    por: String,
    por_document: String,
    /// Verification and PIN, if the job has both.
    pin: Option<(String, Zeroizing<String>)>,
}

pub(super) fn input(job: &Data<'_>) -> Result<(Input, Parts, Access), FieldError> {
    let data = &job.fields;
    let optional = |member| {
        data.has(member)
            .then(|| data.text(member, TEXT))
            .transpose()
    };
    let (sid, pin) = (
        optional("twilioVerificationSID")?,
        optional("twilioVerificationPIN")?,
    );
    let (payload, parts) = Payload::parse(data.raw("taskPayload")?, job.payload()?)?;
    let input = Input {
        ids: Ids::parse(data)?,
        secret: data.text("secret", 1..=1024).map(Zeroizing::new)?,
        ip_address: data
            .text("ipAddress", 0..=15)?
            .parse()
            .map_err(|_| FieldError {
                member: "ipAddress",
                problem: "is not an IPv4 address",
            })?,
        por: data.text("por", 1..=1024)?,
        por_document: data.text("porAttestDocument", 1..=10240)?,
        pin: sid.zip(pin.map(Zeroizing::new)),
        payload,
    };
    Ok((input, parts, access(&data.object("extraData")?)?))
}

pub(super) async fn run(
    (input, parts, access): (Input, Parts, Access),
    tools: &Tools,
) -> Result<JobResult, Failure> {
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
        task: TaskView::of(&task, &input.payload, &input.ids.task),
    };
    // With a single signer, `attachEsig` follows at once and sends its own mail.
    if task.config.signers.len() > 1 {
        match mails.signed(signer, attested.time / 1000).await {
            Ok(()) => {}
            Err(MailFailure::NotBegun(error)) => return Err(undefined(&error)),
            Err(error) => tracing::warn!("the mail about a confirmation is not sent: {error}"),
        }
    }
    Ok(result::proof("poi", &poi, &attested))
}

/// Parses the proof of request. Checks that it has not expired, and that it belongs to this task,
/// payload and secret. Returns it with its signer.
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
        return Err(content(
            "the secret or the payload differs from the proof's",
        ));
    }
    if por.task_hash.is_some_and(|hash| hash != input.ids.hash()) {
        return Err(content("taskID differs from the proof's"));
    }
    let signer = task
        .config
        .signers
        .get(usize::from(por.signer_idx))
        .ok_or_else(|| content("the proof's index matches none of the signers"))?;
    Ok((por, signer))
}

/// The failure for an SMS that was not sent or a PIN that was not checked.
pub(super) fn sms_failure(error: SmsFailure, code: Code) -> Failure {
    let code = match error {
        SmsFailure::Twilio(letsesign_sms::Error::Credentials) => Code::TwilioCredentials,
        SmsFailure::Twilio(letsesign_sms::Error::Setting) => Code::TwilioSetting,
        SmsFailure::NotBegun(_) => Code::Undefined,
        _ => code,
    };
    Failure::new(code, error)
}

/// Sends a PIN, or checks the PIN of this job.
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
    let failed = |error| sms_failure(error, code);
    let missing = || {
        Failure::new(
            code,
            "the phone number or the Twilio configuration is missing",
        )
    };
    let phone = signer.phone.as_deref().ok_or_else(missing)?;
    let config = task.twilio.as_ref().ok_or_else(missing)?;
    let por = Hash::of(&proof.bytes);
    if let Some((sealed, pin)) = &input.pin {
        // Check this before calling Twilio: a PIN of another request must not use up an attempt.
        let verification = verification::open(sealed, por, task)
            .ok_or_else(|| Failure::new(code, "the verification belongs to another request"))?;
        tools
            .sms
            .check(config, phone, verification, pin)
            .await
            .map_err(failed)?;
        let mut salt = [0; 16];
        fill_random(&mut salt)?;
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
        verification: Some(("twilioVerificationSID", verification)),
    })
}
