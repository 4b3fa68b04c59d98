//! `taskPayload`: its schema (docs/signing.md, "The task").

use letsesign_job_protocol::fields::{FieldError, Fields};
use letsesign_kms::Envelope;
use letsesign_proof::{Hash, compact_hash};
use letsesign_stamp::{Field, FieldKind};
use serde_json::value::RawValue;

/// Keys of other regions would need another service in the egress map.
const ARN_START: &str = "arn:aws:kms:us-east-1:";

/// Who sends the mails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Provider {
    /// Amazon SES.
    Ses,
    /// SendGrid.
    SendGrid,
}

impl Provider {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text {
            "ses" => Some(Self::Ses),
            "sg" => Some(Self::SendGrid),
            _ => None,
        }
    }
}

/// An encrypted part. An error in its base64 is reported only when its turn comes.
pub(crate) type Encrypted = letsesign_kms::Result<Envelope>;

/// The encrypted parts.
pub(crate) struct Parts {
    pub(crate) task_config: Encrypted,
    pub(crate) template_data: Encrypted,
    pub(crate) email_config: Encrypted,
    pub(crate) binding_data: Encrypted,
    pub(crate) twilio_config: Option<Encrypted>,
}

/// The rest of the payload. The host knows it, and can change what the binding data does not bind.
pub(crate) struct Payload {
    /// Hash of its compact text; proofs hold it.
    pub(crate) hash: Hash,
    pub(crate) signer_app_url: String,
    pub(crate) enhanced_privacy: bool,
    pub(crate) kms_key_arn: String,
    pub(crate) provider: Provider,
    pub(crate) email_domain: String,
    pub(crate) in_order: bool,
    /// Hash of `templateInfo`'s compact text.
    pub(crate) template_info_hash: Hash,
    /// The fields of each signer.
    pub(crate) signers: Vec<Vec<Field>>,
}

fn error(member: &'static str, problem: &'static str) -> FieldError {
    FieldError { member, problem }
}

fn hash(raw: &RawValue, member: &'static str) -> Result<Hash, FieldError> {
    // The text was checked with the whole job, so this does not fail.
    compact_hash(raw.get()).ok_or(error(member, "is not strict JSON"))
}

impl Parts {
    fn parse(private: &Fields<'_>) -> Result<Self, FieldError> {
        let twilio = private.has("encryptedTwilioConfig");
        Ok(Self {
            task_config: encrypted(private, "encryptedTaskConfig")?,
            template_data: encrypted(private, "encryptedTemplateData")?,
            email_config: encrypted(private, "encryptedEmailConfig")?,
            binding_data: encrypted(private, "encryptedBindingData")?,
            twilio_config: twilio
                .then(|| encrypted(private, "encryptedTwilioConfig"))
                .transpose()?,
        })
    }
}

impl Payload {
    /// The payload and its encrypted parts, from its text and its members. Nothing is borrowed, so
    /// that a job's text, megabytes of it, need not outlive this.
    pub(crate) fn parse(raw: &RawValue, payload: &Fields<'_>) -> Result<(Self, Parts), FieldError> {
        let public = payload.object("publicTaskInfo")?;
        let parts = Parts::parse(&payload.object("privateTaskInfo")?)?;
        let domain = public.object("domainSetting")?;
        let kms = domain.object("kmsConfig")?;
        let template = public.object("templateInfo")?;
        let arn = kms.text("kmsKeyARN", 1..=256)?;
        if !arn.starts_with(ARN_START) {
            return Err(error("kmsKeyARN", "is not a key of us-east-1"));
        }
        let provider = domain.text("emailServiceProvider", 1..=256)?;
        // Shown nowhere: the host can change it. The decrypted e-mail configuration names the
        // sender.
        domain.text("rootDomain", 1..=512)?;
        let payload = Self {
            signer_app_url: domain.text("signerAppURL", 1..=1024)?,
            enhanced_privacy: domain.boolean("enhancedPrivacy")?,
            kms_key_arn: arn,
            provider: Provider::parse(&provider)
                .ok_or(error("emailServiceProvider", "is neither ses nor sg"))?,
            email_domain: domain.text("emailServiceDomain", 1..=512)?,
            in_order: public.boolean("inOrder")?,
            signers: signers(&template)?,
            template_info_hash: hash(public.raw("templateInfo")?, "templateInfo")?,
            hash: hash(raw, "taskPayload")?,
        };
        Ok((payload, parts))
    }
}

fn encrypted(parts: &Fields<'_>, member: &'static str) -> Result<Encrypted, FieldError> {
    let part = parts.object(member)?;
    Ok(Envelope::decode(
        &part.text("encryptedDataKey", 1..=1024)?,
        &part.text("dataIV", 1..=256)?,
        &part.long_text("encryptedData", 1..=usize::MAX)?,
    ))
}

/// Most fields of a task, all signers together.
const FIELDS_MAX: usize = 10_000;

fn signers(template: &Fields<'_>) -> Result<Vec<Vec<Field>>, FieldError> {
    let mut signers = Vec::new();
    let mut fields = 0;
    for raw in template.list("signerList")? {
        let signer = signer(raw)?;
        fields += signer.len();
        if fields > FIELDS_MAX {
            return Err(error("fieldList", "makes too many fields"));
        }
        signers.push(signer);
    }
    Ok(signers)
}

fn signer(raw: &RawValue) -> Result<Vec<Field>, FieldError> {
    let signer = Fields::of(raw)?;
    if signer.has("signerEmail") {
        signer.text("signerEmail", 0..=256)?;
    }
    signer.list("fieldList")?.into_iter().map(field).collect()
}

fn field(raw: &RawValue) -> Result<Field, FieldError> {
    const PLACE: std::ops::RangeInclusive<f64> = 0.0..=9999.0;
    let field = Fields::of(raw)?;
    let kind = field.number("type", 0.0..=99.0)?;
    Ok(Field {
        x: field.number("x", PLACE)?,
        y: field.number("y", PLACE)?,
        height: field.number("height", PLACE)?,
        page: page(field.number("pageNo", PLACE)?),
        kind: if kind == 0.0 {
            FieldKind::Signature
        } else if (kind - 1.0).abs() < f64::EPSILON {
            FieldKind::Date
        } else {
            FieldKind::Other
        },
    })
}

/// Pages count from 1. Zero and fractions match none of them.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "whole and within 0 to 9999"
)]
fn page(number: f64) -> u32 {
    if number.fract() == 0.0 {
        number as u32
    } else {
        0
    }
}
