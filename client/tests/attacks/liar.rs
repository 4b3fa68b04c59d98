//! A service over HTTP that answers as a test wants, true or false.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use letsesign_proof::Hash;
use letsesign_protocol2::{SentHeader, binding};
use serde_json::{Value, json};
use std::collections::{HashMap, VecDeque};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The PCR0 of the accepted release, as the service names it.
pub(crate) fn pcr0(byte: &str) -> String {
    byte.repeat(48)
}

/// A request, as it came.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Asked {
    /// The method and the last part of the path; a task's own path ends with `task`.
    fn route(&self) -> String {
        let last = self.path.rsplit('/').next().unwrap_or_default();
        let is_task = last.len() == 64 && last.bytes().all(|byte| byte.is_ascii_hexdigit());
        format!("{} {}", self.method, if is_task { "task" } else { last })
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// An answer.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// As the service's documentation has it, where that needs no task.
    Honest,
    /// Status and JSON.
    Json(u16, Value),
    /// Status, type and body.
    Body(u16, &'static str, Vec<u8>),
    /// A status with a header.
    Head(u16, String),
    /// These bytes, whatever they are.
    Raw(Vec<u8>),
    /// The connection ends without an answer.
    Cut,
    /// A head, and then this again and again, until the client goes away.
    Endless(&'static str, Vec<u8>),
    /// A head, and then a byte now and then.
    Trickle(&'static str),
    /// Nothing, for so long as the client stays.
    Silence,
}

#[derive(Default)]
struct State {
    replies: HashMap<String, VecDeque<Reply>>,
    asked: Vec<Asked>,
}

/// The service. It listens until the process ends.
#[derive(Clone)]
pub(crate) struct Liar {
    state: Arc<Mutex<State>>,
    pub(crate) url: String,
}

impl Liar {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let liar = Self {
            state: Arc::default(),
            url: format!("http://{}", listener.local_addr().unwrap()),
        };
        let state = Arc::clone(&liar.state);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, state) = (stream.unwrap(), Arc::clone(&state));
                // A client may go away at any time.
                std::thread::spawn(move || drop(serve(stream, &state)));
            }
        });
        liar
    }

    /// From now on these are the answers of a route, such as `GET proofs`; the last one stays.
    pub(crate) fn answers(&self, route: &str, replies: impl IntoIterator<Item = Reply>) {
        let mut state = self.state.lock().unwrap();
        let replies = replies.into_iter().collect();
        state.replies.insert(route.to_owned(), replies);
    }

    pub(crate) fn says(&self, route: &str, value: Value) {
        self.answers(route, [Reply::Json(200, value)]);
    }

    /// All requests of a route, or all requests for an empty one.
    pub(crate) fn asked(&self, route: &str) -> Vec<Asked> {
        let state = self.state.lock().unwrap();
        let asked = state.asked.iter();
        asked
            .filter(|one| route.is_empty() || one.route() == route)
            .cloned()
            .collect()
    }
}

fn read(stream: &mut BufReader<TcpStream>) -> std::io::Result<Asked> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
    let mut words = head.split_whitespace();
    let mut word = || words.next().unwrap_or_default().to_owned();
    let (method, path) = (word(), word());
    let lower = head.to_ascii_lowercase();
    let length = lower
        .lines()
        .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    let mut body = Vec::new();
    if lower.contains("transfer-encoding: chunked") {
        loop {
            let mut line = String::new();
            stream.read_line(&mut line)?;
            let size = u64::from_str_radix(line.trim(), 16).map_err(std::io::Error::other)?;
            stream.take(size).read_to_end(&mut body)?;
            stream.read_line(&mut String::new())?;
            if size == 0 {
                break;
            }
        }
    } else {
        stream.take(length.unwrap_or(0)).read_to_end(&mut body)?;
    }
    Ok(Asked {
        method,
        path,
        head,
        body,
    })
}

fn serve(stream: TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let asked = read(&mut reader)?;
    let reply = {
        let mut state = state.lock().unwrap();
        state.asked.push(asked.clone());
        match state.replies.get_mut(&asked.route()) {
            Some(replies) if replies.len() > 1 => replies.pop_front(),
            Some(replies) => replies.front().cloned(),
            None => None,
        }
    };
    match reply {
        None | Some(Reply::Honest) => write(stream, honest(&asked)),
        Some(reply) => write(stream, reply),
    }
}

/// The answers of an honest service to a sender; tasks are given by each test.
fn honest(asked: &Asked) -> Reply {
    match asked.route().as_str() {
        "GET account" => Reply::Json(200, json!({"releases": [{"pcr0": pcr0("11")}]})),
        "PUT account" | "PUT document" => Reply::Head(204, String::new()),
        "POST statements" | "POST remind" | "POST retry" => Reply::Json(202, json!({})),
        "POST tasks" => {
            let body = asked.json();
            let bytes = |name: &str| {
                BASE64_STANDARD
                    .decode(body[name].as_str().unwrap())
                    .unwrap()
            };
            let header = SentHeader::parse(bytes("header")).unwrap();
            let document = Hash::parse(body["documentHash"].as_str().unwrap()).unwrap();
            let binding = binding(&header, &bytes("configuration"), document);
            let task = header.header().task.to_string();
            let taken = json!({"task": task, "binding": binding.to_string()});
            Reply::Json(201, taken)
        }
        _ => {
            let detail = json!({"title": "no", "status": 404, "code": "not-found", "detail": "no"});
            Reply::Json(404, detail)
        }
    }
}

fn write(mut stream: TcpStream, reply: Reply) -> std::io::Result<()> {
    let head = |status: u16, kind: &str, length: usize| {
        format!(
            "HTTP/1.1 {status} Status\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\
             Connection: close\r\n\r\n"
        )
    };
    match reply {
        Reply::Honest | Reply::Cut => Ok(()),
        Reply::Json(status, value) => {
            let text = value.to_string();
            stream.write_all(head(status, "application/json", text.len()).as_bytes())?;
            stream.write_all(text.as_bytes())
        }
        Reply::Body(status, kind, body) => {
            stream.write_all(head(status, kind, body.len()).as_bytes())?;
            stream.write_all(&body)
        }
        Reply::Head(status, line) => {
            let length = if status == 204 {
                ""
            } else {
                "Content-Length: 0\r\n"
            };
            let text =
                format!("HTTP/1.1 {status} Status\r\n{line}{length}Connection: close\r\n\r\n");
            stream.write_all(text.as_bytes())
        }
        Reply::Raw(bytes) => stream.write_all(&bytes),
        Reply::Endless(head, piece) => {
            stream.write_all(head.as_bytes())?;
            loop {
                stream.write_all(&piece)?;
            }
        }
        Reply::Trickle(head) => {
            stream.write_all(head.as_bytes())?;
            loop {
                stream.write_all(b" ")?;
                std::thread::sleep(Duration::from_millis(100));
            }
        }
        Reply::Silence => {
            // It comes back when the client closes.
            stream.read_exact(&mut [0; 1])
        }
    }
}
