//! A task as senders and signers see it (docs/service-api.md, "Tasks" and "Signers").

use super::task::{Became, Outcome, Place, Problem, Signer, Task};
use crate::queue::Millis;
use letsesign_proof::Hash;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

/// The state of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum State {
    WaitingForDocument,
    Running,
    Completed,
    Declined,
    Void,
    Expired,
    Failed,
}

impl State {
    /// The word of it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::WaitingForDocument => "waitingForDocument",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Declined => "declined",
            Self::Void => "void",
            Self::Expired => "expired",
            Self::Failed => "failed",
        }
    }
}

/// The state of a request, for its signer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum RequestState {
    Open,
    Answering,
    Confirmed,
    Declined,
    Superseded,
    Void,
    Expired,
    Ended,
}

impl Task {
    /// Its state.
    pub(crate) fn state_of(&self) -> State {
        match self.outcome {
            Some(Outcome::Completed) => State::Completed,
            Some(Outcome::Declined) => State::Declined,
            Some(Outcome::Void) => State::Void,
            Some(Outcome::Expired) => State::Expired,
            Some(Outcome::Abandoned) => State::Failed,
            None if !self.document => State::WaitingForDocument,
            None if self.is_stuck() => State::Failed,
            None => State::Running,
        }
    }

    /// Whether nothing goes on without the sender.
    fn is_stuck(&self) -> bool {
        if self.problem.is_some() {
            return true;
        }
        let goes_on = self.steps().iter().any(|place| {
            !matches!(place, Place::Remind(_)) && self.step(*place).is_some_and(|one| !one.unknown)
        });
        let open = self.signers.iter().any(Signer::is_open);
        let failed = self.signers.iter().any(|one| one.problem.is_some());
        let unknown = self
            .steps()
            .iter()
            .any(|place| self.step(*place).is_some_and(|one| one.unknown));
        !goes_on && !open && (failed || unknown)
    }

    /// SUMMARY of the page.
    pub(crate) fn summary(&self) -> Value {
        let signers: Vec<Value> = self.signers.iter().map(signer).collect();
        let mut summary = json!({
            "protocol": 2,
            "task": self.name,
            "binding": self.binding.to_string(),
            "state": self.state_of(),
            "created": self.created,
            "expiry": self.expiry,
            "inOrder": self.in_order,
            "signers": signers,
        });
        let decisions: Vec<Value> = self
            .steps()
            .into_iter()
            .filter_map(|place| {
                let step = self.step(place).filter(|step| step.unknown)?;
                let (function, signer) = self.function(place);
                let mut one = json!({"job": step.job(self).as_str(), "function": function});
                if let (Some(signer), Some(one)) = (signer, one.as_object_mut()) {
                    one.insert("signer".into(), signer.into());
                }
                Some(one)
            })
            .collect();
        if let Some(members) = summary.as_object_mut() {
            if let Some(found) = &self.problem {
                members.insert("problem".into(), problem(found));
            }
            if self.outcome == Some(Outcome::Abandoned) {
                let detail = "the document did not come within 24 hours: submit the task again";
                members.insert("problem".into(), json!({"detail": detail}));
            }
            if !decisions.is_empty() {
                members.insert("needsDecision".into(), decisions.into());
            }
        }
        summary
    }

    /// The `jobName` of a step, and its signer.
    pub(crate) fn function(&self, place: Place) -> (&'static str, Option<usize>) {
        match place {
            Place::Void => ("voidTask", None),
            Place::Attach => ("attachEsig", None),
            Place::Request(signer) => ("sendReq", Some(signer)),
            Place::Remind(signer) => ("remind", Some(signer)),
            Place::Answer(signer) => {
                let answer = self.signers.get(signer).and_then(|one| one.answer.as_ref());
                let name = answer.map_or("confirmIntent", |answer| answer.function.name());
                (name, Some(signer))
            }
        }
    }

