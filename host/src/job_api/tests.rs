//! Requests as bytes: what hyper makes of them is part of what is tested.

use super::{JobApi, Jobs, Limits};
use crate::queue::{Asker, Error, FinishError, Finished, JobId, Offer, StartId};
use crate::transport::{Connection, Listener};
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt};
use serde_json::json;
use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::mpsc;

/// A session, the parts of its payload, and the length that its row says.
type Waiting = (String, Vec<Result<Bytes, Error>>, u64);

/// Jobs from a list.
#[derive(Default)]
struct Listed {
    waiting: Mutex<VecDeque<Waiting>>,
    begun: Mutex<Vec<String>>,
    results: Mutex<Vec<Bytes>>,
    fails: bool,
}

#[async_trait]
impl Jobs for Listed {
    async fn offer(&self, asker: &Asker) -> Result<Option<Offer>, Error> {
        if self.fails {
            return Err(Error::Database(
                "a disk that is gone, with a secret in its path".into(),
            ));
        }
        if asker.draining {
            return Ok(None);
        }
        let next = self.waiting.lock().unwrap().pop_front();
        Ok(next.map(|(session, parts, bytes)| Offer {
            job: JobId::new(),
            session,
            name: "sendReq".into(),
            bytes,
            payload: stream::iter(parts).boxed(),
        }))
    }

    async fn changed(&self, at_most: Duration) {
        tokio::time::sleep(at_most.min(Duration::from_millis(5))).await;
    }

    async fn begin(&self, _start: &StartId, session: &str) -> Result<bool, Error> {
        self.begun.lock().unwrap().push(session.into());
        Ok(session != "old")
    }

    async fn finish(
        &self,
        _start: &StartId,
        mut body: BoxStream<'static, Result<Bytes, io::Error>>,
    ) -> Result<Finished, FinishError> {
        let mut all = Vec::new();
        while let Some(part) = body.next().await {
            match part {
                Ok(part) => all.extend_from_slice(&part),
                Err(error) if error.kind() == io::ErrorKind::FileTooLarge => {
                    return Err(FinishError::TooLarge(0));
                }
                Err(_) => return Err(FinishError::Malformed("it broke off".into())),
            }
        }
        self.results.lock().unwrap().push(all.into());
        Ok(Finished::Discarded)
    }
}

struct Pipes(mpsc::UnboundedReceiver<DuplexStream>);

#[async_trait]
impl Listener for Pipes {
    async fn accept(&mut self) -> io::Result<Connection> {
        match self.0.recv().await {
            Some(pipe) => Ok(Connection::new(pipe)),
            None => std::future::pending().await,
        }
    }

    fn address(&self) -> String {
        "a pipe".into()
    }
}

struct Bench {
    api: Arc<JobApi<Listed>>,
    jobs: Arc<Listed>,
    connect: mpsc::UnboundedSender<DuplexStream>,
}

impl Bench {
    fn start(jobs: Listed, limits: Limits) -> Self {
        let jobs = Arc::new(jobs);
        let asker = Asker {
            start: StartId::new(),
            release: 1,
            pcr0: "00".repeat(48),
            draining: false,
        };
        let api = JobApi::new(Arc::clone(&jobs), asker, limits);
        let (connect, receiver) = mpsc::unbounded_channel();
        tokio::spawn(Arc::clone(&api).serve(Box::new(Pipes(receiver))));
        Self { api, jobs, connect }
    }

    fn open(&self) -> DuplexStream {
        let (ours, theirs) = duplex(1 << 16);
        self.connect.send(theirs).unwrap();
        ours
    }

    /// Sends a request and returns everything up to the end of the connection.
    async fn ask(&self, request: &[u8]) -> String {
        let mut pipe = self.open();
        // The server may close before it has read a body that it refuses.
        let _ = pipe.write_all(request).await;
        let _ = pipe.shutdown().await;
        let mut answer = Vec::new();
        let _ = pipe.read_to_end(&mut answer).await;
        String::from_utf8(answer).unwrap()
    }

