//! The claims of the service about a task, in the form of docs/service-api.md and nothing else.
//! Here they are bounded; [`Sender::standing`](crate::Sender::standing) compares them with the
//! proofs.

use crate::record::Record;
use anyhow::{Context, Result, bail, ensure};
use letsesign_protocol2::Statements;
use serde_json::{Value, json};

/// The longest text for people that is taken from the service, in characters.
const TEXT_MAX: usize = 500;
/// The longest list of decisions.
const DECISIONS_MAX: usize = 1000;
/// The longest history.
const EVENTS_MAX: usize = 10_000;
/// The longest word of an event, in characters.
const WORD_MAX: usize = 40;

const TASK_STATES: [&str; 7] = [
    "waitingForDocument",
    "running",
    "completed",
    "declined",
    "void",
    "expired",
    "failed",
];
const SIGNER_STATES: [&str; 7] = [
    "waiting",
    "sending",
    "asked",
    "answering",
    "confirmed",
    "declined",
    "failed",
];

/// The claims about a task.
pub(crate) struct Claims {
    pub(crate) state: &'static str,
    pub(crate) signers: Vec<SignerClaims>,
    pub(crate) problem: Option<String>,
    /// The reason of a decline, sealed, in base64.
    pub(crate) reason: Option<String>,
    pub(crate) decisions: Vec<Value>,
}

/// The claims about a signer.
pub(crate) struct SignerClaims {
    pub(crate) state: &'static str,
    pub(crate) round: u32,
    pub(crate) asked_at: Option<u64>,
    pub(crate) problem: Option<String>,
}

/// A member that is a text, if it is there.
fn text<'a>(value: &'a Value, name: &str) -> Result<Option<&'a str>> {
    match value.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => bail!("the service gives a {name} that is not a text"),
    }
}

/// The way out of a problem: a text for people, shortened.
fn problem(value: &Value) -> Result<Option<String>> {
    let Some(problem) = value.get("problem") else {
        return Ok(None);
    };
    let detail = text(problem, "detail")?.unwrap_or("without a reason");
    Ok(Some(detail.chars().take(TEXT_MAX).collect()))
}

/// One of the words of docs/service-api.md. Any other text could say "completed" in words that are
/// compared with no proof.
fn state(value: &Value, words: &[&'static str]) -> Result<&'static str> {
    let given = text(value, "state")?.context("the service gives no state")?;
    let known = words.iter().find(|word| **word == given);
    known.copied().with_context(|| {
        let start: String = given.chars().take(40).collect();
        format!("the service gives the unknown state {start:?}")
    })
}

fn decision(value: &Value) -> Result<Value> {
    let job = text(value, "job")?.unwrap_or_default();
    // People copy it to a command line.
    let is_id = job.len() == 32 && job.bytes().all(|byte| byte.is_ascii_hexdigit());
    ensure!(is_id, "the service gives a job without the form of one");
    let function = text(value, "function")?.unwrap_or("unknown");
    let is_name = function.len() <= 40 && function.bytes().all(|byte| byte.is_ascii_alphanumeric());
    ensure!(is_name, "the service gives a job of an unknown function");
    let mut decision = json!({"job": job, "function": function});
    if let (Some(signer), Some(members)) = (
        value.get("signer").and_then(Value::as_u64),
        decision.as_object_mut(),
    ) {
        members.insert("signer".into(), signer.into());
    }
    Ok(decision)
}

/// Reads the events of a task: at most 10 000 objects with `at`, `event`, and where known `signer`
/// and `detail`, which is shortened.
///
/// # Errors
/// When they are not in the form of docs/service-api.md.
pub(crate) fn events(answer: &Value) -> Result<Vec<Value>> {
    let events = answer.get("events").and_then(Value::as_array);
    let events = events.context("the service gives no events")?;
    ensure!(
        events.len() <= EVENTS_MAX,
        "the service gives too many events"
    );
    events.iter().map(event).collect()
}

fn event(value: &Value) -> Result<Value> {
    let at = value.get("at").and_then(Value::as_u64);
    let at = at.context("the service gives an event without a time")?;
    let word = text(value, "event")?.context("the service gives an event without a word")?;
    let word: String = word.chars().take(WORD_MAX).collect();
    let mut event = json!({"at": at, "event": word});
    if let Some(members) = event.as_object_mut() {
        if let Some(signer) = value.get("signer").and_then(Value::as_u64) {
            members.insert("signer".into(), signer.into());
        }
        if let Some(detail) = text(value, "detail")? {
            let detail: String = detail.chars().take(TEXT_MAX).collect();
            members.insert("detail".into(), detail.into());
        }
    }
    Ok(event)
}

impl Claims {
    /// Reads a SUMMARY about a task.
    ///
    /// # Errors
    /// When it is about another task, or not in the form.
    pub(crate) fn read(summary: &Value, record: &Record, stated: &Statements) -> Result<Self> {
        for (name, own) in [
            ("task", record.task.clone()),
            ("binding", record.binding.to_string()),
        ] {
            ensure!(
                text(summary, name)?.is_none_or(|given| given == own),
                "the service names the {name} of another task"
            );
        }
        let listed = summary.get("signers").and_then(Value::as_array);
        let listed = listed.context("the service gives no signers")?;
        let count = record.configuration.signers.len();
        ensure!(
            listed.len() == count,
            "the service gives {} signers; the task has {count}",
            listed.len()
        );
        let signers = listed.iter().zip(&record.configuration.signers).zip(0..);
        let signers = signers.map(|((given, sent), number)| {
            let read = SignerClaims::read(given, stated.round(number));
            read.with_context(|| sent.email.clone())
        });
        let decisions = match summary.get("needsDecision") {
            None => &Vec::new(),
            Some(Value::Array(list)) if list.len() <= DECISIONS_MAX => list,
            Some(_) => bail!("the service gives a needsDecision that is not a list of jobs"),
        };
        Ok(Self {
            state: state(summary, &TASK_STATES)?,
            signers: signers.collect::<Result<_>>()?,
            problem: problem(summary)?,
            reason: text(summary, "encryptedReason")?.map(str::to_owned),
            decisions: decisions.iter().map(decision).collect::<Result<_>>()?,
        })
    }
}

impl SignerClaims {
    /// `stated` is the highest round that the sender has asked for.
    fn read(given: &Value, stated: u32) -> Result<Self> {
        let round = given.get("round").and_then(Value::as_u64);
        let round = round.and_then(|round| u32::try_from(round).ok());
        let round = round.context("the service gives no round")?;
        ensure!(
            (1..=stated).contains(&round),
            "the service speaks of round {round}, and you have asked for {stated} only"
        );
        Ok(Self {
            state: state(given, &SIGNER_STATES)?,
            round,
            asked_at: given.get("askedAt").and_then(Value::as_u64),
            problem: problem(given)?,
        })
    }
}
