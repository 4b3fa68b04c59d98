//! The parent instance: heartbeat and job API, on the unix sockets that represent vsock ports.

use super::{BootError, Options};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixListener, UnixStream};
use tokio::runtime::Runtime;

/// Nitro's boot protocol: the enclave connects to this port of its parent...
const HEARTBEAT_PORT: u32 = 9000;
/// ... sends this byte, and reads it back.
const HEARTBEAT: u8 = 0xb7;
/// Port of the job API (docs/job-protocol.md, "Transport").
const JOB_PORT: u32 = 9001;
/// The largest result to accept, in bytes.
const RESULT_MAX: usize = 64 << 20;

/// A response to `GET /api/get-job`.
#[derive(Debug, Clone)]
pub enum Reply {
    /// A job.
    Job {
        /// Identifies the job in its result.
        session: String,
        /// Name of the function.
        name: String,
        /// Input of the function.
        data: Value,
    },
    /// An arbitrary body with status 200, for tests of the enclave's parser.
    Body(Vec<u8>),
    /// An arbitrary status with an empty body.
    Status(u16),
}

#[derive(Debug, Default)]
struct State {
    power_on: Option<Instant>,
    heartbeat: Option<Duration>,
    first_get_job: Option<Duration>,
    get_jobs: u64,
    replies: VecDeque<Reply>,
    results: Vec<(String, Value)>,
    problems: Vec<String>,
}

/// The parent of one enclave. Cheap to clone; clones share everything.
#[derive(Debug, Clone, Default)]
pub struct Host(Arc<Mutex<State>>);

impl Host {
    /// Serves `PREFIX_9000`, `PREFIX_9001` and the forwarded ports until the runtime is dropped.
    pub(super) fn serve(&self, prefix: &Path, options: &Options) -> Result<Runtime, BootError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .map_err(BootError::io("start threads for", prefix))?;
        let _guard = runtime.enter();
        if options.heartbeat {
            let (host, listener) = (self.clone(), bind(prefix, HEARTBEAT_PORT)?);
            runtime.spawn(async move {
                while let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(beat(host.clone(), stream));
                }
            });
        }
        for (port, to) in &options.forward {
            let (to, listener) = (*to, bind(prefix, *port)?);
            runtime.spawn(async move {
                while let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(forward(stream, to));
                }
            });
        }
        if options.jobs {
            let (host, listener) = (self.clone(), bind(prefix, JOB_PORT)?);
            runtime.spawn(async move {
                while let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(serve_connection(host.clone(), stream));
                }
            });
        }
        Ok(runtime)
    }

    pub(super) fn power_on(&self, at: Instant) {
        self.state().power_on = Some(at);
    }

    /// Queues a response to `get-job`. While the queue is empty, the response is "no job".
    pub fn queue(&self, reply: Reply) {
        self.state().replies.push_back(reply);
    }

    /// Time from power-on to the heartbeat.
    pub fn heartbeat(&self) -> Option<Duration> {
        self.state().heartbeat
    }

    /// Time from power-on to the first `get-job`.
    pub fn first_get_job(&self) -> Option<Duration> {
        self.state().first_get_job
    }

    /// Number of `get-job` requests.
    pub fn get_jobs(&self) -> u64 {
        self.state().get_jobs
    }

    /// Takes the result of a session; `None` if it has not arrived.
    pub fn take_result(&self, session: &str) -> Option<Value> {
        let mut state = self.state();
        let index = state.results.iter().position(|(name, _)| name == session)?;
        Some(state.results.remove(index).1)
    }

    /// The enclave's violations of the protocol.
    pub fn problems(&self) -> Vec<String> {
        self.state().problems.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn problem(&self, text: impl Into<String>) {
        self.state().problems.push(text.into());
    }

    fn next_reply(&self) -> Response<Full<Bytes>> {
        let mut state = self.state();
        let elapsed = state.power_on.map(|at| at.elapsed()).unwrap_or_default();
        state.first_get_job.get_or_insert(elapsed);
        state.get_jobs += 1;
        match state.replies.pop_front() {
            None => json_response(b"{}".to_vec()),
            Some(Reply::Job {
                session,
                name,
                data,
            }) => json_response(
                json!({"session": session, "jobName": name, "jobData": data})
                    .to_string()
                    .into_bytes(),
            ),
            Some(Reply::Body(body)) => json_response(body),
            Some(Reply::Status(code)) => {
                status(StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR))
            }
        }
    }

    fn take(&self, body: &[u8]) -> Result<(), String> {
        let mut value: Value = serde_json::from_slice(body)
            .map_err(|error| format!("a result is not JSON: {error}"))?;
        let result = value.get_mut("jobResult").map(Value::take);
        let session = value.get("session").and_then(Value::as_str);
        let (Some(session), Some(result)) = (session, result.filter(Value::is_object)) else {
            return Err(format!("a result has no session or no jobResult: {value}"));
        };
        self.state().results.push((session.to_owned(), result));
        Ok(())
    }
}

