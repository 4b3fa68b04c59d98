//! A task as it is stored: what was submitted, and how far each signer is.
//!
//! It holds nothing that the enclave would not show to any host: sealed boxes, attested proofs, and
//! answers that only the enclave opens. Even so the record is sealed at rest.

use crate::queue::{JobId, Millis};
use letsesign_proof::Hash;
use letsesign_protocol2::Statement;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::VecDeque;
use utoipa::ToSchema;

/// Bytes in base64.
pub(crate) mod base64_bytes {
    use base64::Engine as _;
    use base64::prelude::BASE64_STANDARD;
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(crate) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&BASE64_STANDARD.encode(bytes))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(from)?;
        BASE64_STANDARD
            .decode(text)
            .map_err(|_| de::Error::custom("not base64 of RFC 4648, section 4"))
    }
}

/// A task of protocol 2.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Task {
    /// The sender's domain.
    pub(crate) sender: String,
    /// Its name: 64 hexadecimal digits.
    pub(crate) name: String,
    pub(crate) binding: Hash,
    #[serde(with = "base64_bytes")]
    pub(crate) header: Vec<u8>,
    pub(crate) in_order: bool,
    pub(crate) expiry: Millis,
    #[serde(with = "base64_bytes")]
    pub(crate) wrapped_key: Vec<u8>,
    pub(crate) configuration_hash: Hash,
    pub(crate) document_hash: Hash,
    /// PCR0s of releases that may work it; empty: any.
    pub(crate) accepts: Vec<String>,
    pub(crate) reminders: Option<Reminders>,
    pub(crate) created: Millis,
    /// Whether the document is stored.
    pub(crate) document: bool,
    pub(crate) statements: Vec<Sent>,
    /// Incremented when statements were refused: jobs that carried them are other jobs than those
    /// that come after.
    pub(crate) generation: u32,
    pub(crate) signers: Vec<Signer>,
    pub(crate) void: Option<Step>,
    pub(crate) attach: Option<Step>,
    /// Why the task as a whole cannot go on without the sender.
    pub(crate) problem: Option<Problem>,
    pub(crate) outcome: Option<Outcome>,
    pub(crate) ended_at: Option<Millis>,
    /// Whether what an ended task does not need any more was removed.
    pub(crate) cleared: bool,
    /// Proofs that were made, the oldest first.
    pub(crate) proofs: Vec<Proof>,
    /// The reason of a decline, sealed for the sender.
    pub(crate) encrypted_reason: Option<String>,
    /// The job that has the result.
    pub(crate) result: Option<String>,
}

/// Reminders on a schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Reminders {
    /// Hours between two of them.
    #[schema(minimum = 24, maximum = 8760)]
    pub(crate) after_hours: u32,
    /// How many for each request.
    #[schema(minimum = 1, maximum = 30)]
    pub(crate) times: u32,
}

/// A statement as the sender has sent it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sent {
    /// Its JSON.
    #[serde(with = "base64_bytes")]
    pub(crate) text: Vec<u8>,
    /// Its code, which only sender and enclave can check.
    #[serde(with = "base64_bytes")]
    pub(crate) mac: Vec<u8>,
    /// Whether the enclave has accepted it.
    pub(crate) accepted: bool,
}

/// How a task ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Outcome {
    Completed,
    Declined,
    Void,
    Expired,
    /// The document did not come in time.
    Abandoned,
}

/// Something that the sender has to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Problem {
    /// The code of the job protocol; `None`: a person gave the job up.
    pub(crate) code: Option<u16>,
}

/// A proof that was attested.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Proof {
    pub(crate) kind: ProofKind,
    pub(crate) signer: Option<u16>,
    pub(crate) round: Option<u32>,
    /// Base64 of the proof's text.
    pub(crate) text: String,
    /// Base64 of the attestation document.
    pub(crate) document: String,
}

/// The kind of a proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum ProofKind {
    Por,
    Poi,
    Decline,
    Void,
}

/// A signer, without name and address: the host does not know them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Signer {
    pub(crate) round: u32,
    /// Counts how often this signer was asked anew.
    pub(crate) asked: u32,
    pub(crate) request: Option<Step>,
    pub(crate) por: Option<Asked>,
    pub(crate) remind: Option<Step>,
    /// Reminders of this request so far.
    pub(crate) reminders: u32,
    pub(crate) reminded_at: Option<Millis>,
    pub(crate) answer: Option<Answer>,
    /// When answers came, of the last hour.
    pub(crate) answered: VecDeque<Millis>,
    /// The last answers that were worked.
    pub(crate) worked: VecDeque<Worked>,
    /// The enclave's `verification`, for the check of the PIN.
    pub(crate) verification: Option<String>,
    pub(crate) poi: Option<Confirmed>,
    pub(crate) declined: bool,
    pub(crate) problem: Option<Problem>,
}

/// A request that was mailed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Asked {
    pub(crate) hash: Hash,
    pub(crate) por: String,
    pub(crate) document: String,
    pub(crate) at: Millis,
}

/// A confirmation. This very one is `previous` of the next signer and goes into the signed
/// document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Confirmed {
    pub(crate) poi: String,
    pub(crate) document: String,
    pub(crate) at: Millis,
}