    async fn post(&self, call: &str, body: &str) -> String {
        let head = format!(
            "POST /api/{call} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
        self.ask(head.as_bytes()).await
    }
}

fn quick() -> Limits {
    Limits {
        wait: Duration::ZERO,
        ..Limits::default()
    }
}

fn job(session: &str, parts: &[&'static str]) -> Listed {
    let bytes = parts.iter().map(|part| part.len() as u64).sum();
    let parts = parts
        .iter()
        .map(|part| Ok(Bytes::from_static(part.as_bytes())));
    Listed {
        waiting: Mutex::new([(session.to_owned(), parts.collect(), bytes)].into()),
        ..Listed::default()
    }
}

const GET: &[u8] = b"GET /api/get-job HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").unwrap().1
}

#[tokio::test]
async fn every_answer_is_json_with_a_content_length() {
    let bench = Bench::start(job("s-1", &["{\"a\":", "1.0}"]), quick());
    let answers = [
        bench.ask(GET).await,
        bench.ask(GET).await,
        bench.post("begin-job", "{\"session\":\"s-1\"}").await,
        bench.post("begin-job", "{\"session\":\"old\"}").await,
        bench.post("begin-job", "no JSON").await,
        bench
            .post(
                "put-job-result",
                "{\"session\":\"s-1\",\"jobResult\":{\"code\":0}}",
            )
            .await,
        bench.post("get-job", "{}").await,
        bench.post("get-jobs", "{}").await,
    ];
    for answer in &answers {
        let length = format!("content-length: {}\r\n", body(answer).len());
        assert!(answer.contains(&length), "{answer}");
        assert!(
            answer.contains("content-type: application/json\r\n"),
            "{answer}"
        );
        let _: serde_json::Value = serde_json::from_str(body(answer)).unwrap();
    }
    let status: Vec<&str> = answers.iter().map(|answer| &answer[9..12]).collect();
    assert_eq!(
        status,
        ["200", "200", "200", "409", "400", "200", "405", "404"]
    );
    assert_eq!(
        body(&answers[0]),
        "{\"session\":\"s-1\",\"jobName\":\"sendReq\",\"jobData\":{\"a\":1.0}}"
    );
    assert_eq!(body(&answers[1]), "{}");
}

#[tokio::test]
async fn a_payload_of_another_length_breaks_the_connection() {
    let envelope = r#"{"session":"s-1","jobName":"sendReq","jobData":}"#.len() as u64;
    for bytes in [5, 6, 8] {
        let mut jobs = job("s-1", &["{\"a\":1}"]);
        jobs.waiting.get_mut().unwrap()[0].2 = bytes;
        let bench = Bench::start(jobs, quick());
        let answer = bench.ask(GET).await;
        // Some bytes may arrive; the whole answer never does.
        if let Some((head, body)) = answer.split_once("\r\n\r\n") {
            let announced = format!("content-length: {}", envelope + bytes);
            assert!(head.contains(&announced), "{answer}");
            assert!((body.len() as u64) < envelope + bytes, "{answer}");
        }
    }
}

#[tokio::test]
async fn storage_that_fails_is_503_and_says_nothing_of_itself() {
    let jobs = Listed {
        fails: true,
        ..Listed::default()
    };
    let answer = Bench::start(jobs, quick()).ask(GET).await;
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(!answer.contains("secret"), "{answer}");
}

