//! Connections and requests.

use super::answer::{self, Answer};
use super::jobs::Jobs;
use super::own::OwnJobs;
use crate::queue::{Asker, FinishError, Finished};
use crate::transport::{Connection, Listener};
use bytes::{Bytes, BytesMut};
use futures_util::stream::{self, StreamExt};
use http_body_util::{BodyExt, BodyStream};
use hyper::body::{Body, Incoming};
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE};
use hyper::service::service_fn;
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use metrics::{Gauge, counter, gauge};
use serde::Deserialize;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio_io_timeout::TimeoutStream;
use tracing::{debug, warn};

/// Bounds on what one enclave may ask.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Connections at a time. The server has at most 16 workers, each with one.
    pub connections: usize,
    /// How long a connection may be silent: between requests, or while a request or an answer is on
    /// its way.
    pub idle: Duration,
    /// The largest result, in bytes. A job has 50 MiB at most; its result is hardly larger.
    pub result_bytes: u64,
    /// How long `get-job` waits for a job before it says that there is none. The enclave gives an
    /// answer's head 10 s (`head-ms`).
    pub wait: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 64,
            idle: Duration::from_mins(2),
            result_bytes: 80 << 20,
            wait: Duration::from_millis(900),
        }
    }
}

/// A `begin-job` and the other small bodies, in bytes: a session has 256 characters.
const SMALL_BYTES: u64 = 4096;
/// A result up to this size may be one of the host's own jobs: an attestation document in base64.
const OWN_BYTES: u64 = 64 << 10;

/// The job API of one start of an enclave.
pub struct JobApi<J> {
    jobs: Arc<J>,
    asker: Asker,
    draining: AtomicBool,
    own: OwnJobs,
    limits: Limits,
    connections: Arc<Semaphore>,
}

#[derive(Deserialize)]
struct Begin {
    session: String,
}

#[derive(Deserialize)]
struct SmallResult {
    session: String,
    #[serde(rename = "jobResult")]
    result: Value,
}

/// An open connection in the metrics, however it ends: with its enclave it is aborted.
struct Open(Gauge);

