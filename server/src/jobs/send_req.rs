//! `sendReq`: asks a signer to sign. The signer gets a mail with a preview and a link; the sender gets the proof of request.

use super::input::{Extra, Ids, TEXT, access};
use super::mails::Mails;
use super::{Failure, Tools, compute, limits, refuse_signed, result};
use crate::mailer::MailFailure;
use crate::task::{Access, Document, Opened, Parts, Payload, SignerInfo, open};
use letsesign_job::fields::{FieldError, Fields};
use letsesign_job::{Code, Job, JobResult};
use letsesign_kms::to_base64;
use letsesign_mail::{Intent, Link, Locale, Reason, sign_link};
use letsesign_proof::{Function, Hash, Por};
use letsesign_stamp::{Error as StampError, Language, Output, Signer, Template, What};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

pub(crate) const NAME: &str = "sendReq";

/// Random bytes of the secret in the link.
const SECRET_BYTES: usize = 256;

struct Input {
    ids: Ids,
    payload: Payload,
    signer: u16,
    password: Zeroizing<String>,
    extra: Extra,
}

fn input(raw: &RawValue) -> Result<(Input, Parts, Access), FieldError> {
    let data = Fields::of(raw)?;
    let extra = data.object("extraData")?;
    let (payload, parts) = Payload::parse(data.raw("taskPayload")?)?;
    let input = Input {
        ids: Ids::parse(&data)?,
        signer: u16::try_from(data.integer("signerIdx", 0..=999)?).unwrap_or(u16::MAX),
        password: data.text("taskPassword", TEXT).map(Zeroizing::new)?,
        extra: Extra::parse(&extra)?,
        payload,
    };
    Ok((input, parts, access(&extra)?))
}

pub(crate) async fn run(job: Job, tools: &Tools) -> Result<JobResult, Failure> {
    let (input, parts, access) = input(job.data())?;
    drop(job);
    // The host gave the address, so it is judged as early as the rest of the schema.
    link(&input, "", "", false, tools)?;
    let mut task = open(&input.payload, parts, &access, tools).await?;
    let template = task.take_template();
    let mails = Mails {
        tools,
        task: &task,
        payload: &input.payload,
        task_id: &input.ids.task,
    };
    match ask(&input, template, &mails).await {
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

/// Whether the signer's mail was out when something failed: then the request stands, and nobody is told that it failed.
enum Stage {
    BeforeMail(Failure),
    AfterMail(Failure),
}

async fn ask(input: &Input, template: Document, mails: &Mails<'_>) -> Result<JobResult, Stage> {
    let (task, tools) = (mails.task, mails.tools);
    let signer = check_signers(input, task).map_err(Stage::BeforeMail)?;
    let pdf = preview(input, task, template, tools)
        .await
        .map_err(Stage::BeforeMail)?;
    let secret = secret().map_err(Stage::BeforeMail)?;
    let sms = signer.phone.is_some();
    let link = link(input, &secret, &signer.locale, sms, tools).map_err(Stage::BeforeMail)?;
    let por = request(input, &secret, sms, tools).map_err(Stage::BeforeMail)?;
    // Before the mail: without its document the link would be of no use.
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

fn mail_failure(error: &MailFailure, code: Code) -> Failure {
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
        .ok_or_else(|| Failure::new(Code::SignerIndex, "there is no signer with this index"))?;
    for phone in signers.iter().filter_map(|signer| signer.phone.as_ref()) {
        if task.twilio.is_none() {
            return Err(Failure::new(
                Code::TwilioConfigMissing,
                "a signer has a phone number and there is no Twilio configuration",
            ));
        }
        if !letsesign_sms::is_valid(phone) {
            return Err(Failure::new(
                Code::PhoneNumber,
                "a phone number is none of its country",
            ));
        }
    }
    Ok(signer)
}

/// What a trial stamp shows; it is as long as what is drawn in the end.
const TRIAL_MAGIC: &str = "0000000000000000000000000000000000000000000000000000000000000000";
const TRIAL_DATE: &str = "2000/01/01 (UTC)";

/// The PDF with this signer's hint and, in order, what earlier signers will have signed. Every signer's fields are tried before.
async fn preview(
    input: &Input,
    task: &Opened,
    pdf: Document,
    tools: &Tools,
) -> Result<Vec<u8>, Failure> {
    let fields = input.payload.signers.clone();
    let signers = task.config.signers.clone();
    let (own, in_order) = (usize::from(input.signer), input.payload.in_order);
    let password = input
        .payload
        .enhanced_privacy
        .then(|| input.password.clone());
    let fonts = tools.fonts.clone();
    let stop = tools.job.stop().clone();
    compute(tools, move || {
        refuse_signed(&pdf)?;
        // The reason would tell the console what is in the document.
        let unusable =
            |_: StampError| Failure::new(Code::PdfNotModifiable, "the PDF cannot be stamped");
        let stopped = || stop.is_stopped();
        let template = Template::open_within(&pdf, limits(&stopped)).map_err(unusable)?;
        let marks = |show: &dyn Fn(usize) -> What<'static>| -> Vec<Signer<'_>> {
            (1..)
                .zip(signers.iter().zip(&fields))
                .enumerate()
                .map(|(index, (number, (info, fields)))| Signer {
                    number,
                    name: &info.name,
                    fields,
                    what: show(index),
                })
                .collect()
        };
        let all = marks(&|_| What::Signed {
            magic_number: TRIAL_MAGIC,
            date: TRIAL_DATE,
        });
        template.check(&fonts, &all).map_err(unusable)?;
        let language = signers
            .get(own)
            .map_or(Language::English, |signer| language(&signer.locale));
        let shown = marks(&|index| {
            if index == own {
                What::Hint(language)
            } else if in_order && index < own {
                What::Pending
            } else {
                // Written all the same: preview and signed document differ in what is drawn alone.
                What::Hidden
            }
        });
        let output = match &password {
            Some(password) => Output::Protected { password },
            None => Output::Plain,
        };
        template
            .stamp(&fonts, &shown, output)
            .map_err(|_| Failure::new(Code::PreviewFailed, "the preview cannot be made"))
    })
    .await
}

fn language(locale: &str) -> Language {
    match Locale::of(locale) {
        Locale::ZhTw => Language::Chinese,
        Locale::EnUs => Language::English,
    }
}

/// The secret of the link, as base64.
fn secret() -> Result<Zeroizing<String>, Failure> {
    let mut bytes = Zeroizing::new([0; SECRET_BYTES]);
    getrandom::fill(bytes.as_mut_slice())
        .map_err(|_| Failure::new(Code::Undefined, "there are no random numbers"))?;
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

/// What the mail about a failed request says.
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
