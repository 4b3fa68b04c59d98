//! Routes of tasks.

use super::super::Service;
use super::super::engine::task::{Reminders, Task, base64_bytes};
use super::super::engine::{self, ChangeError};
use super::super::records::{Change, Event, Filter, Kind};
use super::super::{now, webhooks};
use super::error::{ApiError, ProblemDetails};
use super::extract::{Authorized, Json, READ, SEND};
use crate::queue::{Decision, JobId, SubmitError, are_accepted};
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use futures_util::{StreamExt as _, TryStreamExt as _};
use letsesign_proof::Hash;
use letsesign_protocol2::{CONFIGURATION_BYTES_MAX, SentHeader, Statement, binding};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::io;
use utoipa::{IntoParams, ToSchema};

/// The longest document box: a job carries it in base64, beside a configuration, in 50 MiB.
pub(crate) const DOCUMENT: u64 = 36 << 20;
/// The longest wrapped key (docs/protocol-2.md, "Limits").
const WRAPPED: usize = 1024;
/// A job that carries document and configuration in base64 must not be longer than jobs can be.
const TOGETHER: u64 = 37 << 20;
/// The longest result that is stored.
const RESULT: usize = 100 << 20;

/// A task that is submitted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Submitted {
    /// The header's exact bytes.
    #[serde(with = "base64_bytes")]
    #[schema(value_type = String, format = Byte)]
    header: Vec<u8>,
    /// The task's data key, wrapped by KMS; at most 1024 bytes.
    #[serde(with = "base64_bytes")]
    #[schema(value_type = String, format = Byte)]
    wrapped_key: Vec<u8>,
    /// The configuration box; at most 4 MiB.
    #[serde(with = "base64_bytes")]
    #[schema(value_type = String, format = Byte)]
    configuration: Vec<u8>,
    /// SHA-256 of the document box.
    #[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
    document_hash: Hash,
    /// PCR0s of the releases that may work the task; absent: those of the key's policy decide.
    #[serde(default)]
    accepts: Vec<String>,
    /// Reminders on a schedule.
    #[serde(default)]
    reminders: Option<Reminders>,
}

/// A task that was taken.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Taken {
    /// Its name.
    task: String,
    /// Its binding.
    binding: String,
    /// Where the document box is put.
    #[serde(rename = "documentURL")]
    document_url: String,
}

fn task_of(sender: &str, submitted: &Submitted) -> Result<Task, ApiError> {
    let header = SentHeader::parse(submitted.header.clone())
        .map_err(|error| ApiError::invalid(format!("header: {error}")))?;
    if submitted.wrapped_key.is_empty() || submitted.wrapped_key.len() > WRAPPED {
        return Err(ApiError::invalid("wrappedKey: must have 1 to 1024 bytes"));
    }
    let most = CONFIGURATION_BYTES_MAX + letsesign_protocol2::BOX_OVERHEAD;
    if submitted.configuration.is_empty() || submitted.configuration.len() > most {
        return Err(ApiError::invalid(
            "configuration: must have 1 byte to 4 MiB",
        ));
    }
    if !are_accepted(&submitted.accepts) {
        return Err(ApiError::invalid(
            "accepts: must be at most 64 PCR0s of 96 lower-case hexadecimal digits",
        ));
    }
    if let Some(reminders) = submitted.reminders
        && !((24..=8760).contains(&reminders.after_hours) && (1..=30).contains(&reminders.times))
    {
        return Err(ApiError::invalid(
            "reminders: afterHours must be 24 to 8760, times 1 to 30",
        ));
    }
    let expiry = i64::try_from(header.header().expiry).unwrap_or(i64::MAX);
    if expiry <= now() {
        return Err(ApiError::invalid("header: the expiry is over"));
    }
    Ok(Task {
        sender: sender.to_owned(),
        name: header.header().task.to_string(),
        binding: binding(&header, &submitted.configuration, submitted.document_hash),
        in_order: header.header().in_order,
        expiry,
        signers: Task::signers(header.header().signers),
        header: submitted.header.clone(),
        wrapped_key: submitted.wrapped_key.clone(),
        configuration_hash: Hash::of(&submitted.configuration),
        document_hash: submitted.document_hash,
        accepts: submitted.accepts.clone(),
        reminders: submitted.reminders,
        created: now(),
        document: false,
        statements: Vec::new(),
        generation: 0,
        void: None,
        attach: None,
        problem: None,
        outcome: None,
        ended_at: None,
        cleared: false,
        proofs: Vec::new(),
        encrypted_reason: None,
        result: None,
    })
}

