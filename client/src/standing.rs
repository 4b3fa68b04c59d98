//! How far a task is: what the service says, and what of it is proven.

use crate::claims::{self, Claims};
use crate::record::Record;
use crate::sender::{Sender, bytes};
use crate::service::ServiceError;
use anyhow::{Context, Result, anyhow, bail, ensure};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use letsesign_proof::protocol2::{Decline, Poi, Por, Request, Void};
use letsesign_proof::{Function, Hash};
use letsesign_protocol2::{Part, Statements};
use serde::Serialize;
use serde_json::Value;

const FORM: &str = "a proof that the service gives is not in its form";

/// How far a task is: what the service says, and what of it is proven.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Standing {
    /// The task's name.
    pub task: String,
    /// The document's name.
    pub file_name: String,
    /// When it was made, in milliseconds since 1970.
    pub created: u64,
    /// The last moment for an answer.
    pub expiry: u64,
    /// Whether the signers sign in their order.
    pub in_order: bool,
    /// The state that the service gives (docs/service-api.md), `notSent`, or `unknown` when the
    /// service does not know the task.
    pub state: String,
    /// The signers.
    pub signers: Vec<StandingSigner>,
    /// The way out of a problem.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// Why somebody declined.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Jobs whose fate is unknown: the sender decides.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub needs_decision: Vec<Value>,
}

impl Standing {
    /// A task as this folder alone knows it.
    pub(crate) fn of_record(record: &Record, state: &str) -> Self {
        let expiry = serde_json::from_str::<Value>(&record.header).unwrap_or_default();
        let in_order = expiry.get("inOrder").and_then(Value::as_bool);
        let signers = record.configuration.signers.iter();
        let signer = |one: &letsesign_protocol2::Signer| StandingSigner {
            name: one.name.clone(),
            email: one.email.clone(),
            state: "waiting".to_owned(),
            round: 1,
            asked_at: None,
            answered_at: None,
            problem: None,
        };
        Self {
            task: record.task.clone(),
            file_name: record.configuration.file_name.clone(),
            created: record.created,
            expiry: expiry.get("expiry").and_then(Value::as_u64).unwrap_or(0),
            in_order: in_order.unwrap_or(false),
            state: state.to_owned(),
            signers: signers.map(|one| signer(one)).collect(),
            problem: None,
            reason: None,
            needs_decision: Vec::new(),
        }
    }
}

/// A signer of a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StandingSigner {
    /// The name.
    pub name: String,
    /// The address.
    pub email: String,
    /// The state that the service gives; `confirmed` and `declined` only with a verified proof.
    pub state: String,
    /// The round.
    pub round: u64,
    /// When the mail went out, as the service says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked_at: Option<u64>,
    /// When the answer was accepted, by the attestation document.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answered_at: Option<u64>,
    /// The way out of a problem.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// The content of a task's proofs.
#[derive(Default)]
struct Proven {
    /// By signer: when a PoI of the current round was attested.
    confirmed: Vec<(u16, u64)>,
    declined: Vec<(u16, u64)>,
    void: bool,
}

impl Sender {
    /// How far a task is.
    ///
    /// # Errors
    /// When the service does not answer, or claims what it cannot prove.
    pub fn standing(&self, record: &Record) -> Result<Standing> {
        let summary = match self.service.get(&Self::path(record)) {
            Ok(summary) => summary,
            Err(ServiceError::Refused { status: 404, .. }) => {
                let state = if record.sent { "unknown" } else { "notSent" };
                return Ok(Standing::of_record(record, state));
            }
            Err(error) => return Err(error.into()),
        };
        self.judge(record, &summary)
    }

