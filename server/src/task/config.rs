//! Content of the encrypted parts (docs/signing.md, "Encrypted parts").

use super::payload::Provider;
use letsesign_job_protocol::fields::{FieldError, Fields};
use letsesign_mail::{has_line_break, is_address};
use letsesign_proof::{Hash, compact_hash};
use letsesign_sms::is_e164;
use serde_json::value::RawValue;
use zeroize::Zeroizing;

fn error(member: &'static str, problem: &'static str) -> FieldError {
    FieldError { member, problem }
}

fn secret(fields: &Fields<'_>, member: &'static str) -> Result<Zeroizing<String>, FieldError> {
    fields.text(member, 1..=256).map(Zeroizing::new)
}

/// A text that becomes part of a mail's head, a file's name or a page.
fn line(
    fields: &Fields<'_>,
    member: &'static str,
    length: std::ops::RangeInclusive<usize>,
) -> Result<String, FieldError> {
    let text = fields.text(member, length)?;
    if has_line_break(&text) {
        return Err(error(member, "holds a line break"));
    }
    Ok(text)
}

fn members<'a>(text: &'a str) -> Result<Fields<'a>, FieldError> {
    let raw: &'a RawValue =
        serde_json::from_str(text).map_err(|_| error("(object)", "is not JSON"))?;
    Fields::of(raw)
}

/// One signer.
#[derive(Debug, Clone)]
pub(crate) struct SignerInfo {
    pub(crate) name: String,
    pub(crate) email: String,
    /// In E.164 form; `None` where no phone check is wanted.
    pub(crate) phone: Option<String>,
    pub(crate) locale: String,
}

/// `taskConfig`.
pub(crate) struct TaskConfig {
    pub(crate) file_name: String,
    pub(crate) message: String,
    /// Address for mails about the task's progress; `None` without such mails.
    pub(crate) notificant: Option<String>,
    pub(crate) notificant_locale: String,
    pub(crate) signers: Vec<SignerInfo>,
    /// Hash of its compact text.
    pub(crate) hash: Hash,
}

impl TaskConfig {
    pub(super) fn parse(text: &str) -> Result<Self, FieldError> {
        let outer = members(text)?;
        let config = outer.object("taskConfig")?;
        let notificant = config.text("notificantEmail", 0..=256)?;
        if !notificant.is_empty() && !is_address(&notificant) {
            return Err(error("notificantEmail", "is not an address"));
        }
        Ok(Self {
            file_name: line(&config, "fileName", 1..=256)?,
            message: config.text("senderMsg", 0..=2048)?,
            notificant: (!notificant.is_empty()).then_some(notificant),
            notificant_locale: config.text("notificantLocale", 1..=256)?,
            signers: config
                .list("signerInfoList")?
                .into_iter()
                .map(signer)
                .collect::<Result<_, _>>()?,
            hash: compact_hash(outer.raw("taskConfig")?.get())
                .ok_or(error("taskConfig", "is not strict JSON"))?,
        })
    }
}

fn signer(raw: &RawValue) -> Result<SignerInfo, FieldError> {
    let fields = Fields::of(raw)?;
    let email = fields.text("emailAddr", 1..=256)?;
    if !is_address(&email) {
        return Err(error("emailAddr", "is not an address"));
    }
    let phone = if fields.has("phoneNumber") {
        fields.text("phoneNumber", 0..=256)?
    } else {
        String::new()
    };
    if !phone.is_empty() && !is_e164(&phone) {
        return Err(error("phoneNumber", "is not in E.164 form"));
    }
    Ok(SignerInfo {
        name: line(&fields, "name", 1..=256)?,
        email,
        phone: (!phone.is_empty()).then_some(phone),
        locale: fields.text("locale", 1..=256)?,
    })
}

/// `bindingData`: what the sender bound together.
pub(crate) struct Binding {
    pub(crate) in_order: bool,
    pub(crate) task_config_hash: String,
    pub(crate) template_info_hash: String,
    pub(crate) template_data_hash: String,
    pub(crate) access_key: Zeroizing<String>,
    pub(crate) bearer_secret: Zeroizing<String>,
}

impl Binding {
    pub(super) fn parse(text: &str) -> Result<Self, FieldError> {
        let data = members(text)?.object("bindingData")?;
        Ok(Self {
            in_order: data.boolean("inOrder")?,
            task_config_hash: data.text("taskConfigHash", 1..=256)?,
            template_info_hash: data.text("templateInfoHash", 1..=256)?,
            template_data_hash: data.text("templateDataHash", 1..=256)?,
            access_key: secret(&data, "accessKey")?,
            bearer_secret: secret(&data, "bearerSecret")?,
        })
    }

    /// `bindingDataHash`: the hash of its public members' compact text.
    pub(crate) fn hash(&self) -> Hash {
        let text = serde_json::json!({
            "inOrder": self.in_order,
            "taskConfigHash": self.task_config_hash,
            "templateInfoHash": self.template_info_hash,
            "templateDataHash": self.template_data_hash,
        });
        Hash::of(text.to_string().as_bytes())
    }
}

/// `emailConfig`: how mails are sent.
pub(crate) enum EmailConfig {
    Ses {
        username: Zeroizing<String>,
        password: Zeroizing<String>,
        domain: String,
    },
    SendGrid {
        secret: Zeroizing<String>,
        domain: String,
    },
}

impl EmailConfig {
    /// The configuration and the bearer secret beside it.
    pub(super) fn parse(text: &str) -> Result<(Self, Zeroizing<String>), FieldError> {
        let outer = members(text)?;
        let config = outer.object("emailConfig")?;
        let provider = config.text("serviceProvider", 1..=256)?;
        let config = match Provider::parse(&provider) {
            Some(Provider::Ses) => Self::Ses {
                username: secret(&config, "sesSMTPUsername")?,
                password: secret(&config, "sesSMTPPassword")?,
                domain: config.text("sesDomain", 1..=256)?,
            },
            Some(Provider::SendGrid) => Self::SendGrid {
                secret: secret(&config, "sgSecret")?,
                domain: config.text("sgDomain", 1..=256)?,
            },
            None => return Err(error("serviceProvider", "is neither ses nor sg")),
        };
        Ok((config, secret(&outer, "bearerSecret")?))
    }

    pub(crate) fn provider(&self) -> Provider {
        match self {
            Self::Ses { .. } => Provider::Ses,
            Self::SendGrid { .. } => Provider::SendGrid,
        }
    }

    /// Where mails come from.
    pub(crate) fn domain(&self) -> &str {
        match self {
            Self::Ses { domain, .. } | Self::SendGrid { domain, .. } => domain,
        }
    }
}

/// `twilioConfig`: how phone numbers are checked.
pub(crate) struct TwilioConfig {
    pub(crate) api_sid: Zeroizing<String>,
    pub(crate) api_secret: Zeroizing<String>,
    pub(crate) service_sid: String,
}

impl TwilioConfig {
    /// The configuration and the bearer secret beside it.
    pub(super) fn parse(text: &str) -> Result<(Self, Zeroizing<String>), FieldError> {
        let outer = members(text)?;
        let config = outer.object("twilioConfig")?;
        let config = Self {
            api_sid: secret(&config, "apiSID")?,
            api_secret: secret(&config, "apiSecret")?,
            service_sid: config.text("serviceSID", 1..=256)?,
        };
        Ok((config, secret(&outer, "bearerSecret")?))
    }
}