impl Task {
    /// Whether both are of the same submission.
    fn is_same(&self, other: &Self) -> bool {
        (
            &self.header,
            &self.wrapped_key,
            self.binding,
            &self.accepts,
            self.reminders,
        ) == (
            &other.header,
            &other.wrapped_key,
            other.binding,
            &other.accepts,
            other.reminders,
        )
    }
}

/// Submits a task. Its name, which is in the header, makes it idempotent.
#[utoipa::path(
    post, path = "/api/v2/tasks", tag = "tasks", request_body = Submitted,
    security(("apiKey" = ["send"])),
    responses(
        (status = 201, description = "Taken; the document comes next", body = Taken),
        (status = 200, description = "It was taken before", body = Taken),
        (status = "4XX", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn submit(
    State(service): State<Service>,
    Authorized(caller): Authorized<{ SEND }>,
    Json(submitted): Json<Submitted, { 6 << 20 }>,
) -> Result<Response, ApiError> {
    let sender = caller.sender.as_str();
    let task = task_of(sender, &submitted)?;
    let account = service.engine.records().get(Kind::Account, sender).await?;
    let account = account.and_then(|record| super::super::accounts::Account::read(&record));
    if account.is_none_or(|account| account.sealed.is_empty()) {
        return Err(ApiError::conflict(
            "the account has no box yet: PUT /api/v2/account first",
        ));
    }
    let id = engine::key(sender, &task.name);
    let taken = Taken {
        task: task.name.clone(),
        binding: task.binding.to_string(),
        document_url: format!(
            "{}/api/v2/tasks/{}/document",
            service.settings.config.public_url, task.name
        ),
    };
    let is_same = async || {
        let stored = service.engine.task(&id).await?;
        Ok::<_, ApiError>(stored.map(|stored| stored.is_same(&task)))
    };
    match is_same().await? {
        Some(true) => return Ok(axum::Json(taken).into_response()),
        Some(false) => return Err(another()),
        None => {}
    }
    // The box first: a row without it could not go on.
    let bytes = submitted.configuration.into();
    let stream = futures_util::stream::iter([Ok::<_, io::Error>(bytes)]);
    let (queue, place) = (service.engine.queue(), task.configuration_id());
    let stored = queue.store_document(&place, u64::MAX, task.configuration_hash.0, stream);
    stored.await.map_err(storing)?;
    let record = service.engine.new_record(&task)?;
    let events = vec![Event {
        key: "submitted".into(),
        at: task.created,
        word: "submitted".into(),
        signer: None,
        detail: String::new(),
    }];
    let add = webhooks::deliveries(service.engine.records(), &task, &events, now()).await?;
    let change = Change {
        insert: Some(&record),
        add,
        events: events.into_iter().map(|event| (&*id, event)).collect(),
        ..Change::default()
    };
    if service.engine.records().write(change).await? {
        return Ok((StatusCode::CREATED, axum::Json(taken)).into_response());
    }
    match is_same().await? {
        Some(true) => Ok(axum::Json(taken).into_response()),
        _ => Err(another()),
    }
}

fn another() -> ApiError {
    ApiError::conflict("another task has this name: make a new one for each task")
}

fn storing(error: SubmitError) -> ApiError {
    match error {
        SubmitError::TooLarge(most) => ApiError::too_large(most),
        SubmitError::Payload(text) => ApiError::invalid(format!("the document box: {text}")),
        SubmitError::Upload(_) => ApiError::invalid("the upload ended early"),
        error => {
            tracing::warn!(%error, "a document cannot be stored");
            ApiError::unavailable()
        }
    }
}

/// Puts the document box. Then the requests go out.
#[utoipa::path(
    put, path = "/api/v2/tasks/{task}/document", tag = "tasks",
    params(("task" = String, Path, description = "The task's name")),
    request_body(content_type = "application/octet-stream", description = "The box"),
    security(("apiKey" = ["send"])),
    responses(
        (status = 204, description = "Stored"),
        (status = "4XX", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn put_document(
    State(service): State<Service>,
    Authorized(caller): Authorized<{ SEND }>,
    Path(name): Path<String>,
    body: Body,
) -> Result<StatusCode, ApiError> {
    let sender = caller.sender.as_str();
    let (id, task) = find(&service, sender, &name).await?;
    if task.document {
        return Ok(StatusCode::NO_CONTENT);
    }
    if task.outcome.is_some() {
        return Err(ApiError::conflict("the task has ended"));
    }
    let queue = service.engine.queue();
    let configuration = queue.document(&task.configuration_id()).await?;
    let configuration = configuration.map_or(0, |(length, _)| length);
    let most = DOCUMENT.min(TOGETHER.saturating_sub(configuration));
    let stream = body.into_data_stream().map_err(io::Error::other);
    let place = task.document_id();
    let stored = queue.store_document(&place, most, task.document_hash.0, stream);
    stored.await.map_err(storing)?;
    let changed = service.engine.change(&id, |task, now, events| {
        if !task.document && task.outcome.is_none() {
            task.document = true;
            events.push(engine::advance::event(
                "document".into(),
                now,
                "document",
                None,
            ));
        }
        Ok(())
    });
    changed.await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn find(service: &Service, sender: &str, name: &str) -> Result<(String, Task), ApiError> {
    let id = engine::key(sender, name);
    let task = service.engine.task(&id).await?;
    let task = task.filter(|task| task.sender == sender);
    Ok((id, task.ok_or_else(ApiError::not_found)?))
}

/// Which tasks to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct Listing {
    /// Only in this state.
    state: Option<String>,
    /// `next` of the page before.
    after: Option<String>,
    /// 1 to 100; 50 by default.
    limit: Option<u32>,
}

/// Lists the sender's tasks, the newest first.
#[utoipa::path(
    get, path = "/api/v2/tasks", tag = "tasks", params(Listing),
    security(("apiKey" = ["read"])),
    responses(
        (status = 200, description = "`tasks`, and `next` if there are more", body = Value),
        (status = "4XX", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn list(
    State(service): State<Service>,
    Authorized(caller): Authorized<{ READ }>,
    listing: Result<Query<Listing>, axum::extract::rejection::QueryRejection>,
) -> Result<axum::Json<Value>, ApiError> {
    let sender = caller.sender.as_str();
    let Query(listing) = listing
        .map_err(|_| ApiError::invalid("the query has `state`, `after` and `limit` alone"))?;
    let limit = listing.limit.unwrap_or(50);
    if !(1..=100).contains(&limit) {
        return Err(ApiError::invalid("limit: must be 1 to 100"));
    }
    let after = match &listing.after {
        None => None,
        Some(text) => {
            let cursor = text.split_once('.');
            let cursor = cursor.and_then(|(at, id)| Some((at.parse().ok()?, id.to_owned())));
            let problem = || ApiError::invalid("after: must be `next` of the page before");
            Some(cursor.ok_or_else(problem)?)
        }
    };
    let filter = Filter {
        kind: Kind::Task,
        owner: sender.to_owned(),
        state: listing.state,
        after,
        limit,
    };
    let records = service.engine.records().list(filter).await?;
    let is_full = records.len() == usize::try_from(limit).unwrap_or(usize::MAX);
    let next = records.last().filter(|_| is_full);
    let next = next.map(|last| format!("{}.{}", last.created, last.id));
    let tasks: Vec<Value> = records
        .iter()
        .filter_map(|record| serde_json::from_slice::<Task>(&record.body).ok())
        .map(|task| task.summary())
        .collect();
    let mut answer = json!({ "tasks": tasks });
    if let (Some(next), Some(members)) = (next, answer.as_object_mut()) {
        members.insert("next".into(), next.into());
    }
    Ok(axum::Json(answer))
}

/// One task.
#[utoipa::path(
    get, path = "/api/v2/tasks/{task}", tag = "tasks",
    params(("task" = String, Path, description = "The task's name")),
    security(("apiKey" = ["read"])),
    responses(
        (status = 200, description = "Its summary and statements", body = Value),
        (status = "4XX", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn get(
    State(service): State<Service>,
    Authorized(caller): Authorized<{ READ }>,
    Path(name): Path<String>,
) -> Result<axum::Json<Value>, ApiError> {
    let (_, task) = find(&service, caller.sender.as_str(), &name).await?;
    let mut summary = task.summary();
    let statements: Vec<Value> = task
        .statements
        .iter()
        .map(|sent| {
            json!({
                "statement": BASE64_STANDARD.encode(&sent.text),
                "mac": BASE64_STANDARD.encode(&sent.mac),
            })
        })
        .collect();
    if let Some(members) = summary.as_object_mut() {
        members.insert("statements".into(), statements.into());
        if let Some(reason) = task.encrypted_reason {
            members.insert("encryptedReason".into(), reason.into());
        }
    }
    Ok(axum::Json(summary))
}

/// The history of a task.
#[utoipa::path(
    get, path = "/api/v2/tasks/{task}/history", tag = "tasks",
    params(("task" = String, Path, description = "The task's name")),
    security(("apiKey" = ["read"])),
    responses(
        (status = 200, description = "`events`, in order", body = Value),
        (status = "4XX", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn history(
    State(service): State<Service>,
    Authorized(caller): Authorized<{ READ }>,
    Path(name): Path<String>,
) -> Result<axum::Json<Value>, ApiError> {
    let (id, _) = find(&service, caller.sender.as_str(), &name).await?;
    let events = service.engine.records().events(&id).await?;
    let events: Vec<Value> = events
        .iter()
        .map(|event| {
            let mut one = json!({"at": event.at, "event": event.word});
            if let Some(members) = one.as_object_mut() {
                if let Some(signer) = event.signer {
                    members.insert("signer".into(), signer.into());
                }
                if !event.detail.is_empty() {
                    members.insert("detail".into(), event.detail.clone().into());
                }
            }
            one
        })
        .collect();
    Ok(axum::Json(json!({ "events": events })))
}

/// Everything that was attested, in the order in which it was made.
#[utoipa::path(
    get, path = "/api/v2/tasks/{task}/proofs", tag = "tasks",
    params(("task" = String, Path, description = "The task's name")),
    security(("apiKey" = ["read"])),
    responses(
        (status = 200, description = "`proofs`", body = Value),
        (status = "4XX", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn proofs(
    State(service): State<Service>,
    Authorized(caller): Authorized<{ READ }>,
    Path(name): Path<String>,
) -> Result<axum::Json<Value>, ApiError> {
    let (_, task) = find(&service, caller.sender.as_str(), &name).await?;
    let proofs: Vec<Value> = task
        .proofs
        .iter()
        .map(|one| {
            let mut value = json!({
                "kind": one.kind,
                "proof": one.text,
                "document": one.document,
            });
            if let (Some(signer), Some(round), Some(members)) =
                (one.signer, one.round, value.as_object_mut())
            {
                members.insert("signer".into(), signer.into());
                members.insert("round".into(), round.into());
            }
            value
        })
        .collect();
    Ok(axum::Json(json!({ "proofs": proofs })))
}

/// The `result` box of a completed task.
#[utoipa::path(
    get, path = "/api/v2/tasks/{task}/result", tag = "tasks",
    params(("task" = String, Path, description = "The task's name")),
    security(("apiKey" = ["read"])),
    responses(
        (status = 200, description = "The box", content_type = "application/octet-stream"),
        (status = "4XX", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn result(
    State(service): State<Service>,
    Authorized(caller): Authorized<{ READ }>,
    Path(name): Path<String>,
) -> Result<Response, ApiError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Stored {
        job_result: Inner,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Inner {
        encrypted_result: String,
    }
    let (_, task) = find(&service, caller.sender.as_str(), &name).await?;
    let Some(job) = task.result.as_deref().and_then(JobId::parse) else {
        let state = task.state_of().word();
        return Err(ApiError::conflict(format!(
            "the task is {state}, not completed"
        )));
    };
    let Some(mut stream) = service.engine.queue().result(&job).await? else {
        return Err(ApiError::conflict(
            "the result was removed after its retention",
        ));
    };
    let mut text = Vec::new();
    while let Some(piece) = stream.next().await {
        text.extend_from_slice(&piece?);
        if text.len() > RESULT {
            return Err(ApiError::unavailable());
        }
    }
    // The enclave made it; a host that altered it is found out by the sender.
    let stored = serde_json::from_slice::<Stored>(&text).map_err(|_| ApiError::unavailable())?;
    drop(text);
    let sealed = BASE64_STANDARD
        .decode(stored.job_result.encrypted_result)
        .map_err(|_| ApiError::unavailable())?;
    Ok(([(CONTENT_TYPE, "application/octet-stream")], sealed).into_response())
}

/// Which signer.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OfSigner {
    /// From 0.
    signer: u16,
}

/// Mails a signer's link once more.
#[utoipa::path(
    post, path = "/api/v2/tasks/{task}/remind", tag = "tasks", request_body = OfSigner,
    params(("task" = String, Path, description = "The task's name")),
    security(("apiKey" = ["send"])),
    responses(
        (status = 202, description = "On its way"),
        (status = "4XX", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn remind(
    State(service): State<Service>,
    Authorized(caller): Authorized<{ SEND }>,
    Path(name): Path<String>,
    Json(of): Json<OfSigner>,
) -> Result<StatusCode, ApiError> {
    let (id, _) = find(&service, caller.sender.as_str(), &name).await?;
    let changed = service.engine.change(&id, |task, now, events| {
        task.remind(usize::from(of.signer), now, events)
            .map_err(ChangeError::from)
    });
    changed.await?;
    Ok(StatusCode::ACCEPTED)
}

/// A statement.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Stated {
    /// Its JSON, at most 8192 bytes.
    #[serde(with = "base64_bytes")]
    #[schema(value_type = String, format = Byte)]
    statement: Vec<u8>,
    /// Its code of 32 bytes.
    #[serde(with = "base64_bytes")]
    #[schema(value_type = String, format = Byte)]
    mac: Vec<u8>,
}

/// Takes a statement of the sender: the task is void, or a signer is asked anew.
#[utoipa::path(
    post, path = "/api/v2/tasks/{task}/statements", tag = "tasks", request_body = Stated,
    params(("task" = String, Path, description = "The task's name")),
    security(("apiKey" = ["send"])),
    responses(
        (status = 202, description = "Taken; the enclave checks its code"),
        (status = "4XX", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn state(
    State(service): State<Service>,
    Authorized(caller): Authorized<{ SEND }>,
    Path(name): Path<String>,
    Json(stated): Json<Stated>,
) -> Result<StatusCode, ApiError> {
    let (id, task) = find(&service, caller.sender.as_str(), &name).await?;
    if stated.mac.len() != 32 {
        return Err(ApiError::invalid("mac: must have 32 bytes"));
    }
    let statement = Statement::parse(&stated.statement)
        .map_err(|error| ApiError::invalid(format!("statement: {error}")))?;
    if let Statement::NewRound { signer, round, .. } = &statement {
        let Some(one) = task.signers.get(usize::from(*signer)) else {
            return Err(ApiError::invalid("statement: there is no such signer"));
        };
        let is_known = task
            .statements
            .iter()
            .any(|sent| sent.text == stated.statement);
        if !is_known && *round <= one.round {
            let detail = format!("the signer is in round {} already", one.round);
            return Err(ApiError::conflict(detail));
        }
    }
    let changed = service.engine.change(&id, |task, now, events| {
        let (text, mac) = (stated.statement.clone(), stated.mac.clone());
        task.state(text, mac, &statement, now, events)
            .map_err(ChangeError::from)
    });
    changed.await?;
    Ok(StatusCode::ACCEPTED)
}

/// A sender's decision.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Decided {
    /// The job, of `needsDecision`.
    job: String,
    /// Its fate.
    action: Action,
}

/// The fate that the sender decides on.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Action {
    /// It is worked again, and may mail twice.
    Retry,
    /// It is given up.
    Fail,
}

/// Decides about a job whose fate is unknown.
#[utoipa::path(
    post, path = "/api/v2/tasks/{task}/retry", tag = "tasks", request_body = Decided,
    params(("task" = String, Path, description = "The task's name")),
    security(("apiKey" = ["send"])),
    responses(
        (status = 202, description = "Taken"),
        (status = "4XX", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn decide(
    State(service): State<Service>,
    Authorized(caller): Authorized<{ SEND }>,
    Path(name): Path<String>,
    Json(decided): Json<Decided>,
) -> Result<StatusCode, ApiError> {
    let (id, task) = find(&service, caller.sender.as_str(), &name).await?;
    let job = JobId::parse(&decided.job).ok_or_else(ApiError::not_found)?;
    // Only a job that this task waits for: others are not this sender's to decide.
    let place = engine::advance::place_of(&task, &job).ok_or_else(ApiError::not_found)?;
    if task.step(place).is_none_or(|step| !step.unknown) {
        return Err(ApiError::conflict("the job's fate is not unknown"));
    }
    let decision = match decided.action {
        Action::Retry => Decision::Retry,
        Action::Fail => Decision::Fail,
    };
    let who = format!("key {}", caller.key.id);
    let done = service.engine.queue().decide(&job, decision, &who).await;
    done.map_err(|error| ApiError::conflict(error.to_string()))?;
    service.engine.look_at(id);
    Ok(StatusCode::ACCEPTED)
}
