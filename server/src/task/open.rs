//! Decrypting a task, and the checks that go with it (docs/signing.md, "Decrypting").

use super::config::{Binding, EmailConfig, TaskConfig, TwilioConfig};
use super::payload::{Encrypted, Parts, Payload};
use super::reason::json;
use crate::jobs::{Failure, Tools};
use letsesign_job::Code;
use letsesign_proof::Hash;
use std::sync::Arc;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// The sender's access key for KMS.
pub(crate) struct Access {
    pub(crate) key_id: String,
    pub(crate) key_secret: Zeroizing<String>,
}

/// A task in clear.
pub(crate) struct Opened {
    pub(crate) binding: Binding,
    pub(crate) config: TaskConfig,
    template: Document,
    pub(crate) email: EmailConfig,
    pub(crate) twilio: Option<TwilioConfig>,
}

/// A PDF in clear.
pub(crate) type Document = Zeroizing<Vec<u8>>;

impl Opened {
    /// The PDF, which is then no longer here: it is large, and only wanted once.
    pub(crate) fn take_template(&mut self) -> Document {
        std::mem::take(&mut self.template)
    }
}

type Part = Result<Zeroizing<Vec<u8>>, Failure>;

/// Decrypts all parts at the same time, then judges them in the order that clients know: the first thing that is wrong decides the code.
pub(crate) async fn open(
    payload: &Payload,
    parts: Parts,
    access: &Access,
    tools: &Tools,
) -> Result<Opened, Failure> {
    let decrypt = |part: &'static str, envelope: Encrypted| {
        let kms = Arc::clone(&tools.kms);
        // On the heap: five of these side by side are large.
        Box::pin(async move {
            let opened = match envelope {
                Ok(envelope) => kms.open(&payload.kms_key_arn, access, envelope).await,
                Err(error) => Err(error.into()),
            };
            opened.map_err(|error| Failure::new(Code::DecryptFailed, format!("{part}: {error}")))
        })
    };
    let twilio = async {
        match parts.twilio_config {
            Some(encrypted) => Some(decrypt("the Twilio configuration", encrypted).await),
            None => None,
        }
    };
    let (binding, config, template, email, twilio) = tokio::join!(
        decrypt("the binding data", parts.binding_data),
        decrypt("the task configuration", parts.task_config),
        decrypt("the template", parts.template_data),
        decrypt("the e-mail configuration", parts.email_config),
        twilio,
    );
    let binding = binding_data(binding, payload)?;
    let config = task_config(config, &binding)?;
    let template = template?;
    same(
        &Hash::of(&template).to_string(),
        &binding.template_data_hash,
        Code::TemplateDataHash,
        "the template's hash is another one",
    )?;
    let email = email_config(email, payload, &binding)?;
    let twilio = match twilio {
        Some(part) => Some(twilio_config(part, &binding)?),
        None => None,
    };
    Ok(Opened {
        binding,
        config,
        template,
        email,
        twilio,
    })
}

/// Compares in a time that does not depend on where the texts differ.
fn same(found: &str, expected: &str, code: Code, reason: &'static str) -> Result<(), Failure> {
    if bool::from(found.as_bytes().ct_eq(expected.as_bytes())) {
        Ok(())
    } else {
        Err(Failure::new(code, reason))
    }
}

fn binding_data(part: Part, payload: &Payload) -> Result<Binding, Failure> {
    let binding = Binding::parse(json(&part?, "the binding data")?)?;
    if payload.in_order != binding.in_order {
        return Err(Failure::new(
            Code::InOrderMismatch,
            "inOrder is not as bound",
        ));
    }
    same(
        &payload.template_info_hash.to_string(),
        &binding.template_info_hash,
        Code::TemplateInfoHash,
        "the hash of templateInfo is another one",
    )?;
    Ok(binding)
}

fn task_config(part: Part, binding: &Binding) -> Result<TaskConfig, Failure> {
    let config = TaskConfig::parse(json(&part?, "the task configuration")?)?;
    same(
        &config.hash.to_string(),
        &binding.task_config_hash,
        Code::TaskConfigHash,
        "the hash of taskConfig is another one",
    )?;
    Ok(config)
}

fn email_config(part: Part, payload: &Payload, binding: &Binding) -> Result<EmailConfig, Failure> {
    let (config, bearer) = EmailConfig::parse(json(&part?, "the e-mail configuration")?)?;
    if config.provider() != payload.provider || config.domain() != payload.email_domain {
        return Err(Failure::new(
            Code::EmailConfigMismatch,
            "provider or domain is not the public one",
        ));
    }
    same_secret(
        &bearer,
        binding,
        "the e-mail configuration has another bearerSecret",
    )?;
    Ok(config)
}

fn twilio_config(part: Part, binding: &Binding) -> Result<TwilioConfig, Failure> {
    let (config, bearer) = TwilioConfig::parse(json(&part?, "the Twilio configuration")?)?;
    same_secret(
        &bearer,
        binding,
        "the Twilio configuration has another bearerSecret",
    )?;
    Ok(config)
}

fn same_secret(found: &str, binding: &Binding, reason: &'static str) -> Result<(), Failure> {
    same(found, &binding.bearer_secret, Code::BearerSecret, reason)
}
