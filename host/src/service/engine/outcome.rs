//! The meaning of a job's result for its task.

use super::advance::{Events, event};
use super::task::{
    Asked, Became, Confirmed, Outcome, Place, Problem, Proof, ProofKind, Step, Task, Worked,
};
use crate::queue::{Millis, may_retry};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use letsesign_job_protocol::Code;
use letsesign_proof::Hash;
use serde::Deserialize;

/// Attempts at one step, the first one included.
const ATTEMPTS: u32 = 5;
/// Answers whose outcome is remembered, for each signer.
const WORKED: usize = 64;

/// The end of a job.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ended {
    /// The code of its result; `None`: a person gave it up.
    pub(crate) code: Option<u16>,
    /// Whether it had begun.
    pub(crate) begun: bool,
    /// The content of the result of a job that ended with success, or with 2203.
    pub(crate) result: Option<JobResult>,
}

/// The members of a result that a host reads.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct JobResult {
    pub(crate) results: Vec<Named>,
    pub(crate) attest_document: String,
    pub(crate) verification: Option<String>,
    pub(crate) encrypted_reason: Option<String>,
    /// Whether a reminder was mailed: within an hour of another mail it is not.
    pub(crate) mailed: Option<bool>,
}

/// A proof in a result.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) data: String,
}

impl JobResult {
    fn named(&self, name: &str) -> Option<&str> {
        let mut found = self.results.iter().filter(|one| one.name == name);
        found.next().map(|one| one.data.as_str())
    }
}

impl Task {
    /// Takes the end of a step's job. Gives the hash of a request that was made.
    pub(crate) fn ended(
        &mut self,
        place: Place,
        ended: &Ended,
        now: Millis,
        events: &mut Events,
    ) -> Option<Hash> {
        let step = self.step(place)?.clone();
        if let Some(code) = ended.code {
            if code == 0 {
                for sent in self.statements.iter_mut().take(step.statements) {
                    sent.accepted = true;
                }
            }
            if code == Code::StatementRefused.number()
                && (self.drop_refused(now, events) || step.generation < self.generation)
            {
                self.renew(place);
                return None;
            }
            if may_retry(code, ended.begun) && step.attempt < ATTEMPTS {
                if let Some(step) = self.step_mut(place) {
                    step.attempt += 1;
                    // 10 s, 1 min, 6 min, 36 min.
                    step.at = now + 10_000 * Millis::from(6_u32.pow(step.attempt - 2));
                }
                return None;
            }
        }
        match place {
            Place::Void => {
                self.void = None;
                self.void_ended(&step, ended, now, events);
            }
            Place::Attach => {
                self.attach = None;
                self.attach_ended(&step, ended, now, events);
            }
            Place::Request(signer) => return self.request_ended(signer, &step, ended, now, events),
            Place::Remind(signer) => self.remind_ended(signer, &step, ended, now, events),
            Place::Answer(signer) => self.answer_ended(signer, &step, ended, now, events),
        }
        None
    }

    /// The same work again, with the statements of now: another job.
    fn renew(&mut self, place: Place) {
        let (generation, statements) = (self.generation, self.statements.len());
        if let Some(step) = self.step_mut(place) {
            step.generation = generation;
            step.statements = statements;
            step.attempt = 1;
        }
    }

    fn prove(&mut self, kind: ProofKind, signer: Option<usize>, proof: &str, document: &str) {
        let round = signer.and_then(|signer| Some(self.signers.get(signer)?.round));
        self.proofs.push(Proof {
            kind,
            signer: signer.and_then(|signer| u16::try_from(signer).ok()),
            round,
            text: proof.to_owned(),
            document: document.to_owned(),
        });
    }

    fn void_ended(&mut self, step: &Step, ended: &Ended, now: Millis, events: &mut Events) {
        match proof_of(ended, "void") {
            Some((proof, document)) => {
                self.prove(ProofKind::Void, None, proof, document);
                self.end(Outcome::Void, now, events);
            }
            None => self.fail(step, ended.code, "voidFailed", now, events),
        }
    }

    fn attach_ended(&mut self, step: &Step, ended: &Ended, now: Millis, events: &mut Events) {
        if ended.code == Some(0) {
            self.result = Some(step.job(self).as_str().to_owned());
            self.end(Outcome::Completed, now, events);
        } else {
            self.fail(step, ended.code, "attachFailed", now, events);
        }
    }

    fn fail(
        &mut self,
        step: &Step,
        code: Option<u16>,
        word: &str,
        now: Millis,
        events: &mut Events,
    ) {
        self.problem = Some(Problem { code });
        let key = format!("{}/{}/failed", step.name, step.generation);
        events.push(failure(key, now, word, None, code));
    }

