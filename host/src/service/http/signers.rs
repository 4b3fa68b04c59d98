//! Routes of signers. A request is named by the hash of its PoR, which only the enclave, this host
//! and the owner of the link know; what counts is the answer, which the enclave checks.

use super::super::Service;
use super::super::engine::task::{Answer, Function, Step, Task, base64_bytes};
use super::super::engine::view::RequestState;
use super::super::engine::{ChangeError, Request, request_key};
use super::super::now;
use super::super::records::Kind;
use super::error::{ApiError, ProblemDetails};
use super::extract::{Anybody, Json};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use letsesign_proof::Hash;
use letsesign_protocol2::ANSWER_BYTES_MAX;
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};
use utoipa::{IntoParams, ToSchema};

/// The longest wait for an answer.
const WAIT: u64 = 25;

async fn find(service: &Service, por: &str) -> Result<(Hash, Request, Task), ApiError> {
    let hash = Hash::parse(por).map_err(|_| ApiError::not_found())?;
    let records = service.engine.records();
    let record = records.get(Kind::Request, &request_key(hash)).await?;
    let record = record.ok_or_else(ApiError::not_found)?;
    let request: Request =
        serde_json::from_slice(&record.body).map_err(|_| ApiError::unavailable())?;
    let task = service.engine.task(&request.task).await?;
    Ok((hash, request, task.ok_or_else(ApiError::not_found)?))
}

/// A request as its signer's page sees it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Seen {
    /// The task's name.
    task: String,
    /// From 0.
    signer: usize,
    /// From 1.
    round: u32,
    /// Its state.
    state: RequestState,
    /// Whether a PIN was sent.
    pin_sent: bool,
}

/// The state of a request.
#[utoipa::path(
    get, path = "/api/v2/requests/{por}", tag = "signers",
    params(("por" = String, Path, description = "SHA-256 of the PoR, in hex")),
    responses(
        (status = 200, description = "The request", body = Seen),
        (status = "4XX", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn get(
    State(service): State<Service>,
    Anybody(_): Anybody,
    Path(por): Path<String>,
) -> Result<axum::Json<Seen>, ApiError> {
    let (hash, request, task) = find(&service, &por).await?;
    let state = task.request_state(request.signer, hash, now());
    let one = task.signers.get(request.signer);
    Ok(axum::Json(Seen {
        signer: request.signer,
        round: request.round,
        state,
        pin_sent: state == RequestState::Open && one.is_some_and(|one| one.verification.is_some()),
        task: task.name,
    }))
}

/// An answer.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Given {
    /// The function that it is for.
    #[schema(value_type = String, pattern = "^(confirmIntent|decline)$")]
    function: Function,
    /// The sealed answer, at most 16,384 bytes.
    #[serde(with = "base64_bytes")]
    #[schema(value_type = String, format = Byte)]
    answer: Vec<u8>,
}

/// An answer that was taken.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AnswerTaken {
    /// Its SHA-256.
    answer: String,
}

/// Gives an answer to a request.
#[utoipa::path(
    post, path = "/api/v2/requests/{por}/answers", tag = "signers", request_body = Given,
    params(("por" = String, Path, description = "SHA-256 of the PoR, in hex")),
    responses(
        (status = 202, description = "On its way to the enclave", body = AnswerTaken),
        (status = "4XX", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn answer(
    State(service): State<Service>,
    Anybody(address): Anybody,
    Path(por): Path<String>,
    Json(given): Json<Given>,
) -> Result<(StatusCode, axum::Json<AnswerTaken>), ApiError> {
    let (request_hash, request, task) = find(&service, &por).await?;
    if given.answer.is_empty() || given.answer.len() > ANSWER_BYTES_MAX {
        return Err(ApiError::invalid("answer: must have 1 to 16,384 bytes"));
    }
    let hash = Hash::of(&given.answer);
    let taken = axum::Json(AnswerTaken {
        answer: hash.to_string(),
    });
    if task.answer_state(request.signer, hash).is_some() {
        // The same answer again: its first one counts.
        return Ok((StatusCode::ACCEPTED, taken));
    }
    match task.request_state(request.signer, request_hash, now()) {
        RequestState::Open | RequestState::Answering => {}
        state => {
            return Err(ApiError::conflict(format!(
                "the request is {}",
                word(state)
            )));
        }
    }
    let changed = service.engine.change(&request.task, |task, now, _| {
        let is_current = task
            .signers
            .get(request.signer)
            .and_then(|one| one.current())
            .is_some_and(|asked| asked.hash == request_hash);
        if !is_current {
            return Err(super::super::engine::advance::Refused::NotOpen.into());
        }
        let answer = Answer {
            hash,
            function: given.function,
            bytes: given.answer.clone(),
            address: address.to_string(),
            step: Step::new(task, String::new(), now),
        };
        task.answer(request.signer, answer, now)
            .map_err(ChangeError::from)
    });
    changed.await?;
    Ok((StatusCode::ACCEPTED, taken))
}

fn word(state: RequestState) -> &'static str {
    match state {
        RequestState::Open => "open",
        RequestState::Answering => "being answered",
        RequestState::Confirmed => "confirmed",
        RequestState::Declined => "declined",
        RequestState::Superseded => "superseded by a newer one",
        RequestState::Void => "void",
        RequestState::Expired => "expired",
        RequestState::Ended => "ended",
    }
}

/// How long to wait.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct Waiting {
    /// Seconds, 0 to 25.
    wait: Option<u64>,
}

/// The state of an answer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AnswerState {
    /// `working`, `pinSent`, `confirmed`, `declined`, `refused` or `failed`.
    state: &'static str,
    /// The code of the job protocol, of one that was refused or failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<u16>,
}

/// The fate of an answer; waits for it.
#[utoipa::path(
    get, path = "/api/v2/requests/{por}/answers/{answer}", tag = "signers",
    params(
        ("por" = String, Path, description = "SHA-256 of the PoR, in hex"),
        ("answer" = String, Path, description = "SHA-256 of the answer, in hex"),
        Waiting,
    ),
    responses(
        (status = 200, description = "Its state", body = AnswerState),
        (status = "4XX", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn answer_state(
    State(service): State<Service>,
    Anybody(_): Anybody,
    Path((por, answer)): Path<(String, String)>,
    waiting: Result<Query<Waiting>, axum::extract::rejection::QueryRejection>,
) -> Result<axum::Json<AnswerState>, ApiError> {
    let Query(waiting) = waiting.map_err(|_| ApiError::invalid("the query has `wait` alone"))?;
    let wait = waiting.wait.unwrap_or(0);
    if wait > WAIT {
        return Err(ApiError::invalid("wait: must be 0 to 25"));
    }
    let hash = Hash::parse(&answer).map_err(|_| ApiError::not_found())?;
    let end = Instant::now() + Duration::from_secs(wait);
    let mut changes = service.engine.changes();
    loop {
        changes.mark_unchanged();
        let (_, request, task) = find(&service, &por).await?;
        let found = task.answer_state(request.signer, hash);
        let (state, code) = found.ok_or_else(ApiError::not_found)?;
        let left = end.saturating_duration_since(Instant::now());
        if state != "working" || left.is_zero() {
            return Ok(axum::Json(AnswerState { state, code }));
        }
        // Another host may have changed it: at the latest, look again after a second.
        service
            .engine
            .changed(&mut changes, left.min(Duration::from_secs(1)))
            .await;
    }
}
