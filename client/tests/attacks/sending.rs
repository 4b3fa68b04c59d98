//! Answers of the service while a document is sent.

use crate::liar::{Asked, Liar, Reply, pcr0};
use crate::stage::{Stage, is_refusal, summary};
use serde_json::{Value, json};

fn html(status: u16) -> Reply {
    let page = b"<html>\x1b[2J<h1>Log in</h1></html>".to_vec();
    Reply::Body(status, "text/html", page)
}

/// Sends; it must fail with this text, and keep no task.
#[track_caller]
fn sends_nothing(stage: &Stage, part: &str) {
    let before = stage.files();
    let ran = stage.send();
    is_refusal(&ran, part);
    assert!(stage.files() == before, "{part}: files have changed");
}

/// Sends; it must fail with this text, and keep the task, which may have been taken.
#[track_caller]
fn keeps_the_task(stage: &Stage, part: &str) -> String {
    let ran = stage.send();
    is_refusal(&ran, part);
    let records = stage.home.records().unwrap();
    assert_eq!(records.len(), 1, "{part}");
    assert!(!records[0].sent, "{part}");
    records[0].task.clone()
}

#[test]
fn nothing_is_sent_to_a_release_that_is_not_accepted() {
    let stage = Stage::new();
    let flood = vec![json!({"pcr0": pcr0("33")}); 100_000];
    let release = |pcr0: &str| json!({"releases": [{"pcr0": pcr0}]});
    for (account, part) in [
        (
            release(&pcr0("33")),
            "runs no release that you accept (PCR0 3333",
        ),
        (
            release(&pcr0("22")),
            "runs no release that you accept (PCR0 2222",
        ),
        (json!({"releases": []}), "no enclave is attested"),
        (json!({"releases": flood}), "names 100000 releases"),
        (release("\u{1b}[2J"), "without its PCR0"),
        (release(""), "without its PCR0"),
        (json!({"releases": [pcr0("11")]}), "without its PCR0"),
        (
            json!({"releases": [{"pcr0": [pcr0("11")]}]}),
            "without its PCR0",
        ),
        (
            json!({"releases": {"pcr0": pcr0("11")}}),
            "names no releases",
        ),
        (json!({}), "names no releases"),
        (json!([]), "names no releases"),
        (Value::Null, "names no releases"),
    ] {
        stage.liar.says("GET account", account);
        sends_nothing(&stage, part);
    }
    for reply in [html(200), Reply::Head(204, String::new())] {
        stage.liar.answers("GET account", [reply]);
        sends_nothing(&stage, "its answer is not JSON");
    }
    stage.liar.answers("GET account", [html(403)]);
    sends_nothing(&stage, "(403 unknown): it gives no reason");
    let asked = stage.liar.asked("");
    assert!(asked.iter().all(|one| one.method == "GET"), "{asked:?}");
}

#[test]
fn a_redirect_gets_neither_key_nor_document() {
    let (stage, other) = (Stage::new(), Liar::start());
    let leads = |status| Reply::Head(status, format!("Location: {}/api/v2/tasks\r\n", other.url));
    let away = "it leads to another address";
    for status in [301, 302, 303, 307, 308] {
        stage.liar.answers("GET account", [leads(status)]);
        sends_nothing(&stage, away);
    }
    stage.liar.answers("GET account", [Reply::Honest]);
    stage.liar.answers("POST tasks", [leads(307)]);
    let task = keeps_the_task(&stage, away);
    stage.liar.answers("GET task", [leads(302)]);
    stage.refuses(&["status", &task], away);
    stage.liar.answers("GET result", [leads(302)]);
    stage.refuses(&["get", &task], away);
    stage.liar.answers("PUT account", [leads(308)]);
    stage.refuses(&["account"], away);
    assert!(other.asked("").is_empty());
}

#[test]
fn a_redirect_of_the_document_is_not_followed() {
    let (stage, other) = (Stage::new(), Liar::start());
    let leads = Reply::Head(307, format!("Location: {}/x\r\n", other.url));
    stage.liar.answers("PUT document", [leads]);
    keeps_the_task(&stage, "it leads to another address");
    assert!(other.asked("").is_empty());
}

#[test]
fn another_binding_stops_before_the_document() {
    let other = json!({"task": "0".repeat(64), "binding": "0".repeat(64)});
    for answer in [
        other,
        json!({}),
        json!({"binding": 7}),
        json!([]),
        Value::Null,
    ] {
        let stage = Stage::new();
        stage.liar.answers("POST tasks", [Reply::Json(201, answer)]);
        keeps_the_task(&stage, "names another binding");
        assert!(stage.liar.asked("PUT document").is_empty());
    }
}