    fn request_ended(
        &mut self,
        signer: usize,
        step: &Step,
        ended: &Ended,
        now: Millis,
        events: &mut Events,
    ) -> Option<Hash> {
        let made = proof_of(ended, "por").and_then(|(por, document)| {
            let hash = Hash::of(&BASE64_STANDARD.decode(por).ok()?);
            Some((hash, por.to_owned(), document.to_owned()))
        });
        let one = self.signers.get_mut(signer)?;
        one.request = None;
        let Some((hash, por, document)) = made else {
            one.problem = Some(Problem { code: ended.code });
            let key = format!("{}/failed", step.name);
            events.push(failure(key, now, "requestFailed", Some(signer), ended.code));
            return None;
        };
        one.por = Some(Asked {
            hash,
            por: por.clone(),
            document: document.clone(),
            at: now,
        });
        self.prove(ProofKind::Por, Some(signer), &por, &document);
        events.push(event(step.name.clone(), now, "asked", Some(signer)));
        Some(hash)
    }

    fn remind_ended(
        &mut self,
        signer: usize,
        step: &Step,
        ended: &Ended,
        now: Millis,
        events: &mut Events,
    ) {
        let most = self.reminders.map_or(0, |reminders| reminders.times);
        let Some(one) = self.signers.get_mut(signer) else {
            return;
        };
        one.remind = None;
        one.reminded_at = Some(now);
        let key = format!("{}/ended", step.name);
        if ended.code == Some(0) {
            let mailed = ended.result.as_ref().and_then(|result| result.mailed);
            let word = if mailed == Some(false) {
                "reminderTooSoon"
            } else {
                "reminded"
            };
            events.push(event(key, now, word, Some(signer)));
        } else {
            if ended.code == Some(Code::LinkGone.number()) {
                // No later reminder of this request can succeed: the sender starts a new round.
                one.reminders = one.reminders.max(most);
            }
            events.push(failure(
                key,
                now,
                "reminderFailed",
                Some(signer),
                ended.code,
            ));
        }
    }

    fn answer_ended(
        &mut self,
        signer: usize,
        step: &Step,
        ended: &Ended,
        now: Millis,
        events: &mut Events,
    ) {
        let Some(one) = self.signers.get_mut(signer) else {
            return;
        };
        let Some(answer) = one.answer.take() else {
            return;
        };
        let result = ended.result.clone().unwrap_or_default();
        let state = match ended.code {
            Some(0) if result.named("poi").is_some() => Became::Confirmed,
            Some(0) if result.named("decline").is_some() => Became::Declined,
            Some(code) if code == Code::WaitingForPin.number() => {
                one.verification.clone_from(&result.verification);
                Became::PinSent
            }
            Some(code) if is_refusal(code) => Became::Refused,
            _ => Became::Failed,
        };
        if one.worked.len() >= WORKED {
            one.worked.pop_front();
        }
        one.worked.push_back(Worked {
            hash: answer.hash,
            state,
            code: ended.code,
        });
        let key = format!("{}/{}", step.name, step.attempt);
        match state {
            Became::Confirmed => {
                let poi = result.named("poi").unwrap_or_default().to_owned();
                one.poi = Some(Confirmed {
                    poi: poi.clone(),
                    document: result.attest_document.clone(),
                    at: now,
                });
                one.problem = None;
                self.prove(ProofKind::Poi, Some(signer), &poi, &result.attest_document);
                events.push(event(key, now, "confirmed", Some(signer)));
            }
            Became::Declined => {
                one.declined = true;
                let decline = result.named("decline").unwrap_or_default().to_owned();
                let document = result.attest_document.clone();
                self.prove(ProofKind::Decline, Some(signer), &decline, &document);
                self.encrypted_reason = result.encrypted_reason;
                events.push(event(key, now, "signerDeclined", Some(signer)));
                self.end(Outcome::Declined, now, events);
            }
            Became::PinSent => events.push(event(key, now, "pinSent", Some(signer))),
            Became::Refused => {
                events.push(failure(key, now, "answerRefused", Some(signer), ended.code));
            }
            Became::Failed => {
                events.push(failure(key, now, "answerFailed", Some(signer), ended.code));
            }
        }
    }
}

/// An attested proof of a result: the proof's and the document's base64.
fn proof_of<'a>(ended: &'a Ended, name: &str) -> Option<(&'a str, &'a str)> {
    let result = ended.result.as_ref().filter(|_| ended.code == Some(0))?;
    Some((result.named(name)?, &result.attest_document))
}

/// Whether a code says that another answer can be given: a wrong PIN, an answer of another link.
fn is_refusal(code: u16) -> bool {
    [
        Code::AnswerRefused,
        Code::PhoneCheck,
        Code::Sms,
        Code::Expired,
        Code::Void,
        Code::PorInvalid,
        Code::PorContent,
        Code::InvalidParameter,
    ]
    .iter()
    .any(|one| one.number() == code)
}

fn failure(
    key: String,
    at: Millis,
    word: &str,
    signer: Option<usize>,
    code: Option<u16>,
) -> crate::service::records::Event {
    let mut made = event(key, at, word, signer);
    made.detail = code.map_or_else(|| "given up".to_owned(), |code| code.to_string());
    made
}
