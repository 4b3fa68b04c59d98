//! The job API of the host (docs/job-protocol.md): hands out jobs, takes results.

use crate::fault::{Counters, Faults};
use crate::http::{self, Answer, Handler, Request};
use crate::json::Json;
use crate::net::Guard;
use bytes::Bytes;
use serde_json::Value;
use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;

/// Most unclaimed results that are kept.
const STRAYS: usize = 256;

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Bytes>,
    waiting: HashMap<String, oneshot::Sender<Value>>,
    strays: VecDeque<(String, Value)>,
}

struct State {
    connections: Arc<Faults>,
    counters: Arc<Counters>,
    questions: Faults,
    deliveries: Faults,
    begins: Faults,
    begun: Mutex<Vec<String>>,
    asked: AtomicU64,
    delivered: AtomicU64,
    queue: Mutex<Queue>,
    offered: Mutex<VecDeque<Vec<u8>>>,
    sessions: AtomicU64,
}

/// The emulated job API.
pub struct Jobs {
    state: Arc<State>,
    address: SocketAddr,
    _guard: Guard,
}

/// A pending result.
pub struct Pending {
    session: String,
    receiver: oneshot::Receiver<Value>,
}

impl Pending {
    /// The job's session.
    pub fn session(&self) -> &str {
        &self.session
    }

    /// The `jobResult`.
    ///
    /// # Panics
    /// After two minutes without one.
    pub async fn result(self) -> Value {
        let Self { session, receiver } = self;
        let Ok(result) = tokio::time::timeout(Duration::from_mins(2), receiver).await else {
            panic!("no result of {session} within two minutes");
        };
        result.expect("the testbed lives")
    }

    /// The `jobResult`, if it comes within a time.
    pub async fn within(&mut self, time: Duration) -> Option<Value> {
        tokio::time::timeout(time, &mut self.receiver)
            .await
            .ok()?
            .ok()
    }
}

