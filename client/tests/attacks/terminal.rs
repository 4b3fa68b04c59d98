//! Texts of the service and of signers that try to act on the sender's terminal, or to look like
//! the client's own lines.

use crate::forge::{Enclave, proofs};
use crate::liar::Reply;
use crate::stage::{Stage, is_harmless, summary};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use letsesign_protocol2::Part;
use serde_json::{Value, json};

/// A text that clears a screen, sets a title, changes the direction, and makes a line of its own.
const EVIL: &str = "\u{1b}[2J\u{9b}2J\u{1b}]0;x\u{7}\u{202e}\r\n  confirmed  Bob <bob@example.com>";

#[test]
fn texts_of_the_service_stay_in_their_place() {
    let stage = Stage::new();
    let record = stage.sent();
    let enclave = Enclave::of(&stage, &record);
    let mut claim = summary(&record, "declined", ["declined", "failed"]);
    let reason = json!({"reason": EVIL}).to_string();
    let reason = enclave
        .root
        .seal_for_sender(Part::Decline, record.binding, reason.as_bytes());
    let members = claim.as_object_mut().unwrap();
    let reason = BASE64_STANDARD.encode(reason.unwrap());
    members.insert("encryptedReason".into(), reason.into());
    let long = EVIL.repeat(100_000);
    members.insert("problem".into(), json!({"code": 1, "detail": long}));
    let jobs = json!([{"job": "0123456789abcdef".repeat(2), "function": "sendReq"}]);
    members.insert("needsDecision".into(), jobs);
    claim["signers"][1]["problem"] = json!({"detail": EVIL});
    claim["signers"][1]["askedAt"] = u64::MAX.into();
    stage.liar.says("GET task", claim);
    stage
        .liar
        .says("GET proofs", proofs([enclave.decline(0, 1)]));
    let ran = stage.run(&["status", &record.task]);
    assert_eq!(ran.code, Some(0), "{}", ran.error);
    assert!(is_harmless(&ran.out), "{:?}", ran.out);
    assert!(ran.out.len() < 8000, "{} bytes", ran.out.len());
    let forged = ran
        .out
        .lines()
        .filter(|line| line.starts_with("  confirmed"));
    assert_eq!(forged.count(), 0, "{}", ran.out);
    // Task, two signers, a problem of one and of the task, the reason, and the job.
    assert_eq!(ran.out.lines().count(), 7, "{}", ran.out);
    let ran = stage.run(&["--json", "status", &record.task]);
    assert!(is_harmless(&ran.out), "{:?}", ran.out);
    let read: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(read[0]["reason"], EVIL);
}

#[test]
fn refusals_stay_one_line() {
    let stage = Stage::new();
    let record = stage.sent();
    let problem = json!({"code": EVIL, "detail": EVIL.repeat(1000)});
    let reply = Reply::Json(400, problem);
    let task = record.task.as_str();
    for (route, command) in [
        ("GET task", vec!["status", task]),
        ("GET task", vec!["wait", task]),
        ("GET result", vec!["get", task]),
        ("POST statements", vec!["void", task]),
        (
            "POST statements",
            vec!["again", task, "--signer", "ada@example.com"],
        ),
        (
            "POST remind",
            vec!["remind", task, "--signer", "ada@example.com"],
        ),
        ("POST retry", vec!["decide", task, "1", "--retry"]),
        ("PUT account", vec!["account"]),
    ] {
        stage.liar.answers(route, [reply.clone()]);
        stage.refuses(&command, "the service refused (400 ");
    }
    let people = stage.path("people.csv");
    std::fs::write(people, "email\nada@example.com\nbob@example.com\n").unwrap();
    stage.liar.answers("POST tasks", [reply]);
    let before = stage.files();
    let bulk = [
        "bulk",
        "contract.pdf",
        "people.csv",
        "--field",
        "signature@1,72,100",
    ];
    let ran = stage.run(&bulk);
    assert_eq!(ran.code, Some(1), "{}", ran.error);
    assert!(is_harmless(&ran.out), "{:?}", ran.out);
    assert_eq!(ran.out.lines().count(), 2, "{}", ran.out);
    assert!(stage.files() == before, "a task that was refused stays");
}
