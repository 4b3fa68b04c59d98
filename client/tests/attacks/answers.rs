//! Answers that are too long, never end, or are junk.

use crate::forge::proofs;
use crate::liar::Reply;
use crate::stage::{Stage, summary};
use serde_json::json;
use std::time::{Duration, Instant};

const JSON_HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n";

/// Asks for the standing before a service that answers so.
fn asks(reply: Reply, part: &str) {
    let stage = Stage::new();
    let record = stage.sent();
    stage.liar.answers("GET task", [reply]);
    stage.refuses(&["status", &record.task], part);
}

#[test]
fn an_answer_that_is_none_is_refused() {
    let nested = format!("{{\"state\":{}", "[".repeat(1_000_000)).into_bytes();
    let json = |body: &[u8]| Reply::Body(200, "application/json", body.to_vec());
    let cases = [
        (json(b""), "its answer is not JSON"),
        (json(b"{"), "its answer is not JSON"),
        (json(b"{} {}"), "its answer is not JSON"),
        (json(b"\xff\xfe"), "its answer is not JSON"),
        (json(&nested), "its answer is not JSON"),
        (json(b"<html>\x1b[2J</html>"), "its answer is not JSON"),
        (Reply::Head(204, String::new()), "its answer is not JSON"),
        (
            Reply::Json(500, json!({})),
            "(500 unknown): it gives no reason",
        ),
        (Reply::Json(429, json!({"code": "busy"})), "(429 busy)"),
        (Reply::Cut, "/api/v2/tasks/"),
        (
            Reply::Raw(b"SSH-2.0-\x1b[2J\r\n".to_vec()),
            "/api/v2/tasks/",
        ),
        (
            Reply::Raw(b"HTTP/1.1 200 OK\r\nX\x1b[2J\r\n\r\n".to_vec()),
            "/api/v2/tasks/",
        ),
        (
            Reply::Raw(b"HTTP/1.1 99999 OK\r\n\r\n".to_vec()),
            "/api/v2/tasks/",
        ),
        // It announces more than it gives.
        (
            Reply::Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}".to_vec()),
            "/api/v2/tasks/",
        ),
        (
            Reply::Raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n".to_vec()),
            "/api/v2/tasks/",
        ),
        // A head without an end, and one in which the answer is announced again and again.
        (
            Reply::Endless("HTTP/1.1 200 OK\r\n", b"X-More: yes\r\n".repeat(1000)),
            "/api/v2/tasks/",
        ),
        (
            Reply::Endless("", b"HTTP/1.1 100 Continue\r\n\r\n".repeat(100)),
            "/api/v2/tasks/",
        ),
    ];
    // Most are asked for again, with pauses.
    std::thread::scope(|scope| {
        for (reply, part) in cases {
            scope.spawn(move || asks(reply, part));
        }
    });
}

#[test]
fn a_longer_answer_than_any_is_not_read_to_its_end() {
    let piece = vec![b' '; 1 << 20];
    asks(Reply::Endless(JSON_HEAD, piece.clone()), "larger than");
    let announced = "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\n";
    let stage = Stage::new();
    let record = stage.sent();
    for head in [JSON_HEAD, announced] {
        stage
            .liar
            .answers("GET result", [Reply::Endless(head, piece.clone())]);
        stage.refuses(&["get", &record.task, "-o", "signed"], "/result: ");
        assert!(!stage.path("signed").exists());
    }
}

#[test]
fn waiting_ends_in_time_whatever_the_service_does() {
    let cases = [
        Reply::Silence,
        Reply::Trickle("HTTP/1.1 200 OK\r\nX-More: "),
        Reply::Trickle(JSON_HEAD),
        Reply::Trickle("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"),
        Reply::Cut,
    ];
    let waits = |reply: Reply| {
        let stage = Stage::new();
        let record = stage.sent();
        stage.liar.answers("GET task", [reply.clone()]);
        let start = Instant::now();
        let wait = ["wait", &record.task, "--timeout", "1"];
        stage.refuses(&wait, "/api/v2/tasks/");
        let took = start.elapsed();
        assert!(took < Duration::from_secs(40), "{reply:?}: {took:?}");
    };
    std::thread::scope(|scope| {
        for reply in cases {
            let waits = &waits;
            scope.spawn(move || waits(reply));
        }
    });
    let stage = Stage::new();
    let record = stage.sent();
    stage
        .liar
        .says("GET task", summary(&record, "running", ["asked", "asked"]));
    stage.liar.says("GET proofs", proofs([]));
    let wait = ["wait", &record.task, "--timeout", "1"];
    stage.refuses(&wait, "the task is running still");
    // The clock has no such moment: it is as good as no limit.
    stage.liar.says("GET task", json!({}));
    let wait = ["wait", &record.task, "--timeout", "18446744073709551615"];
    stage.refuses(&wait, "gives no signers");
}