    /// Adds what is proven to what the service says.
    fn judge(&self, record: &Record, summary: &Value) -> Result<Standing> {
        let statements = self
            .root(record)?
            .statements(record.binding, &record.sent_statements())?;
        let claims = Claims::read(summary, record, &statements)?;
        let proven = self.proofs(record, &statements)?;
        let mut standing = Standing::of_record(record, claims.state);
        for ((signer, claimed), number) in standing.signers.iter_mut().zip(&claims.signers).zip(0..)
        {
            signer.state = claimed.state.to_owned();
            signer.round = claimed.round.into();
            signer.asked_at = claimed.asked_at;
            signer.problem.clone_from(&claimed.problem);
            let list = match claimed.state {
                "confirmed" => &proven.confirmed,
                "declined" => &proven.declined,
                _ => continue,
            };
            let proof = list.iter().find(|(signer, _)| *signer == number);
            let (_, at) = proof.with_context(|| {
                format!(
                    "the service says that {} has {}, without a proof",
                    signer.email, claimed.state
                )
            })?;
            signer.answered_at = Some(*at);
        }
        let all = (0..record.configuration.signers.len()).all(|number| {
            proven
                .confirmed
                .iter()
                .any(|(one, _)| usize::from(*one) == number)
        });
        let is_proven = match claims.state {
            "completed" => all,
            "declined" => !proven.declined.is_empty(),
            "void" => proven.void,
            _ => true,
        };
        ensure!(
            is_proven,
            "the service says that the task is {}, without the proofs of it",
            claims.state
        );
        standing.problem = claims.problem;
        standing.needs_decision = claims.decisions;
        if let Some(reason) = claims.reason {
            standing.reason = Some(self.reason(record, &reason)?);
        }
        Ok(standing)
    }

    /// The events of a task, as the service has them: objects with `at` (milliseconds since 1970),
    /// `event`, and where known `signer` and `detail`. They prove nothing.
    ///
    /// # Errors
    /// When the service does not answer.
    pub fn history(&self, record: &Record) -> Result<Vec<Value>> {
        match self.service.get(&format!("{}/history", Self::path(record))) {
            Ok(answer) => claims::events(&answer),
            Err(ServiceError::Refused { status: 404, .. }) => Ok(Vec::new()),
            Err(error) => Err(error.into()),
        }
    }

    fn reason(&self, record: &Record, sealed: &str) -> Result<String> {
        let root = self.root(record)?;
        let sealed = BASE64_STANDARD.decode(sealed).context("encryptedReason")?;
        let text = root
            .open_from_enclave(Part::Decline, record.binding, sealed)
            .context("the reason of the decline was not sealed for this task")?;
        let reason: Value = serde_json::from_slice(&text)?;
        let reason = reason.get("reason").and_then(Value::as_str);
        Ok(reason.unwrap_or_default().to_owned())
    }

    /// Verifies all proofs of a task.
    fn proofs(&self, record: &Record, statements: &Statements) -> Result<Proven> {
        let answer = self
            .service
            .get(&format!("{}/proofs", Self::path(record)))?;
        let list = answer.get("proofs").and_then(Value::as_array);
        let mut proven = Proven::default();
        for one in list.context("the service gives no proofs")? {
            let (proof, document) = (bytes(one, "proof")?, bytes(one, "document")?);
            let attested = |function, name, request: Option<Request>| {
                let results = [(name, Hash::of(&proof))];
                if let Some(request) = request {
                    ensure!(
                        request.binding == record.binding,
                        "a proof that the service gives is another task's"
                    );
                }
                self.trust
                    .attested(&document, record.binding, function, &results)
                    .map_err(|text| anyhow!("a proof that the service gives: {text}"))
            };
            let current = |request: Request| request.round == statements.round(request.signer);
            match one.get("kind").and_then(Value::as_str) {
                Some("por") => {
                    let request = Por::parse(&proof).context(FORM)?.request;
                    attested(Function::SendReq, "por", Some(request))?;
                }
                Some("poi") => {
                    let request = Poi::parse(&proof).context(FORM)?.request;
                    let at = attested(Function::ConfirmIntent, "poi", Some(request))?;
                    if current(request) {
                        proven.confirmed.push((request.signer, at));
                    }
                }
                Some("decline") => {
                    let request = Decline::parse(&proof).context(FORM)?.request;
                    let at = attested(Function::Decline, "decline", Some(request))?;
                    if current(request) {
                        proven.declined.push((request.signer, at));
                    }
                }
                Some("void") => {
                    let void = Void::parse(&proof).context(FORM)?;
                    ensure!(
                        void.binding == record.binding,
                        "a proof that the service gives is another task's"
                    );
                    attested(Function::VoidTask, "void", None)?;
                    proven.void = statements.void().is_some();
                }
                _ => bail!("the service gives a proof of an unknown kind"),
            }
        }
        Ok(proven)
    }
}