/// An answer that is being worked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Answer {
    pub(crate) hash: Hash,
    pub(crate) function: Function,
    #[serde(with = "base64_bytes")]
    pub(crate) bytes: Vec<u8>,
    pub(crate) address: String,
    pub(crate) step: Step,
}

/// The function that an answer is for. The enclave refuses an answer that says something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Function {
    #[serde(rename = "confirmIntent")]
    Confirm,
    #[serde(rename = "decline")]
    Decline,
}

impl Function {
    /// The `jobName`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Confirm => "confirmIntent",
            Self::Decline => "decline",
        }
    }
}

/// An answer that was worked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Worked {
    pub(crate) hash: Hash,
    pub(crate) state: Became,
    pub(crate) code: Option<u16>,
}

/// The fate of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Became {
    PinSent,
    Confirmed,
    Declined,
    Refused,
    Failed,
}

/// Work for an enclave: a job, and the attempts at it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Step {
    /// Its name, once for each piece of work of a task: `sendReq/0/1/0`.
    pub(crate) name: String,
    /// From 1. Another attempt is another job.
    pub(crate) attempt: u32,
    /// When this attempt may be submitted.
    pub(crate) at: Millis,
    /// How many statements it carries.
    pub(crate) statements: usize,
    /// The task's generation when it was made.
    pub(crate) generation: u32,
    /// Whether its job is unknown: the sender decides.
    pub(crate) unknown: bool,
}

impl Step {
    pub(crate) fn new(task: &Task, name: String, now: Millis) -> Self {
        Self {
            name,
            attempt: 1,
            at: now,
            statements: task.statements.len(),
            generation: task.generation,
            unknown: false,
        }
    }

    /// The id of its job. It follows from the task and the step, so whoever submits after a crash
    /// submits the same job.
    pub(crate) fn job(&self, task: &Task) -> JobId {
        let hash = Sha256::new()
            .chain_update(format!(
                "letsesign-host job\n{}\n{}\n{}\n{}\n{}",
                task.sender, task.name, self.generation, self.name, self.attempt
            ))
            .finalize();
        JobId::derived(hash.into())
    }
}

/// Which step of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Place {
    Void,
    Attach,
    Request(usize),
    Remind(usize),
    Answer(usize),
}

impl Signer {
    fn new() -> Self {
        Self {
            round: 1,
            asked: 0,
            request: None,
            por: None,
            remind: None,
            reminders: 0,
            reminded_at: None,
            answer: None,
            answered: VecDeque::new(),
            worked: VecDeque::new(),
            verification: None,
            poi: None,
            declined: false,
            problem: None,
        }
    }

    /// Forgets the request: the signer is asked anew.
    pub(crate) fn ask_anew(&mut self, round: u32) {
        let asked = self.asked + 1;
        *self = Self::new();
        self.round = round;
        self.asked = asked;
    }
}

impl Task {
    /// So many signers who were not asked yet.
    pub(crate) fn signers(count: u16) -> Vec<Signer> {
        (0..count).map(|_| Signer::new()).collect()
    }

    /// Where its document is.
    pub(crate) fn document_id(&self) -> JobId {
        self.stored("document")
    }

    /// Where its configuration box is.
    pub(crate) fn configuration_id(&self) -> JobId {
        self.stored("configuration")
    }

    fn stored(&self, what: &str) -> JobId {
        let hash = Sha256::new()
            .chain_update(format!(
                "letsesign-host {what}\n{}\n{}\n{}",
                self.sender, self.name, self.document_hash
            ))
            .finalize();
        JobId::derived(hash.into())
    }

    pub(crate) fn step(&self, place: Place) -> Option<&Step> {
        match place {
            Place::Void => self.void.as_ref(),
            Place::Attach => self.attach.as_ref(),
            Place::Request(signer) => self.signers.get(signer)?.request.as_ref(),
            Place::Remind(signer) => self.signers.get(signer)?.remind.as_ref(),
            Place::Answer(signer) => Some(&self.signers.get(signer)?.answer.as_ref()?.step),
        }
    }

    pub(crate) fn step_mut(&mut self, place: Place) -> Option<&mut Step> {
        match place {
            Place::Void => self.void.as_mut(),
            Place::Attach => self.attach.as_mut(),
            Place::Request(signer) => self.signers.get_mut(signer)?.request.as_mut(),
            Place::Remind(signer) => self.signers.get_mut(signer)?.remind.as_mut(),
            Place::Answer(signer) => Some(&mut self.signers.get_mut(signer)?.answer.as_mut()?.step),
        }
    }

    /// All steps that wait for their job.
    pub(crate) fn steps(&self) -> Vec<Place> {
        let mut places = vec![Place::Void, Place::Attach];
        for signer in 0..self.signers.len() {
            places.extend([
                Place::Request(signer),
                Place::Remind(signer),
                Place::Answer(signer),
            ]);
        }
        places.retain(|place| self.step(*place).is_some());
        places
    }

    /// Whether a statement voids the task.
    pub(crate) fn is_voided(&self) -> bool {
        self.statements
            .iter()
            .any(|sent| matches!(Statement::parse(&sent.text), Ok(Statement::Void { .. })))
    }
}