impl Jobs {
    pub(crate) async fn start() -> std::io::Result<Self> {
        let state = Arc::new(State {
            connections: Arc::default(),
            counters: Arc::default(),
            questions: Faults::default(),
            deliveries: Faults::default(),
            begins: Faults::default(),
            begun: Mutex::default(),
            asked: AtomicU64::new(0),
            delivered: AtomicU64::new(0),
            queue: Mutex::default(),
            offered: Mutex::default(),
            sessions: AtomicU64::new(0),
        });
        let (faults, counters) = (Arc::clone(&state.connections), Arc::clone(&state.counters));
        let (address, guard) = http::serve(Arc::clone(&state), None, faults, counters).await?;
        Ok(Self {
            state,
            address,
            _guard: guard,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Faults of connections.
    pub fn connections(&self) -> &Faults {
        &self.state.connections
    }

    /// Faults of `get-job`; [`crate::Fault::Raw`] gives any answer at all. A job is lost with its
    /// answer.
    pub fn questions(&self) -> &Faults {
        &self.state.questions
    }

    /// Faults of `put-job-result`.
    pub fn deliveries(&self) -> &Faults {
        &self.state.deliveries
    }

    /// Faults of `begin-job`.
    pub fn begins(&self) -> &Faults {
        &self.state.begins
    }

    /// Sessions of `begin-job` that were noted, in order, repeated ones included.
    pub fn begun(&self) -> Vec<String> {
        self.state.begun().clone()
    }

    /// Counts of what it has seen; served are jobs handed out and results taken.
    pub fn counters(&self) -> &Counters {
        &self.state.counters
    }

    /// Number of requests for a job, without those that met a fault.
    pub fn asked(&self) -> u64 {
        self.state.asked.load(Ordering::SeqCst)
    }

    /// Number of accepted results, repeated ones included.
    pub fn delivered(&self) -> u64 {
        self.state.delivered.load(Ordering::SeqCst)
    }

    /// Number of jobs that were not fetched yet.
    pub fn queued(&self) -> usize {
        self.state.queue().jobs.len()
    }

    /// Results of sessions that no test waits for (any longer): repeated ones, or answers
    /// to hostile jobs.
    pub fn strays(&self) -> Vec<(String, Value)> {
        self.state.queue().strays.iter().cloned().collect()
    }

    /// Bodies of the latest `put-job-result`, oldest first, those included that a fault refused.
    pub fn offered(&self) -> Vec<Vec<u8>> {
        self.state.offered().iter().cloned().collect()
    }

    /// Queues a job; `data` is the text of its jobData.
    pub fn submit(&self, name: &str, data: &str) -> Pending {
        let number = self.state.sessions.fetch_add(1, Ordering::SeqCst);
        let session = format!("session-{number}");
        let name = Json::from(name).to_text();
        let body = format!(r#"{{"session":"{session}","jobName":{name},"jobData":{data}}}"#);
        self.submit_raw(&session, body)
    }

    /// Queues an answer to `get-job` as it is, and waits for the result of a session.
    pub fn submit_raw(&self, session: &str, body: impl Into<Bytes>) -> Pending {
        let (sender, receiver) = oneshot::channel();
        let mut queue = self.state.queue();
        queue.waiting.insert(session.to_owned(), sender);
        queue.jobs.push_back(body.into());
        Pending {
            session: session.to_owned(),
            receiver,
        }
    }
}

impl State {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn offered(&self) -> MutexGuard<'_, VecDeque<Vec<u8>>> {
        self.offered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begun(&self) -> MutexGuard<'_, Vec<String>> {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that a job begins.
    fn begin(&self, request: &Request) -> Answer {
        if request.header("content-type") != Some("application/json") {
            return Answer::status(415);
        }
        match serde_json::from_slice(&request.body) {
            Ok(Value::Object(mut body)) => match (body.remove("session"), body.is_empty()) {
                (Some(Value::String(session)), true) => {
                    self.begun().push(session);
                    Answer::json(200, "{}")
                }
                _ => Answer::status(400),
            },
            _ => Answer::status(400),
        }
    }

    fn take(&self, request: &Request) -> Answer {
        if request.header("content-type") != Some("application/json") {
            return Answer::status(415);
        }
        let Ok(Value::Object(mut body)) = serde_json::from_slice(&request.body) else {
            return Answer::status(400);
        };
        let (Some(Value::String(session)), Some(result @ Value::Object(_)), true) = (
            body.remove("session"),
            body.remove("jobResult"),
            body.is_empty(),
        ) else {
            return Answer::status(400);
        };
        self.delivered.fetch_add(1, Ordering::SeqCst);
        Counters::count(&self.counters.served);
        let mut queue = self.queue();
        let result = match queue.waiting.remove(&session) {
            Some(sender) => sender.send(result).err(),
            None => Some(result),
        };
        if let Some(result) = result {
            queue.strays.truncate(STRAYS - 1);
            queue.strays.push_front((session, result));
        }
        Answer::json(200, "{}")
    }
}

impl Handler for State {
    fn answer(&self, request: &Request) -> Answer {
        match (request.method.as_str(), request.target.as_str()) {
            ("GET", "/api/get-job") => {
                self.asked.fetch_add(1, Ordering::SeqCst);
                match self.queue().jobs.pop_front() {
                    Some(body) => {
                        Counters::count(&self.counters.served);
                        Answer::json(200, body)
                    }
                    None => Answer::json(200, "{}"),
                }
            }
            ("POST", "/api/begin-job") => self.begin(request),
            ("POST", "/api/put-job-result") => self.take(request),
            _ => Answer::status(404),
        }
    }

    fn faults(&self, request: &Request) -> &Faults {
        if request.method == "GET" {
            return &self.questions;
        }
        if request.target == "/api/begin-job" {
            return &self.begins;
        }
        let mut offered = self.offered();
        if offered.len() == STRAYS {
            offered.pop_front();
        }
        offered.push_back(request.body.clone());
        &self.deliveries
    }
}
