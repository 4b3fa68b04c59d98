//! Which decrypted parts are accepted (docs/security.md, "What the host sees").
//!
//! The host chooses every ciphertext, so each distinction made here is one that it can use. A slot
//! is refused with one code for everything up to "this is the authentic content", and nothing but
//! that code leaves this module: no reason, no log line, no call to a service.

use super::config::{Binding, EmailConfig, TaskConfig, TwilioConfig};
use super::opened::Opened;
use super::payload::{Payload, Provider};
use letsesign_job_protocol::Code;
use letsesign_job_protocol::fields::FieldError;
use letsesign_kms::{Clear, Envelope};
use letsesign_proof::Hash;
use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroizing;

/// An encrypted part and the data key that KMS gave for it.
#[derive(Clone)]
pub(super) struct Keyed {
    pub(super) envelope: Envelope,
    pub(super) data_key: Zeroizing<Vec<u8>>,
}

/// A part without a data key: it is malformed, or KMS did not give one.
#[derive(Debug, Clone, Copy)]
pub(super) struct NoKey;

/// The parts of a task.
#[derive(Clone)]
pub(super) struct Slots {
    pub(super) binding: Result<Keyed, NoKey>,
    pub(super) config: Result<Keyed, NoKey>,
    pub(super) template: Result<Keyed, NoKey>,
    pub(super) email: Result<Keyed, NoKey>,
    /// `None`: the task has no such part.
    pub(super) twilio: Option<Result<Keyed, NoKey>>,
}

/// The public members that the parts are compared with.
#[derive(Clone)]
pub(super) struct Public {
    in_order: bool,
    template_info_hash: String,
    provider: Provider,
    email_domain: String,
}

impl Public {
    pub(super) fn of(payload: &Payload) -> Self {
        Self {
            in_order: payload.in_order,
            template_info_hash: payload.template_info_hash.to_string(),
            provider: payload.provider,
            email_domain: payload.email_domain.clone(),
        }
    }
}

/// A slot of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slot {
    Binding,
    Config,
    Template,
    Email,
    Twilio,
}

/// A refusal: the code and the slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) code: Code,
    pub(super) slot: Slot,
}

/// Decrypts all parts, then checks them in the order that clients know.
pub(super) fn accept(slots: Slots, public: &Public) -> Result<Opened, Refused> {
    // Everything is decrypted and the template is hashed whatever the verdict will be, so that the
    // work does not tell which part was refused.
    let open = |keyed: Result<Keyed, NoKey>| keyed.map(|part| part.envelope.open(&part.data_key));
    let (binding, config) = (open(slots.binding), open(slots.config));
    let (template, email) = (open(slots.template), open(slots.email));
    let twilio = slots.twilio.map(open);
    let template = template.map(|clear| (Hash::of(&clear.bytes), clear));

    let refuse = |slot| move |code| Refused { code, slot };
    let binding = binding_data(binding, public).map_err(refuse(Slot::Binding))?;
    let config = task_config(config, &binding).map_err(refuse(Slot::Config))?;
    let template = document(template, &binding).map_err(refuse(Slot::Template))?;
    let email = email_config(email, public, &binding).map_err(refuse(Slot::Email))?;
    let twilio = match twilio {
        Some(part) => Some(twilio_config(part, &binding).map_err(refuse(Slot::Twilio))?),
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

/// A part that is JSON. Padding, UTF-8, syntax, duplicate keys, surrogates, `NaN` and depth are one
/// condition with one code; only text that fulfils it is read.
fn json<T>(
    part: Result<Clear, NoKey>,
    read: impl FnOnce(&str) -> Result<T, FieldError>,
) -> Result<T, Code> {
    let clear = part.map_err(|NoKey| Code::DecryptFailed)?;
    // Also with wrong padding.
    let strict = strict_json::check(&clear.bytes, strict_json::Limits::default()).is_ok();
    if !bool::from(clear.accepted & Choice::from(u8::from(strict))) {
        return Err(Code::DecryptFailed);
    }
    let text = std::str::from_utf8(&clear.bytes).map_err(|_| Code::DecryptFailed)?;
    read(text).map_err(|_| Code::InvalidParameter)
}

/// Compares in a time that does not depend on where the texts differ.
fn same(found: &str, expected: &str, code: Code) -> Result<(), Code> {
    if bool::from(found.as_bytes().ct_eq(expected.as_bytes())) {
        Ok(())
    } else {
        Err(code)
    }
}

fn binding_data(part: Result<Clear, NoKey>, public: &Public) -> Result<Binding, Code> {
    let binding = json(part, Binding::parse)?;
    if public.in_order != binding.in_order {
        return Err(Code::InOrderMismatch);
    }
    same(
        &public.template_info_hash,
        &binding.template_info_hash,
        Code::TemplateInfoHash,
    )?;
    Ok(binding)
}

fn task_config(part: Result<Clear, NoKey>, binding: &Binding) -> Result<TaskConfig, Code> {
    let config = json(part, TaskConfig::parse)?;
    same(
        &config.hash.to_string(),
        &binding.task_config_hash,
        Code::TaskConfigHash,
    )?;
    Ok(config)
}

/// The PDF that was bound. Wrong padding and another document are one failure: the slot takes any
/// bytes, so a code for the padding alone would decrypt every part (Vaudenay, 2002).
fn document(
    part: Result<(Hash, Clear), NoKey>,
    binding: &Binding,
) -> Result<Zeroizing<Vec<u8>>, Code> {
    let (hash, clear) = part.map_err(|NoKey| Code::DecryptFailed)?;
    let found = hash.to_string();
    let bound = found
        .as_bytes()
        .ct_eq(binding.template_data_hash.as_bytes());
    if bool::from(clear.accepted & bound) {
        Ok(clear.bytes)
    } else {
        Err(Code::TemplateDataHash)
    }
}

fn email_config(
    part: Result<Clear, NoKey>,
    public: &Public,
    binding: &Binding,
) -> Result<EmailConfig, Code> {
    let (config, bearer) = json(part, EmailConfig::parse)?;
    if config.provider() != public.provider || config.domain() != public.email_domain {
        return Err(Code::EmailConfigMismatch);
    }
    same(&bearer, &binding.bearer_secret, Code::BearerSecret)?;
    Ok(config)
}

fn twilio_config(part: Result<Clear, NoKey>, binding: &Binding) -> Result<TwilioConfig, Code> {
    let (config, bearer) = json(part, TwilioConfig::parse)?;
    same(&bearer, &binding.bearer_secret, Code::BearerSecret)?;
    Ok(config)
}

#[cfg(test)]
#[path = "accept_tests.rs"]
mod tests;
