//! The server as a program: a host on loopback that lies in every way, an NSM on a unix socket.
#![cfg(test)]
#![allow(unreachable_pub)]

mod host;
mod lies;
mod nsm;
mod program;
mod stopping;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use host::{Host, Reply, job};
use program::Program;
use serde_json::json;

#[test]
fn a_self_test_travels() {
    let (host, nsm) = (Host::start(), nsm::start());
    let _program = Program::start(&host, &nsm);
    host.reply(Reply::json(&job(
        "s-1",
        "selfTest",
        &json!({"nonce": BASE64_STANDARD.encode([7; 16]), "more": 1.0}),
    )));
    let result = host.result("s-1");
    assert_eq!(result["code"], 0, "{result}");
    // The mock's document is what it was asked for.
    let document = BASE64_STANDARD
        .decode(result["attestDocument"].as_str().unwrap())
        .unwrap();
    let text = String::from_utf8_lossy(&document);
    assert!(
        text.contains(r#"{"fnName":"selfTest","hashList":[]}"#),
        "{text}"
    );
    assert!(document.windows(16).any(|window| window == [7; 16]));
    let request = host
        .requests()
        .into_iter()
        .find(|request| request.starts_with("GET"))
        .unwrap();
    assert!(
        request.starts_with("GET /api/get-job HTTP/1.1\r\n"),
        "{request}"
    );
    assert!(
        !request.to_lowercase().contains("accept-encoding"),
        "{request}"
    );
    let request = host
        .requests()
        .into_iter()
        .find(|request| request.starts_with("POST"))
        .unwrap();
    assert!(
        request.starts_with("POST /api/put-job-result HTTP/1.1\r\n"),
        "{request}"
    );
    assert!(
        request
            .to_lowercase()
            .contains("content-type: application/json\r\n"),
        "{request}"
    );
}

#[test]
fn wrong_jobs_are_answered_2001() {
    let (host, nsm) = (Host::start(), nsm::start());
    let mut program = Program::start(&host, &nsm);
    let nonce = |bytes: usize| json!({"nonce": BASE64_STANDARD.encode(vec![1; bytes])});
    let bodies = [
        (
            "unknown",
            job("unknown", "noSuchJob", &json!({})).to_string(),
        ),
        ("short", job("short", "selfTest", &nonce(15)).to_string()),
        ("long", job("long", "selfTest", &nonce(65)).to_string()),
        ("none", job("none", "selfTest", &json!({})).to_string()),
        (
            "type",
            job("type", "selfTest", &json!({"nonce": 5})).to_string(),
        ),
        (
            "url",
            job("url", "selfTest", &json!({"nonce": "_".repeat(24)})).to_string(),
        ),
        (
            "space",
            job(
                "space",
                "selfTest",
                &json!({"nonce": format!("{} ", BASE64_STANDARD.encode([1; 16]))}),
            )
            .to_string(),
        ),
        (
            "envelope",
            r#"{"session":"envelope","jobName":"selfTest"}"#.to_owned(),
        ),
        (
            "list",
            r#"{"session":"list","jobName":"selfTest","jobData":[]}"#.to_owned(),
        ),
        (
            "nan",
            r#"{"session":"nan","jobName":"selfTest","jobData":{"a":NaN}}"#.to_owned(),
        ),
        (
            "twice",
            r#"{"session":"twice","jobName":"selfTest","jobData":{"a":1,"a":1}}"#.to_owned(),
        ),
        (
            "half",
            r#"{"session":"half","jobName":"selfTest","jobData":{"a":"\ud83d"}}"#.to_owned(),
        ),
        (
            "deep",
            format!(
                r#"{{"session":"deep","jobName":"selfTest","jobData":{}1{}}}"#,
                "{\"a\":".repeat(64),
                "}".repeat(64)
            ),
        ),
    ];
    for (session, body) in bodies {
        host.reply(Reply::body(body));
        assert_eq!(host.result(session), json!({"code": 2001}), "{session}");
    }
    program.assert_running();
}

#[test]
fn an_nsm_that_fails_gives_2999() {
    let (host, nsm) = (Host::start(), nsm::start_refusing());
    let mut program = Program::start(&host, &nsm);
    host.reply(Reply::json(&job(
        "s",
        "selfTest",
        &json!({"nonce": BASE64_STANDARD.encode([7; 16])}),
    )));
    assert_eq!(host.result("s"), json!({"code": 2999}));
    program.assert_running();
}

#[test]
fn without_an_nsm_that_answers_nothing_starts() {
    let (host, nsm) = (Host::start(), nsm::start_broken());
    let (code, log) = Program::start(&host, &nsm).wait();
    assert_eq!(code, Some(1));
    assert!(log.contains("the NSM refused Attestation"), "{log}");
    assert!(host.requests().is_empty());
}

#[test]
fn results_are_offered_until_they_are_taken() {
    let (host, nsm) = (Host::start(), nsm::start());
    let _program = Program::start(&host, &nsm);
    for reply in [
        Reply::status(503),
        Reply::Hangup,
        Reply::raw("nonsense\r\n\r\n"),
        Reply::status(302),
        Reply::status(404),
    ] {
        host.receipt(reply);
    }
    host.reply(Reply::json(&job(
        "again",
        "selfTest",
        &json!({"nonce": BASE64_STANDARD.encode([9; 32])}),
    )));
    assert_eq!(host.result("again")["code"], 0);
    let offers: Vec<String> = host
        .requests()
        .into_iter()
        .filter(|request| request.starts_with("POST"))
        .collect();
    assert_eq!(offers.len(), 6, "five refusals and the one that was taken");
    assert!(
        offers.windows(2).all(|pair| pair[0] == pair[1]),
        "the same result every time"
    );
}

/// Jobs carry secrets and documents; the console belongs to the host. Nothing of a job may show
/// there.
#[test]
fn the_log_holds_nothing_of_a_job() {
    const MARK: &str = "MARKER-7f3a9c";
    let (host, nsm) = (Host::start(), nsm::start());
    let mut program = Program::start(&host, &nsm);
    let secret = json!({"nonce": MARK, MARK: MARK, "list": [MARK]});
    let mut sessions = Vec::new();
    for (at, body) in [
        job(&format!("{MARK}-0"), "selfTest", &secret).to_string(),
        job(&format!("{MARK}-1"), MARK, &secret).to_string(),
        format!(r#"{{"session":"{MARK}-2","jobName":"selfTest","jobData":"{MARK}"}}"#),
        format!(
            r#"{{"session":"{MARK}-3","jobName":"selfTest","jobData":{{"{MARK}":1,"{MARK}":2}}}}"#
        ),
        format!(r#"{{"session":"{MARK}-4","jobName":"selfTest","jobData":{{"nonce":{MARK}}}}}"#),
    ]
    .into_iter()
    .enumerate()
    {
        host.reply(Reply::body(body));
        sessions.push(format!("{MARK}-{at}"));
    }
    // Lies with the mark in every place that an error could quote.
    for lie in [
        Reply::raw(&format!("HTTP/1.1 {MARK}\r\n\r\n")),
        Reply::raw(&format!("{MARK}\r\n\r\n")),
        Reply::raw(&format!(
            "HTTP/1.1 200 {MARK}\r\nContent-Length: {MARK}\r\n\r\n"
        )),
        Reply::raw(&format!(
            "HTTP/1.1 500 {MARK}\r\nContent-Length: 0\r\nX: {MARK}\r\n\r\n"
        )),
        Reply::raw(&format!(
            "HTTP/1.1 302 Found\r\nLocation: http://{MARK}/\r\nContent-Length: 0\r\n\r\n"
        )),
        Reply::body(format!("{{\"{MARK}\"")),
        Reply::body(format!("\"{MARK}\"")),
    ] {
        host.reply(lie);
    }
    for session in &sessions {
        assert_eq!(host.result(session), json!({"code": 2001}));
    }
    host.drained();
    let (code, log) = program.terminate();
    assert_eq!(code, Some(0), "{log}");
    assert!(!log.contains(MARK), "{log}");
    assert!(
        log.contains("job failed") && log.contains("code=2001"),
        "the log says something: {log}"
    );
}

#[test]
fn mistakes_in_the_environment_are_named() {
    let (host, nsm) = (Host::start(), nsm::start());
    for (variable, value, words) in [
        (
            "LETSESIGN_JOB_API",
            "https://127.0.0.1:1",
            "must begin with http://",
        ),
        (
            "LETSESIGN_JOB_API",
            "http://host.example:1",
            "names are not resolved",
        ),
        (
            "LETSESIGN_HOST_OVERRIDES",
            "elsewhere:443=127.0.0.1:1",
            "is not in egress.toml",
        ),
        (
            "LETSESIGN_TLS_EXTRA_ROOTS",
            "/nonexistent.pem",
            "/nonexistent.pem is unusable",
        ),
        (
            "LETSESIGN_ATTESTATION_ROOT",
            "/dev/null",
            "holds no certificate",
        ),
        (
            "LETSESIGN_CONFIGS",
            "/nonexistent",
            "cannot read /nonexistent/egress.toml",
        ),
    ] {
        let (code, log) = Program::with(&host, &nsm, &[(variable, value)]).wait();
        assert_eq!(code, Some(1), "{log}");
        assert!(log.contains(words), "expected {words:?} in {log}");
    }
}
