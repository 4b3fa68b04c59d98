//! `sendReq`: asks a signer to sign. The signer gets a mail with a preview and a link; the sender
//! gets the proof of request.

use super::input::{Extra, Ids, TEXT, access};
use super::mails::{Mails, TaskView};
use super::{Data, fill_random, result};
use crate::failure::Failure;
use crate::kms::Access;
use crate::mailer::MailFailure;
use crate::task::{Document, Opened, Parts, Payload, SignerInfo, open};
use crate::tools::Tools;
use letsesign_job_protocol::fields::FieldError;
use letsesign_job_protocol::{Code, JobResult};
use letsesign_kms::to_base64;
use letsesign_mail::{Intent, Link, Reason, sign_link};
use letsesign_proof::{Function, Hash, Por};
use zeroize::Zeroizing;

pub(crate) const NAME: &str = "sendReq";

/// Random bytes of the secret in the link.
const SECRET_BYTES: usize = 256;

pub(super) struct Input {
    ids: Ids,
    payload: Payload,
    signer: u16,
    password: Zeroizing<String>,
    extra: Extra,
}

pub(super) fn input(job: &Data<'_>) -> Result<(Input, Parts, Access), FieldError> {
    let data = &job.fields;
    let extra = data.object("extraData")?;
    let (payload, parts) = Payload::parse(data.raw("taskPayload")?, job.payload()?)?;
    let input = Input {
        ids: Ids::parse(data)?,
        signer: u16::try_from(data.integer("signerIdx", 0..=999)?).unwrap_or(u16::MAX),
        password: data.text("taskPassword", TEXT).map(Zeroizing::new)?,
        extra: Extra::parse(&extra)?,
        payload,
    };
    Ok((input, parts, access(&extra)?))
}

pub(super) async fn run(
    (input, parts, access): (Input, Parts, Access),
    tools: &Tools,
) -> Result<JobResult, Failure> {
    // The address comes from the host, so check it with the rest of the schema.
    link(&input, "", "", false, tools)?;
    let mut task = open(&input.payload, parts, &access, tools).await?;
    let template = task.take_template();
    let mails = Mails {
        tools,
        task: TaskView::of(&task, &input.payload, &input.ids.task),
    };
    match ask(&input, &task, template, &mails).await {
        Ok(done) => Ok(done),
        Err(Stage::BeforeMail(failure)) => {
            if input.signer == 0
                && let Err(error) = mails.failed(reason(failure.code)).await
            {
                tracing::warn!("the mail about a failed request is not sent: {error}");
            }
            Err(failure)
        }
        Err(Stage::AfterMail(failure)) => Err(failure),
    }
}

/// A failure before or after the signer's mail went out. After the mail the request stands, so the
/// notificant gets no mail about a failure.
enum Stage {
    BeforeMail(Failure),
    AfterMail(Failure),
}

async fn ask(
    input: &Input,
    task: &Opened,
    template: Document,
    mails: &Mails<'_>,
) -> Result<JobResult, Stage> {
    let tools = mails.tools;
    let signer = check_signers(input, task).map_err(Stage::BeforeMail)?;
    let password = input
        .payload
        .enhanced_privacy
        .then(|| input.password.clone());
    let pdf = input
        .payload
        .drawing(task)
        .preview(usize::from(input.signer), password, template, tools)
        .await
        .map_err(Stage::BeforeMail)?;
    let secret = secret().map_err(Stage::BeforeMail)?;
    let sms = signer.phone.is_some();
    let link = link(input, &secret, &signer.locale, sms, tools).map_err(Stage::BeforeMail)?;
    let por = request(input, &secret, sms, tools).map_err(Stage::BeforeMail)?;
    // Attest before the mail: without the attestation document the link would be useless.
    let results = [("por", Hash::of(&por))];
    let attested = result::attest(Function::SendReq, &results, tools)
        .await
        .map_err(Stage::BeforeMail)?;
    mails
        .confirm(signer, &link, pdf.into())
        .await
        .map_err(|error| Stage::BeforeMail(mail_failure(&error, Code::ConfirmMail)))?;
    if input.signer == 0 {
        mails
            .received()
            .await
            .map_err(|error| Stage::AfterMail(mail_failure(&error, Code::NotifyMail)))?;
    }
    Ok(result::proof("por", &por, &attested))
}