#[tokio::test]
async fn bodies_are_bounded_announced_or_not() {
    let limits = Limits {
        result_bytes: 100_000,
        ..quick()
    };
    let bench = Bench::start(Listed::default(), limits);
    let large = bench.post("put-job-result", &"x".repeat(100_001)).await;
    assert!(large.starts_with("HTTP/1.1 413 "), "{large}");
    let mut chunked = b"POST /api/put-job-result HTTP/1.1\r\nHost: localhost\r\nContent-Type: \
        application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        .to_vec();
    for _ in 0..11 {
        chunked.extend_from_slice(b"2710\r\n");
        chunked.extend_from_slice(&[b' '; 10_000]);
        chunked.extend_from_slice(b"\r\n");
    }
    chunked.extend_from_slice(b"0\r\n\r\n");
    let answer = bench.ask(&chunked).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    let session = format!("{{\"session\":\"{}\"}}", "s".repeat(5000));
    let answer = bench.post("begin-job", &session).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(bench.jobs.begun.lock().unwrap().is_empty());
    assert!(bench.jobs.results.lock().unwrap().is_empty());
}

#[tokio::test]
async fn other_content_types_and_encodings_are_refused() {
    let bench = Bench::start(Listed::default(), quick());
    for headers in [
        "Content-Type: text/plain\r\n",
        "",
        "Content-Type: application/json\r\nContent-Encoding: gzip\r\n",
    ] {
        let request = format!(
            "POST /api/begin-job HTTP/1.1\r\nHost: localhost\r\n{headers}Content-Length: 15\r\n\
             Connection: close\r\n\r\n{{\"session\":\"s\"}}"
        );
        let answer = bench.ask(request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 415 "), "{answer}");
    }
    let answer = bench
        .post("begin-job", "{\"session\":\"a\",\"session\":\"b\"}")
        .await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(bench.jobs.begun.lock().unwrap().is_empty());
}

#[tokio::test]
async fn own_jobs_come_first_and_their_answers_do_not_reach_the_queue() {
    let bench = Bench::start(job("s-1", &["{}"]), quick());
    let asked = {
        let api = Arc::clone(&bench.api);
        tokio::spawn(async move {
            let nonce = json!({"nonce": "AAAA"});
            api.own()
                .run("selfTest", nonce, Duration::from_secs(20))
                .await
        })
    };
    let offered = loop {
        let answer = bench.ask(GET).await;
        if body(&answer).contains("selfTest") {
            break answer;
        }
        assert!(
            body(&answer) == "{}" || body(&answer).contains("s-1"),
            "{answer}"
        );
    };
    let offered: serde_json::Value = serde_json::from_str(body(&offered)).unwrap();
    let result = json!({"session": offered["session"], "jobResult": {"code": 0, "a": "b"}});
    let answer = bench.post("put-job-result", &result.to_string()).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert_eq!(asked.await.unwrap().unwrap(), json!({"code": 0, "a": "b"}));
    // The same once more, and one that nobody asked for: taken, and dropped.
    let answer = bench.post("put-job-result", &result.to_string()).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(bench.jobs.results.lock().unwrap().is_empty());
    let late = bench
        .api
        .own()
        .run("selfTest", json!({}), Duration::from_millis(1))
        .await;
    assert_eq!(late.unwrap_err().name, "selfTest");
    assert_eq!(bench.api.own().take().map(|job| job.session), None);
}

#[tokio::test]
async fn an_enclave_that_drains_gets_no_new_job() {
    let bench = Bench::start(job("s-1", &["{}"]), quick());
    bench.api.set_draining(true);
    assert_eq!(body(&bench.ask(GET).await), "{}");
    bench.api.set_draining(false);
    assert!(bench.ask(GET).await.contains("s-1"));
}

#[tokio::test]
async fn connections_are_bounded_and_silent_ones_end() {
    let limits = Limits {
        connections: 2,
        idle: Duration::from_millis(200),
        ..quick()
    };
    let bench = Bench::start(Listed::default(), limits);
    let mut silent = [bench.open(), bench.open()];
    // Half a request.
    silent[1].write_all(b"GET /api/get").await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(
        bench.ask(GET).await,
        "",
        "a third connection is closed at once"
    );
    for pipe in &mut silent {
        let mut answer = Vec::new();
        // Ends by the server's side, whatever it says before.
        let _ = pipe.read_to_end(&mut answer).await;
    }
    assert_eq!(body(&bench.ask(GET).await), "{}");
}