#[test]
fn a_refused_task_leaves_nothing() {
    let stage = Stage::new();
    for (status, code) in [(400, "invalid"), (401, "unauthorized"), (413, "too-large")] {
        let problem = json!({"status": status, "code": code, "detail": "not this one"});
        stage
            .liar
            .answers("POST tasks", [Reply::Json(status, problem)]);
        sends_nothing(&stage, &format!("({status} {code}): not this one"));
    }
    for wrong in [
        json!({"code": 7, "detail": ["x"]}),
        json!("no"),
        Value::Null,
    ] {
        stage.liar.answers("POST tasks", [Reply::Json(403, wrong)]);
        sends_nothing(&stage, "(403 unknown): it gives no reason");
    }
    stage.liar.answers("POST tasks", [html(404)]);
    sends_nothing(&stage, "(404 unknown): it gives no reason");
    assert!(stage.liar.asked("PUT document").is_empty());
}

#[test]
fn a_page_in_the_place_of_an_answer_is_none() {
    let stage = Stage::new();
    stage.liar.answers("POST tasks", [html(200)]);
    let task = keeps_the_task(&stage, "its answer is not JSON");
    // The task is unknown there, so it can be sent anew.
    let ran = stage.run(&["status", &task]);
    assert!(ran.out.contains("notSent"), "{} {}", ran.out, ran.error);

    let stage = Stage::new();
    stage.liar.answers("PUT document", [html(200)]);
    keeps_the_task(&stage, "its status is 200, not 204");
}

#[test]
fn a_service_that_is_away_for_a_while_takes_a_task_once() {
    let stage = Stage::new();
    let busy = json!({"status": 503, "code": "unavailable", "detail": "retry"});
    let away = || Reply::Json(503, busy.clone());
    stage.liar.answers("GET account", [away(), Reply::Honest]);
    // Taken, but the answer is lost; then away; then the same answer again.
    stage
        .liar
        .answers("POST tasks", [Reply::Cut, away(), Reply::Honest]);
    stage
        .liar
        .answers("PUT document", [away(), Reply::Cut, Reply::Honest]);
    let record = stage.sent();
    assert!(record.sent);
    for route in ["POST tasks", "PUT document"] {
        let asked = stage.liar.asked(route);
        let bodies: Vec<_> = asked.iter().map(|one| &one.body).collect();
        assert_eq!(bodies.len(), 3, "{route}");
        assert!(bodies.iter().all(|body| *body == bodies[0]), "{route}");
    }
}

#[test]
fn a_task_whose_answer_is_lost_is_found_again() {
    let stage = Stage::new();
    stage.liar.answers("POST tasks", [Reply::Cut]);
    let task = keeps_the_task(&stage, "/api/v2/tasks: ");
    assert!(stage.liar.asked("PUT document").is_empty());
    let record = stage.home.task(&task).unwrap();
    stage.liar.says("GET proofs", json!({"proofs": []}));
    let claim = summary(&record, "waitingForDocument", ["waiting", "waiting"]);
    stage.liar.says("GET task", claim);
    let ran = stage.run(&["status", &task[..12]]);
    assert_eq!(ran.code, Some(0), "{}", ran.error);
    assert!(ran.out.contains("waitingForDocument"), "{}", ran.out);
    let listed = stage.run(&["list"]);
    assert!(listed.out.contains("(not sent)"), "{}", listed.out);
}

#[test]
fn a_document_whose_answer_is_lost_is_found_again() {
    let stage = Stage::new();
    stage.liar.answers("PUT document", [Reply::Cut]);
    let task = keeps_the_task(&stage, "the service may have the document");
    let record = stage.home.task(&task).unwrap();
    stage.liar.says("GET proofs", json!({"proofs": []}));
    let claim = summary(&record, "running", ["asked", "asked"]);
    stage.liar.says("GET task", claim);
    let ran = stage.run(&["status", &task]);
    assert_eq!(ran.code, Some(0), "{}", ran.error);
    assert!(ran.out.contains("running  contract.pdf"), "{}", ran.out);
}

#[test]
fn what_is_sent_shows_nothing_of_the_task() {
    let stage = Stage::new();
    let record = stage.sent();
    let asked = stage.liar.asked("");
    let has = |one: &Asked, text: &str| {
        let all = [one.head.as_bytes(), one.body.as_slice()].concat();
        all.windows(text.len()).any(|part| part == text.as_bytes())
    };
    for secret in ["ada@example.com", "Ada", "contract", "%PDF", "a password"] {
        assert!(asked.iter().all(|one| !has(one, secret)), "{secret}");
    }
    assert_eq!(asked.len(), 3, "{asked:?}");
    assert_eq!(stage.home.records().unwrap(), [record]);
}