impl Open {
    fn new() -> Self {
        let open = gauge!("letsesign_host_job_api_connections");
        open.increment(1.0);
        Self(open)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

/// Why a request's body was not taken.
enum BodyError {
    TooLarge,
    Broken,
}

impl<J: Jobs> JobApi<J> {
    /// The job API for this start of an enclave.
    pub fn new(jobs: Arc<J>, asker: Asker, limits: Limits) -> Arc<Self> {
        Arc::new(Self {
            jobs,
            draining: AtomicBool::new(asker.draining),
            asker,
            own: OwnJobs::default(),
            connections: Arc::new(Semaphore::new(limits.connections)),
            limits,
        })
    }

    /// The host's own jobs for this enclave.
    pub fn own(&self) -> &OwnJobs {
        &self.own
    }

    /// Whether the enclave gets new jobs. While it drains, it gets the host's own jobs, and once
    /// more those that it has.
    pub fn set_draining(&self, draining: bool) {
        self.draining.store(draining, Ordering::Relaxed);
    }

    /// Waits until no connection is open, at most so long: what an enclave that has ended sent last
    /// may still be on its way.
    pub async fn settle(&self, limit: Duration) {
        let all = u32::try_from(self.limits.connections).unwrap_or(u32::MAX);
        let _ = tokio::time::timeout(limit, self.connections.acquire_many(all)).await;
    }

    /// Serves until it is dropped. No failure of a connection ends it.
    pub async fn serve(self: Arc<Self>, mut listener: Box<dyn Listener>) {
        // Ended with this future: an enclave that is gone must not hold connections.
        let mut open = tokio::task::JoinSet::new();
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                Some(_) = open.join_next() => continue,
            };
            match accepted {
                Err(error) => {
                    warn!(%error, "cannot accept a connection of the enclave to the job API");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                Ok(connection) => match Arc::clone(&self.connections).try_acquire_owned() {
                    Err(_) => {
                        counter!("letsesign_host_job_api_refused_connections_total").increment(1);
                        debug!("the enclave has too many connections to the job API");
                    }
                    Ok(permit) => {
                        let api = Arc::clone(&self);
                        open.spawn(async move {
                            api.connection(connection).await;
                            drop(permit);
                        });
                    }
                },
            }
        }
    }

    async fn connection(self: Arc<Self>, connection: Connection) {
        let _open = Open::new();
        let mut stream = TimeoutStream::new(connection);
        stream.set_read_timeout(Some(self.limits.idle));
        stream.set_write_timeout(Some(self.limits.idle));
        let service = service_fn(|request| {
            let api = Arc::clone(&self);
            async move { Ok::<_, Infallible>(api.answer(request).await) }
        });
        let served = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.idle)
            .max_headers(64)
            .max_buf_size(64 << 10)
            // A client may close its sending side after the request.
            .half_close(true)
            .serve_connection(TokioIo::new(Box::pin(stream)), service)
            .await;
        if let Err(error) = served {
            // The enclave repeats what it could not say, and asks again.
            debug!(%error, "a connection to the job API broke off");
        }
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Answer> {
        let (head, body) = request.into_parts();
        let call = match head.uri.path() {
            "/api/get-job" => "get-job",
            "/api/begin-job" => "begin-job",
            "/api/put-job-result" => "put-job-result",
            _ => "other",
        };
        let response = match (call, &head.method) {
            ("get-job", &Method::GET) => self.get_job().await,
            ("begin-job" | "put-job-result", &Method::POST) if !is_json(&head.headers) => {
                answer::refusal(
                    StatusCode::UNSUPPORTED_MEDIA_TYPE,
                    "the body must be application/json without a Content-Encoding",
                )
            }
            ("begin-job", &Method::POST) => self.begin(body).await,
            ("put-job-result", &Method::POST) => self.put_result(body).await,
            ("other", _) => answer::refusal(
                StatusCode::NOT_FOUND,
                "the job API has get-job, begin-job and put-job-result",
            ),
            _ => answer::refusal(
                StatusCode::METHOD_NOT_ALLOWED,
                "this call has another method (docs/job-protocol.md)",
            ),
        };
        let status = response.status().as_str().to_owned();
        counter!("letsesign_host_job_api_requests_total", "call" => call, "status" => status)
            .increment(1);
        response
    }

    async fn get_job(&self) -> Response<Answer> {
        let until = tokio::time::Instant::now() + self.limits.wait;
        loop {
            if let Some(own) = self.own.take() {
                let job = json!({"session": own.session, "jobName": own.name, "jobData": own.data});
                return answer::json(StatusCode::OK, &job);
            }
            let asker = Asker {
                draining: self.draining.load(Ordering::Relaxed),
                ..self.asker.clone()
            };
            match self.jobs.offer(&asker).await {
                Ok(Some(offer)) => {
                    debug!(job = %offer.job, name = %offer.name, bytes = offer.bytes, "offered");
                    return answer::job(offer);
                }
                Ok(None) => {}
                Err(error) => return storage(&error),
            }
            let left = until.saturating_duration_since(tokio::time::Instant::now());
            if left.is_zero() {
                return answer::empty();
            }
            tokio::select! {
                () = self.jobs.changed(left) => {}
                () = self.own.added() => {}
            }
        }
    }

    async fn begin(&self, body: Incoming) -> Response<Answer> {
        let body = match collect(body, SMALL_BYTES).await {
            Ok(body) => body,
            Err(error) => return not_read(&error),
        };
        let Ok(Begin { session }) = strict(&body) else {
            return answer::refusal(StatusCode::BAD_REQUEST, "the body is not {\"session\": S}");
        };
        if OwnJobs::owns(&session) {
            // A self-test has no effect; an enclave that wants one is not ours.
            return answer::refusal(StatusCode::CONFLICT, "this job has no effect to begin");
        }
        match self.jobs.begin(&self.asker.start, &session).await {
            Ok(true) => answer::empty(),
            Ok(false) => answer::refusal(
                StatusCode::CONFLICT,
                "this session is not the job's current one, or the job has ended",
            ),
            Err(error) => storage(&error),
        }
    }

    async fn put_result(&self, body: Incoming) -> Response<Answer> {
        let largest = body.size_hint().upper().unwrap_or(u64::MAX);
        if largest != u64::MAX && largest > self.limits.result_bytes {
            return not_read(&BodyError::TooLarge);
        }
        let stream = if largest <= OWN_BYTES {
            let body = match collect(body, OWN_BYTES).await {
                Ok(body) => body,
                Err(error) => return not_read(&error),
            };
            // Results of the queue's jobs are parsed there, and not here as well.
            if OwnJobs::may_own(&body)
                && let Ok(SmallResult { session, result }) = strict(&body)
                && OwnJobs::owns(&session)
            {
                if !self.own.answer(&session, result) {
                    debug!("an answer to one of the host's own jobs came too late");
                }
                return answer::empty();
            }
            stream::iter([Ok(body)]).boxed()
        } else {
            bounded(body, self.limits.result_bytes)
        };
        match self.jobs.finish(&self.asker.start, stream).await {
            Ok(Finished::Taken { job, code }) => {
                debug!(%job, code, "a result");
                answer::empty()
            }
            Ok(Finished::Repeated { .. } | Finished::Discarded) => answer::empty(),
            Err(FinishError::Malformed(reason)) => {
                warn!(%reason, "the enclave sent what is not a result");
                answer::refusal(StatusCode::BAD_REQUEST, "the body is not a result")
            }
            Err(FinishError::TooLarge(_)) => not_read(&BodyError::TooLarge),
            Err(FinishError::Upload(_)) => not_read(&BodyError::Broken),
            Err(FinishError::Storage(error)) => storage(&error),
        }
    }
}

/// The queue does not answer. The enclave asks again.
fn storage(error: &crate::queue::Error) -> Response<Answer> {
    counter!("letsesign_host_job_api_storage_errors_total").increment(1);
    warn!(%error, "the queue does not answer");
    answer::refusal(StatusCode::SERVICE_UNAVAILABLE, "the queue does not answer")
}

fn not_read(error: &BodyError) -> Response<Answer> {
    match error {
        BodyError::TooLarge => {
            answer::refusal(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large")
        }
        BodyError::Broken => answer::refusal(StatusCode::BAD_REQUEST, "the body broke off"),
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next()).map(str::trim);
    kind.is_some_and(|kind| kind.eq_ignore_ascii_case("application/json"))
        && !headers.contains_key(CONTENT_ENCODING)
}

/// JSON that every parser reads alike.
fn strict<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, ()> {
    strict_json::check(body, strict_json::Limits::default()).map_err(|_| ())?;
    serde_json::from_slice(body).map_err(|_| ())
}

async fn collect(body: Incoming, limit: u64) -> Result<Bytes, BodyError> {
    let mut collected = BytesMut::new();
    let mut body = body;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| BodyError::Broken)?;
        if let Ok(data) = frame.into_data() {
            if (collected.len() + data.len()) as u64 > limit {
                return Err(BodyError::TooLarge);
            }
            collected.extend_from_slice(&data);
        }
    }
    Ok(collected.freeze())
}

/// The body's data, ended with an error beyond `limit` bytes.
fn bounded(body: Incoming, limit: u64) -> stream::BoxStream<'static, Result<Bytes, io::Error>> {
    let mut left = limit;
    BodyStream::new(body)
        .filter_map(|frame| async move {
            match frame {
                Ok(frame) => frame.into_data().ok().map(Ok),
                Err(error) => Some(Err(io::Error::other(error))),
            }
        })
        .map(move |data| {
            let data: Bytes = data?;
            left = left
                .checked_sub(data.len() as u64)
                .ok_or_else(|| io::Error::new(io::ErrorKind::FileTooLarge, "too large"))?;
            Ok(data)
        })
        .boxed()
}
