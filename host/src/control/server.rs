//! The side of the running host.

use super::jobs::{JobLine, JobReport};
use super::{Decide, Drain, StatusReport, Upgrade};
use crate::backlog::HostQueue;
use crate::queue::{
    DecideError, Decision, Error, Filter, JobId, NewJob, PAYLOAD_MAX, State as JobState,
    SubmitError,
};
use crate::service::Service;
use crate::supervisor::Supervisor;
use axum::Json;
use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use futures_util::TryStreamExt;
use serde::Deserialize;
use serde_json::json;
use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{UnixListener, UnixStream};

/// The greatest age of the self-test of a host that is ready.
pub(crate) const READY: Duration = Duration::from_mins(1);

/// The parts of the host that commands act on.
#[derive(Clone)]
pub struct Control {
    /// The queue.
    pub queue: HostQueue,
    /// The enclaves.
    pub supervisor: Arc<Supervisor<HostQueue>>,
    /// The service API, if there is one.
    pub service: Option<Service>,
}

/// Serves commands on a unix socket until it is dropped.
///
/// # Errors
/// When another host serves the socket, or it cannot be made.
pub async fn serve(path: &std::path::Path, control: Control) -> io::Result<()> {
    let listener = bind(path).await?;
    axum::serve(listener, routes(control)).await
}

/// Binds the socket, in the place of one that nobody serves any more.
async fn bind(path: &std::path::Path) -> io::Result<UnixListener> {
    if let Ok(metadata) = fs::symlink_metadata(path) {
        if !metadata.file_type().is_socket() {
            let text = format!("{} is not a socket; move it away", path.display());
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, text));
        }
        if UnixStream::connect(path).await.is_ok() {
            let text = format!("another letsesign-host serves {}", path.display());
            return Err(io::Error::new(io::ErrorKind::AddrInUse, text));
        }
        fs::remove_file(path)?;
    }
    let listener = UnixListener::bind(path)?;
    // The state folder is closed to others as well; between the two lines nobody gets in.
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

fn routes(control: Control) -> Router {
    Router::new()
        .route("/status", get(status))
        .route("/drain", post(drain))
        .route("/upgrade", post(upgrade))
        .route("/rollback", post(rollback))
        .route("/accounts", post(add_account))
        .route("/jobs", get(list).post(submit))
        .route("/jobs/{id}", get(show))
        .route("/jobs/{id}/result", get(result))
        .route("/jobs/{id}/decide", post(decide))
        .layer(DefaultBodyLimit::disable())
        .with_state(control)
}

/// A refusal, as `{"error": TEXT}`.
struct Refusal(StatusCode, String);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.0, Json(json!({"error": self.1}))).into_response()
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self(StatusCode::SERVICE_UNAVAILABLE, error.to_string())
    }
}

fn refuse(status: StatusCode, error: &impl ToString) -> Refusal {
    Refusal(status, error.to_string())
}

async fn status(State(control): State<Control>) -> Result<Json<StatusReport>, Refusal> {
    let stats = control.queue.queue().stats().await?;
    let jobs = JobState::ALL
        .iter()
        .map(|state| (state.word().to_owned(), stats.count(*state)));
    Ok(Json(StatusReport {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ready: control.supervisor.is_ready(READY),
        enclaves: control.supervisor.status(),
        jobs: jobs.collect(),
        oldest_queued_seconds: stats.oldest_queued_ms.map(|millis| millis / 1000),
    }))
}

async fn drain(State(control): State<Control>, Json(drain): Json<Drain>) -> Response {
    let limit = Duration::from_secs(drain.seconds.min(86_400));
    let finished = control.supervisor.drain(limit).await;
    Json(json!({"finished": finished})).into_response()
}

async fn upgrade(
    State(control): State<Control>,
    Json(upgrade): Json<Upgrade>,
) -> Result<Response, Refusal> {
    let supervisor = &control.supervisor;
    let release = supervisor
        .upgrade(
            &upgrade.image,
            upgrade.abandon_older_tasks,
            upgrade.keep_older,
        )
        .await;
    let release = release.map_err(|error| refuse(StatusCode::CONFLICT, &error))?;
    Ok(Json(json!({"release": release})).into_response())
}