    /// The state of the request with this hash, which was for this signer.
    pub(crate) fn request_state(&self, number: usize, por: Hash, now: Millis) -> RequestState {
        let Some(one) = self.signers.get(number) else {
            return RequestState::Ended;
        };
        let is_current = one.current().is_some_and(|asked| asked.hash == por);
        match self.outcome {
            Some(Outcome::Void) => return RequestState::Void,
            Some(Outcome::Expired) => return RequestState::Expired,
            _ if self.is_voided() => return RequestState::Void,
            _ => {}
        }
        if !is_current {
            RequestState::Superseded
        } else if one.poi.is_some() {
            RequestState::Confirmed
        } else if one.declined {
            RequestState::Declined
        } else if self.outcome.is_some() {
            RequestState::Ended
        } else if one.answer.is_some() {
            RequestState::Answering
        } else if now > self.expiry {
            RequestState::Expired
        } else {
            RequestState::Open
        }
    }

    /// The state of an answer of a signer, with its code; `None`: the host does not know it.
    pub(crate) fn answer_state(
        &self,
        number: usize,
        hash: Hash,
    ) -> Option<(&'static str, Option<u16>)> {
        let one = self.signers.get(number)?;
        if one
            .answer
            .as_ref()
            .is_some_and(|answer| answer.hash == hash)
        {
            return Some(("working", None));
        }
        let worked = one.worked.iter().rev().find(|worked| worked.hash == hash)?;
        Some(match worked.state {
            Became::PinSent => ("pinSent", None),
            Became::Confirmed => ("confirmed", None),
            Became::Declined => ("declined", None),
            Became::Refused => ("refused", worked.code),
            Became::Failed => ("failed", worked.code),
        })
    }
}

fn signer(one: &Signer) -> Value {
    let state = if one.poi.is_some() {
        "confirmed"
    } else if one.declined {
        "declined"
    } else if one.answer.is_some() {
        "answering"
    } else if one.por.is_some() {
        "asked"
    } else if one.request.is_some() {
        "sending"
    } else if one.problem.is_some() {
        "failed"
    } else {
        "waiting"
    };
    let mut value = json!({"round": one.round, "state": state});
    if let Some(members) = value.as_object_mut() {
        if let Some(asked) = &one.por {
            members.insert("askedAt".into(), asked.at.into());
        }
        if let Some(confirmed) = &one.poi {
            members.insert("answeredAt".into(), confirmed.at.into());
        }
        if let Some(at) = one.reminded_at {
            members.insert("remindedAt".into(), at.into());
        }
        if let Some(found) = &one.problem {
            members.insert("problem".into(), problem(found));
        }
    }
    value
}

fn problem(found: &Problem) -> Value {
    let detail = match found.code {
        None => "the job was given up; ask the signer in a new round, or void the task",
        Some(2009 | 2109) => {
            "the mail to the signer was not taken: check the address and the mail account, then \
             ask the signer in a new round"
        }
        Some(2010) => {
            "the mail account's credentials were refused: replace them (PUT /api/v2/account), then \
             ask the signer in a new round"
        }
        Some(2011 | 2012) => {
            "the SMS account does not work: replace it (PUT /api/v2/account), then ask again"
        }
        Some(2104) => "the phone number is not one of its country: send a task with another one",
        Some(2105) => "the document was signed by this service before: send the original",
        Some(2106 | 2107) => {
            "the document cannot be stamped: check it with `letsesign send --check`"
        }
        Some(2108) => "the notification of the sender was not taken: check the notified address",
        Some(2401) => {
            "the enclave refuses the account: is it sealed for this key, and does the key's policy \
             list the release that runs (GET /api/v2/account)?"
        }
        Some(2402) => {
            "the enclave refuses the task: header, account and configuration do not match"
        }
        Some(2403) => "the enclave refuses the document: it is not the one that was sealed",
        Some(2408) => "the enclave was started anew: ask the signer in a new round",
        Some(_) => "the enclave refused or failed; docs/job-protocol.md lists the codes",
    };
    match found.code {
        Some(code) => json!({"code": code, "detail": detail}),
        None => json!({ "detail": detail }),
    }
}
