//! SIGTERM.

use crate::host::{Host, Reply, job};
use crate::nsm;
use crate::program::Program;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;

fn ordinary(session: &str) -> Reply {
    Reply::json(&job(
        session,
        "selfTest",
        &json!({"nonce": BASE64_STANDARD.encode([7; 16])}),
    ))
}

#[test]
fn an_idle_server_stops_with_0() {
    let (host, nsm) = (Host::start(), nsm::start());
    let mut program = Program::start(&host, &nsm);
    host.questions(3);
    let (code, log) = program.terminate();
    assert_eq!(code, Some(0), "{log}");
    assert!(
        log.contains("stopping: no new jobs are taken") && log.contains("stopped"),
        "{log}"
    );
}

#[test]
fn a_server_without_a_host_stops_with_0() {
    let nsm = nsm::start();
    let host = Host::start();
    let nobody = "http://127.0.0.1:9";
    let mut program = Program::with(&host, &nsm, &[("LETSESIGN_JOB_API", nobody)]);
    std::thread::sleep(std::time::Duration::from_millis(300));
    let (code, log) = program.terminate();
    assert_eq!(code, Some(0), "{log}");
    // Connection errors are silent retries.
    assert!(!log.contains("connect"), "{log}");
}

#[test]
fn a_silent_host_does_not_keep_it() {
    let (host, nsm) = (Host::start(), nsm::start());
    let mut program = Program::start(&host, &nsm);
    host.reply(Reply::Silence);
    host.questions(1);
    assert_eq!(program.terminate().0, Some(0));
}

#[test]
fn a_finished_job_is_still_delivered() {
    let (host, nsm) = (Host::start(), nsm::start());
    let mut program = Program::start(&host, &nsm);
    // The result is refused a while, so that the signal comes before it is taken.
    for _ in 0..40 {
        host.receipt(Reply::status(503));
    }
    host.reply(ordinary("late"));
    while !host
        .requests()
        .iter()
        .any(|request| request.starts_with("POST"))
    {
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    assert_eq!(host.results(), 0);
    let (code, log) = program.terminate();
    assert_eq!(code, Some(0), "{log}");
    assert_eq!(host.result("late")["code"], 0);
}