async fn rollback(State(control): State<Control>) -> Result<Response, Refusal> {
    let release = control.supervisor.rollback().await;
    let release = release.map_err(|error| refuse(StatusCode::CONFLICT, &error))?;
    Ok(Json(json!({"release": release})).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Added {
    domain: String,
}

async fn add_account(
    State(control): State<Control>,
    Json(added): Json<Added>,
) -> Result<Response, Refusal> {
    let Some(service) = control.service else {
        let text = "this host has no service API: its configuration has no section [service]";
        return Err(refuse(StatusCode::CONFLICT, &text));
    };
    let key = service.add_account(&added.domain).await;
    let key = key.map_err(|error| refuse(StatusCode::BAD_REQUEST, &error))?;
    Ok(Json(json!({"apiKey": key})).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Which {
    sender: Option<String>,
    task: Option<String>,
    state: Option<String>,
    #[serde(default)]
    limit: u32,
}

async fn list(
    State(control): State<Control>,
    Query(which): Query<Which>,
) -> Result<Json<Vec<JobLine>>, Refusal> {
    let state = match which.state.as_deref() {
        None => None,
        Some(word) => Some(JobState::from_word(word).ok_or_else(|| {
            let states = JobState::ALL.map(JobState::word).join(", ");
            Refusal(
                StatusCode::BAD_REQUEST,
                format!("no state {word:?}; states are {states}"),
            )
        })?),
    };
    let filter = Filter {
        sender: which.sender,
        task: which.task,
        state,
        limit: which.limit,
    };
    let jobs = control.queue.queue().jobs(filter).await?;
    Ok(Json(jobs.into_iter().map(JobLine::from).collect()))
}

fn id(text: &str) -> Result<JobId, Refusal> {
    JobId::parse(text).ok_or_else(|| {
        let text = "a job's ID has 32 lower-case hexadecimal digits".to_owned();
        Refusal(StatusCode::BAD_REQUEST, text)
    })
}

fn missing(id: &JobId) -> Refusal {
    Refusal(StatusCode::NOT_FOUND, format!("there is no job {id}"))
}

async fn show(
    State(control): State<Control>,
    Path(text): Path<String>,
) -> Result<Json<JobReport>, Refusal> {
    let id = id(&text)?;
    let queue = control.queue.queue();
    let job = queue.job(&id).await?.ok_or_else(|| missing(&id))?;
    let history = queue.history(&id).await?;
    Ok(Json(JobReport {
        job: job.into(),
        history: history.into_iter().map(Into::into).collect(),
    }))
}

async fn result(
    State(control): State<Control>,
    Path(text): Path<String>,
) -> Result<Response, Refusal> {
    let id = id(&text)?;
    let Some(body) = control.queue.queue().result(&id).await? else {
        let text = format!("job {id} has no stored result");
        return Err(Refusal(StatusCode::NOT_FOUND, text));
    };
    let kind = [("content-type", "application/json")];
    Ok((kind, Body::from_stream(body)).into_response())
}

async fn decide(
    State(control): State<Control>,
    Path(text): Path<String>,
    Json(decide): Json<Decide>,
) -> Result<Response, Refusal> {
    let id = id(&text)?;
    let decision = match decide {
        Decide::Retry => Decision::Retry,
        Decide::Fail => Decision::Fail,
    };
    match control
        .queue
        .queue()
        .decide(&id, decision, "the operator")
        .await
    {
        Ok(()) => Ok(Json(json!({})).into_response()),
        Err(DecideError::Storage(error)) => Err(error.into()),
        Err(error @ DecideError::NoJob(_)) => Err(refuse(StatusCode::NOT_FOUND, &error)),
        Err(error) => Err(refuse(StatusCode::CONFLICT, &error)),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Submit {
    sender: String,
    task: Option<String>,
    name: String,
    /// PCR0s with commas between them.
    accepts: Option<String>,
}

async fn submit(
    State(control): State<Control>,
    Query(submit): Query<Submit>,
    body: Body,
) -> Result<Response, Refusal> {
    let accepts = submit.accepts.as_deref().unwrap_or_default().split(',');
    let job = NewJob {
        sender: submit.sender,
        task: submit.task,
        name: submit.name,
        accepts: accepts
            .filter(|pcr0| !pcr0.is_empty())
            .map(str::to_owned)
            .collect(),
    };
    let payload = body.into_data_stream().map_err(io::Error::other);
    match control.queue.queue().submit(job, payload).await {
        Ok(job) => Ok((StatusCode::CREATED, Json(json!({"job": job.to_string()}))).into_response()),
        Err(SubmitError::Storage(error)) => Err(error.into()),
        Err(error @ SubmitError::OverQuota { .. }) => {
            Err(refuse(StatusCode::TOO_MANY_REQUESTS, &error))
        }
        Err(SubmitError::TooLarge(_)) => {
            let text = format!("the payload is longer than {PAYLOAD_MAX} bytes");
            Err(Refusal(StatusCode::PAYLOAD_TOO_LARGE, text))
        }
        Err(error) => Err(refuse(StatusCode::BAD_REQUEST, &error)),
    }
}
