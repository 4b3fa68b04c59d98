//! Decrypting a task, and the checks that go with it (docs/signing.md, "Decrypting").

use super::accept::{Keyed, NoKey, Public, Slot, Slots, accept};
use super::opened::Opened;
use super::payload::{Encrypted, Parts, Payload};
use crate::failure::Failure;
use crate::kms::Access;
use crate::tools::{Tools, compute};
use letsesign_job_protocol::Code;
use letsesign_kms::Envelope;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::sleep_until;

/// The only reason that the log gives for a refused task. The host reads the console: a closer
/// reason would reveal more than the code does.
const REFUSED: &str = "the task does not decrypt, or its parts do not belong together";

/// Decrypts all parts and checks them in the order that clients know: the first thing that is wrong
/// decides the code.
///
/// The host sees the code, the time and the calls to KMS, and chooses every ciphertext. So KMS
/// gives all data keys first, in calls whose number and order depend on the task's form alone. Then
/// everything is decrypted and checked at once, and a refusal is answered at one fixed time after
/// the last answer of KMS (docs/security.md).
pub(crate) async fn open(
    payload: &Payload,
    parts: Parts,
    access: &Access,
    tools: &Tools,
) -> Result<Opened, Failure> {
    let arn = &payload.kms_key_arn;
    let decrypt_failed = |reason: &str| Failure::new(Code::DecryptFailed, reason);
    let exhausted = || decrypt_failed("too many failed attempts with one of the data keys");
    if tools.refusals.is_exhausted(arn, parts.wrapped_keys()) {
        return Err(exhausted());
    }
    let slots = data_keys(payload, parts, access, tools).await;
    let answered = Instant::now();
    if slots.binding.is_err() {
        // The binding data are checked first, so the task fails without decrypting anything.
        return Err(decrypt_failed("the binding data lack a data key"));
    }
    let wrapped: Vec<(Slot, Vec<u8>)> = slots.wrapped_keys();
    let keys = || wrapped.iter().map(|(_, key)| key.as_slice());
    let reserved = tools.refusals.reserve(arn, keys()).await;
    let attempt = reserved.map_err(|_| exhausted())?;
    let public = Public::of(payload);
    let verdict = compute(tools, move || Ok(accept(slots, &public))).await?;
    let refused = match verdict {
        Ok(opened) => {
            attempt.accepted();
            return Ok(opened);
        }
        Err(refused) => refused,
    };
    if wrapped.iter().any(|(slot, _)| *slot == refused.slot) {
        // Parts are compared with the binding data, so a refusal tells about those as well.
        let looked_at = wrapped
            .iter()
            .filter(|(slot, _)| [refused.slot, Slot::Binding].contains(slot))
            .map(|(_, key)| key.as_slice());
        attempt.refused(arn, looked_at);
    } else {
        // A part without a data key: what was decrypted before it was accepted.
        attempt.accepted();
    }
    sleep_until(answer_time(answered, Instant::now(), tools.refusal_delay).into()).await;
    Err(Failure::new(refused.code, REFUSED))
}

/// When a refusal is answered: `delay` after the last answer of KMS. Where checking took longer
/// than that, the next multiple of it, so that the time still does not follow the work.
pub(crate) fn answer_time(answered: Instant, now: Instant, delay: Duration) -> Instant {
    let late = now.saturating_duration_since(answered).as_nanos();
    let times = late / delay.as_nanos().max(1) + 1;
    answered + delay.saturating_mul(u32::try_from(times).unwrap_or(u32::MAX))
}

/// Asks KMS for all data keys at the same time; a failed one does not cancel the others.
async fn data_keys(payload: &Payload, parts: Parts, access: &Access, tools: &Tools) -> Slots {
    let key = |part: &'static str, envelope: Encrypted| {
        let kms = Arc::clone(&tools.kms);
        // On the heap: five of these side by side are large.
        Box::pin(async move {
            let asked = async {
                let envelope = envelope?;
                let wrapped = &envelope.encrypted_data_key;
                let data_key = kms.data_key(&payload.kms_key_arn, access, wrapped).await?;
                Ok::<_, crate::kms::Error>(Keyed { envelope, data_key })
            };
            // Logged as soon as it is known, before anything is decrypted.
            asked
                .await
                .inspect_err(|error| tracing::warn!("no data key for {part}: {error}"))
                .map_err(|_| NoKey)
        })
    };
    let twilio = async {
        match parts.twilio_config {
            Some(encrypted) => Some(key("the Twilio configuration", encrypted).await),
            None => None,
        }
    };
    let (binding, config, template, email, twilio) = tokio::join!(
        key("the binding data", parts.binding_data),
        key("the task configuration", parts.task_config),
        key("the template", parts.template_data),
        key("the e-mail configuration", parts.email_config),
        twilio,
    );
    Slots {
        binding,
        config,
        template,
        email,
        twilio,
    }
}

impl Slots {
    /// The wrapped data keys of all slots that have a data key.
    fn wrapped_keys(&self) -> Vec<(Slot, Vec<u8>)> {
        [
            (Slot::Binding, Some(&self.binding)),
            (Slot::Config, Some(&self.config)),
            (Slot::Template, Some(&self.template)),
            (Slot::Email, Some(&self.email)),
            (Slot::Twilio, self.twilio.as_ref()),
        ]
        .into_iter()
        .filter_map(|(slot, keyed)| {
            let keyed = keyed?.as_ref().ok()?;
            Some((slot, keyed.envelope.encrypted_data_key.clone()))
        })
        .collect()
    }
}

impl Parts {
    /// The wrapped data keys of all parts that are well-formed.
    fn wrapped_keys(&self) -> impl Iterator<Item = &[u8]> {
        [
            Some(&self.binding_data),
            Some(&self.task_config),
            Some(&self.template_data),
            Some(&self.email_config),
            self.twilio_config.as_ref(),
        ]
        .into_iter()
        .flatten()
        .filter_map(|part: &Encrypted| {
            part.as_ref().ok().map(
                |Envelope {
                     encrypted_data_key, ..
                 }| encrypted_data_key.as_slice(),
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_answered_at_one_time() {
        let delay = Duration::from_millis(100);
        let answered = Instant::now();
        let at = |millis| {
            let now = answered + Duration::from_millis(millis);
            answer_time(answered, now, delay)
                .duration_since(answered)
                .as_millis()
        };
        for (checked, expected) in [(0, 100), (1, 100), (99, 100), (100, 200), (350, 400)] {
            assert_eq!(at(checked), expected, "checked after {checked} ms");
        }
    }
}
