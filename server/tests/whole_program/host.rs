//! A host: answers questions for jobs from a queue, takes results, and lies as the test asks.

use serde_json::{Value, json};
use std::collections::{HashMap, VecDeque};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

/// Longest wait for anything; only a failing test waits that long.
const PATIENCE: Duration = Duration::from_mins(1);

pub fn job(session: &str, name: &str, data: &Value) -> Value {
    json!({"session": session, "jobName": name, "jobData": data})
}

/// One answer.
#[derive(Debug, Clone)]
pub enum Reply {
    /// These bytes; then the connection ends.
    Raw(Vec<u8>),
    /// These bytes one by one with a pause between them, until the client goes.
    Slow(Vec<u8>, Duration),
    /// This head, then zeros until the client goes.
    Endless(Vec<u8>),
    /// The connection ends at once.
    Hangup,
    /// Nothing comes, the connection stays.
    Silence,
}

impl Reply {
    pub fn raw(text: &str) -> Self {
        Self::Raw(text.as_bytes().to_vec())
    }

    pub fn body(body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        Self::Raw(
            [
                format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len()).as_bytes(),
                &body,
            ]
            .concat(),
        )
    }

    pub fn json(value: &Value) -> Self {
        Self::body(value.to_string())
    }

    pub fn status(status: u16) -> Self {
        Self::raw(&format!(
            "HTTP/1.1 {status} X\r\nContent-Length: 0\r\nLocation: http://127.0.0.1:1/\r\n\r\n"
        ))
    }
}

#[derive(Debug, Default)]
struct State {
    replies: VecDeque<Reply>,
    receipts: VecDeque<Reply>,
    results: HashMap<String, Value>,
    requests: Vec<String>,
    questions: usize,
}

#[derive(Debug, Clone)]
pub struct Host {
    pub address: SocketAddr,
    state: Arc<(Mutex<State>, Condvar)>,
}

impl Host {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = Self {
            address: listener.local_addr().unwrap(),
            state: Arc::default(),
        };
        let serving = host.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let host = serving.clone();
                std::thread::spawn(move || host.serve(&stream));
            }
        });
        host
    }

    /// Queues an answer to a question for a job. Without one the answer is `{}`.
    pub fn reply(&self, reply: Reply) {
        self.state.0.lock().unwrap().replies.push_back(reply);
    }

    /// Queues an answer to a result. Without one it is taken.
    pub fn receipt(&self, reply: Reply) {
        self.state.0.lock().unwrap().receipts.push_back(reply);
    }

    fn wait<T>(&self, what: &str, ready: impl Fn(&State) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        let mut state = self.state.0.lock().unwrap();
        loop {
            if let Some(value) = ready(&state) {
                return value;
            }
            let left = deadline.checked_duration_since(Instant::now());
            let left = left.unwrap_or_else(|| panic!("no {what}; requests: {:#?}", state.requests));
            state = self.state.1.wait_timeout(state, left).unwrap().0;
        }
    }

    /// The result of a session, as soon as it was taken.
    pub fn result(&self, session: &str) -> Value {
        self.wait(&format!("result of {session}"), |state| {
            state.results.get(session).cloned()
        })
    }

    /// Waits until all answers were given and the client came back for more.
    pub fn drained(&self) {
        self.wait("empty queue", |state| {
            state.replies.is_empty().then_some(())
        });
        self.questions(2);
    }

    /// Waits for so many more questions.
    pub fn questions(&self, more: usize) {
        let before = self.state.0.lock().unwrap().questions;
        self.wait("questions", |state| {
            (state.questions >= before + more).then_some(())
        });
    }

    /// Heads and bodies of all requests.
    pub fn requests(&self) -> Vec<String> {
        self.state.0.lock().unwrap().requests.clone()
    }

    pub fn results(&self) -> usize {
        self.state.0.lock().unwrap().results.len()
    }

    fn serve(&self, stream: &TcpStream) {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        while let Some((head, body)) = read(&mut reader) {
            let question = head.starts_with("GET /api/get-job ");
            let reply = {
                let mut state = self.state.0.lock().unwrap();
                state
                    .requests
                    .push(format!("{head}{}", String::from_utf8_lossy(&body)));
                if question {
                    state.questions += 1;
                    state.replies.pop_front()
                } else {
                    let reply = state.receipts.pop_front();
                    if reply.is_none() {
                        let result: Value = serde_json::from_slice(&body).unwrap();
                        let session = result["session"].as_str().unwrap().to_owned();
                        state.results.insert(session, result["jobResult"].clone());
                    }
                    reply
                }
            };
            self.state.1.notify_all();
            match reply {
                // An ordinary answer keeps the connection.
                None => {
                    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
                    if (&mut &*stream).write_all(answer.as_bytes()).is_err() {
                        return;
                    }
                }
                Some(reply) => return lie(stream, reply),
            }
        }
    }
}

fn lie(mut stream: &TcpStream, reply: Reply) {
    match reply {
        Reply::Hangup => {}
        Reply::Raw(bytes) => drop(stream.write_all(&bytes)),
        Reply::Slow(bytes, pause) => {
            for byte in bytes {
                if stream.write_all(&[byte]).is_err() {
                    return;
                }
                std::thread::sleep(pause);
            }
        }
        Reply::Endless(head) => {
            let _ = stream.write_all(&head);
            while stream.write_all(&[0; 4096]).is_ok() {}
        }
        Reply::Silence => {
            let _ = stream.read(&mut [0; 1]);
        }
    }
}

fn read(reader: &mut impl BufRead) -> Option<(String, Vec<u8>)> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let lower = head.to_lowercase();
    let length = lower
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .map_or(0, |n| n.trim().parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((head, body))
}
