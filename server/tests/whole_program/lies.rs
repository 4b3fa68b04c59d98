//! A lie costs the host its answer and does not affect the server: the next job succeeds.

use crate::host::{Host, Reply, job};
use crate::nsm;
use crate::program::Program;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;
use std::time::Duration;

fn ordinary(session: &str) -> String {
    job(
        session,
        "selfTest",
        &json!({"nonce": BASE64_STANDARD.encode([7; 16])}),
    )
    .to_string()
}

/// After each of these lies an ordinary job must succeed, and no result may come for the session
/// `lie`.
fn survives(lies: Vec<Reply>) {
    let (host, nsm) = (Host::start(), nsm::start());
    let mut program = Program::start(&host, &nsm);
    for (at, lie) in lies.into_iter().enumerate() {
        let session = format!("after-{at}");
        host.reply(lie.clone());
        host.reply(Reply::body(ordinary(&session)));
        assert_eq!(host.result(&session)["code"], 0, "after {lie:?}");
        assert_eq!(host.results(), at + 1, "{lie:?} was taken for a job");
    }
    program.assert_running();
}

#[test]
fn wrong_lengths() {
    let body = ordinary("lie");
    let head = |length: &str| format!("HTTP/1.1 200 OK\r\n{length}\r\n\r\n{body}");
    survives(vec![
        // Cut short although the JSON is complete.
        Reply::raw(&head(&format!("Content-Length: {}", body.len() + 1))),
        Reply::raw(&head("Content-Length: -1")),
        Reply::raw(&head("Content-Length: 99999999999999999999")),
        Reply::raw(&head(&format!(
            "Content-Length: {}\r\nContent-Length: {}",
            body.len(),
            body.len() + 1
        ))),
        // Neither length nor chunks: the end of the body is unknown.
        Reply::raw(&head("X: y")),
        Reply::raw(&format!("HTTP/1.0 200 OK\r\n\r\n{body}")),
        Reply::raw(&format!(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n",
            body.len()
        )),
        Reply::raw(&format!(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}",
            body.len() + 9
        )),
        Reply::raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n"),
        Reply::raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
    ]);
}

#[test]
fn garbage_and_other_statuses() {
    let body = ordinary("lie");
    survives(vec![
        Reply::Hangup,
        Reply::raw(""),
        Reply::raw("\0\0\0\0"),
        Reply::raw("SSH-2.0-OpenSSH\r\n\r\n"),
        Reply::raw("HTTP/2 200\r\n\r\n"),
        Reply::raw("HTTP/1.1 200 OK\r\nContent-Le"),
        Reply::raw(&format!(
            "HTTP/1.1 200 OK\r\n{}\r\n",
            "X: y\r\n".repeat(1000)
        )),
        Reply::raw(&format!(
            "HTTP/1.1 200 OK\r\nX: {}\r\n\r\n",
            "y".repeat(1 << 20)
        )),
        Reply::status(301),
        Reply::status(302),
        Reply::status(307),
        Reply::status(404),
        Reply::status(500),
        Reply::raw("HTTP/1.1 204 No Content\r\n\r\n"),
        Reply::raw(&format!(
            "HTTP/1.1 201 Created\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )),
        Reply::raw(&format!(
            "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )),
        Reply::raw(&"HTTP/1.1 100 Continue\r\n\r\n".repeat(5)),
    ]);
}

#[test]
fn bodies_without_a_session() {
    survives(
        vec![
            Reply::body(""),
            Reply::body("null"),
            Reply::body("[]"),
            Reply::body("{\"session\":1}"),
            Reply::body("{\"session\":\"\",\"jobName\":\"selfTest\",\"jobData\":{}}"),
            Reply::body(
                "{\"session\":\"a\",\"session\":\"b\",\"jobName\":\"selfTest\",\"jobData\":{}}",
            ),
            Reply::body(vec![0xff, 0xfe]),
            Reply::body("[".repeat(100_000)),
            Reply::body(ordinary("lie").trim_end_matches('}')),
            Reply::body(format!("{}{}", ordinary("lie"), ordinary("lie"))).clone(),
        ]
        .into_iter()
        // Two values in a row: the session is there twice, so it is ambiguous.
        .collect(),
    );
}

#[test]
fn too_much() {
    const MIB: usize = 1 << 20;
    let spaces = " ".repeat(51 * MIB);
    let chunk = format!("{:x}\r\n{}\r\n", MIB, " ".repeat(MIB));
    survives(vec![
        // Says so itself: refused before a byte of it is read.
        Reply::raw(&format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n",
            51 * MIB
        )),
        Reply::body(format!("{spaces}{}", ordinary("lie"))),
        Reply::raw(&format!(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{}0\r\n\r\n",
            chunk.repeat(51)
        )),
        Reply::Endless(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n".to_vec(),
        ),
        Reply::Endless(b"HTTP/1.1 200 OK\r\n\r\n".to_vec()),
        Reply::Endless(b"HTTP/1.1 200 OK\r\nX: ".to_vec()),
    ]);
}

#[test]
fn fifty_mebibytes_are_not_too_much() {
    let (host, nsm) = (Host::start(), nsm::start());
    let _program = Program::start(&host, &nsm);
    let body = ordinary("large");
    let padded = format!("{}{body}", " ".repeat((50 << 20) - body.len()));
    assert_eq!(padded.len(), 50 << 20);
    host.reply(Reply::body(padded.clone()));
    assert_eq!(host.result("large")["code"], 0);
    let body = ordinary("chunked");
    let (first, second) = body.split_at(20);
    let chunks = format!(
        "{:x}\r\n{first}\r\n{:x};x=y\r\n{second}\r\n0\r\nTrailer: x\r\n\r\n",
        first.len(),
        second.len()
    );
    host.reply(Reply::raw(&format!(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}"
    )));
    assert_eq!(host.result("chunked")["code"], 0);
    host.reply(Reply::body(format!(" {padded}")));
    host.drained();
    assert_eq!(host.results(), 2);
}

#[test]
fn slowness() {
    let body = ordinary("lie");
    let whole = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    survives(vec![
        Reply::Silence,
        // The head comes, the body never does.
        Reply::Slow(whole.clone().into_bytes(), Duration::from_secs(3)),
        // Every step is quick enough, the whole is not.
        Reply::Slow(whole.into_bytes(), Duration::from_millis(60)),
    ]);
}