pub(super) fn mail_failure(error: &MailFailure, code: Code) -> Failure {
    let code = match error {
        MailFailure::Credentials => Code::MailCredentials,
        MailFailure::Unwritable(_) => Code::MailFailed,
        MailFailure::NotBegun(_) => Code::Undefined,
        MailFailure::Failed(_) => code,
    };
    Failure::new(code, error)
}

fn check_signers<'a>(input: &Input, task: &'a Opened) -> Result<&'a SignerInfo, Failure> {
    let signers = &task.config.signers;
    if input.payload.signers.len() != signers.len() {
        return Err(Failure::new(
            Code::SignerListLength,
            "signerList and signerInfoList differ in length",
        ));
    }
    let signer = signers
        .get(usize::from(input.signer))
        .ok_or_else(|| Failure::new(Code::SignerIndex, "the index matches none of the signers"))?;
    for phone in signers.iter().filter_map(|signer| signer.phone.as_ref()) {
        if task.twilio.is_none() {
            return Err(Failure::new(
                Code::TwilioConfigMissing,
                "a signer has a phone number, but the task lacks a Twilio configuration",
            ));
        }
        if !letsesign_sms::is_valid(phone) {
            return Err(Failure::new(
                Code::PhoneNumber,
                "a phone number is not valid in its country",
            ));
        }
    }
    Ok(signer)
}

/// The secret of the link, as base64.
fn secret() -> Result<Zeroizing<String>, Failure> {
    let mut bytes = Zeroizing::new([0; SECRET_BYTES]);
    fill_random(bytes.as_mut_slice())?;
    Ok(Zeroizing::new(to_base64(bytes.as_slice())))
}

/// The proof of request.
fn request(
    input: &Input,
    secret: &str,
    phone_required: bool,
    tools: &Tools,
) -> Result<Vec<u8>, Failure> {
    let expiry = tools
        .nsm
        .clock()
        .millis()
        .saturating_add(tools.por_validity);
    Por {
        payload_hash: input.payload.hash,
        signer_idx: input.signer,
        secret_hash: Hash::of(secret.as_bytes()),
        phone_required,
        task_hash: Some(input.ids.hash()),
        expiry_time: Some(expiry),
    }
    .to_cbor()
    .map_err(|error| Failure::new(Code::Undefined, error))
}

/// The link of the confirm mail.
fn link(
    input: &Input,
    secret: &str,
    locale: &str,
    sms: bool,
    tools: &Tools,
) -> Result<Link, Failure> {
    let intent = Intent {
        version: &input.extra.api_version,
        tid: &input.ids.task,
        sid: &input.ids.sub_task,
        index: input.signer.into(),
        secret,
        aux: &input.extra.aux_data,
        locale,
        sms,
    };
    sign_link(&input.payload.signer_app_url, &intent, tools.links)
        .map_err(|error| Failure::new(Code::InvalidParameter, error))
}

/// The reason that the mail about a failed request gives.
fn reason(code: Code) -> Reason {
    match code {
        Code::ConfirmMail | Code::MailFailed => Reason::MailNotDelivered,
        Code::MailCredentials => Reason::MailCredentials,
        Code::TwilioConfigMissing => Reason::SmsSetting,
        Code::PhoneNumber => Reason::PhoneNumber,
        Code::AlreadySigned => Reason::AlreadySigned,
        Code::PdfNotModifiable | Code::PreviewFailed => Reason::Pdf,
        Code::SignerListLength | Code::SignerIndex => Reason::TaskData,
        _ => Reason::Other,
    }
}