fn bind(prefix: &Path, port: u32) -> Result<UnixListener, BootError> {
    let mut path = prefix.as_os_str().to_owned();
    path.push(format!("_{port}"));
    UnixListener::bind(&path).map_err(BootError::io("listen on", PathBuf::from(path)))
}

/// Forwards a connection like the parent's vsock proxy. When one side breaks off, the other is
/// closed.
async fn forward(mut from: UnixStream, to: SocketAddr) {
    if let Ok(mut to) = TcpStream::connect(to).await {
        let _ = tokio::io::copy_bidirectional(&mut from, &mut to).await;
    }
}

async fn beat(host: Host, mut stream: UnixStream) {
    match stream.read_u8().await {
        Ok(HEARTBEAT) => {
            {
                let mut state = host.state();
                let elapsed = state.power_on.map(|at| at.elapsed()).unwrap_or_default();
                state.heartbeat.get_or_insert(elapsed);
            }
            // The enclave may have gone; its heartbeat counts anyway.
            let _ = stream.write_u8(HEARTBEAT).await;
        }
        Ok(other) => host.problem(format!(
            "the heartbeat is {other:#04x} instead of {HEARTBEAT:#04x}"
        )),
        Err(_) => {}
    }
}

async fn serve_connection(host: Host, stream: UnixStream) {
    let service = service_fn(move |request| {
        let host = host.clone();
        async move { Ok::<_, Infallible>(answer(&host, request).await) }
    });
    // The enclave must retry a broken connection.
    let _ = hyper::server::conn::http1::Builder::new()
        // A client may close its sending side after the request; without this option, hyper takes
        // that for a disconnect and drops the response.
        .half_close(true)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn answer(host: &Host, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    match (&head.method, head.uri.path()) {
        (&Method::GET, "/api/get-job") => host.next_reply(),
        (&Method::POST, "/api/put-job-result") => {
            let kind = head
                .headers
                .get("content-type")
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default();
            if kind.split(';').next().map(str::trim) != Some("application/json") {
                host.problem(format!("a result has the content type {kind:?}"));
            }
            let taken = match Limited::new(body, RESULT_MAX).collect().await {
                Ok(body) => host.take(&body.to_bytes()),
                Err(error) => Err(format!("a result broke off: {error}")),
            };
            match taken {
                Ok(()) => json_response(b"{}".to_vec()),
                Err(problem) => {
                    host.problem(problem);
                    status(StatusCode::BAD_REQUEST)
                }
            }
        }
        (method, path) => {
            host.problem(format!("{method} {path} is not in the protocol"));
            status(StatusCode::NOT_FOUND)
        }
    }
}

fn json_response(body: Vec<u8>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    response.headers_mut().insert(
        "content-type",
        hyper::header::HeaderValue::from_static("application/json"),
    );
    response
}

fn status(code: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = code;
    response
}

#[cfg(test)]
#[path = "host_tests.rs"]
mod tests;
