//! Hosts and enclaves that are killed.

use crate::rig::{Rig, kill, run};
use crate::task;
use letsesign_testbed::{Fault, Step};
use rustix::process::Signal;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// Codes of jobs whose service could not be reached: the relay died with the host.
const UNREACHED: [u64; 4] = [0, 2002, 2109, 2999];

/// The host is killed again and again, while the enclave lives: no job is lost, every one has one
/// result, and nobody gets a mail twice.
#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_killed_loses_nothing_and_repeats_nothing() {
    // At a time, and kills altogether; a quick machine signs several batches meanwhile.
    const BATCH: usize = 8;
    const KILLS: u64 = 4;
    let rig = Rig::start().await;
    rig.configure("after-exit = \"keep\"");
    let mut host = rig.host();
    host.until_ready().await;
    let servers = rig.servers();
    assert_eq!(servers.len(), 1);
    let (kills, done) = (AtomicU64::new(0), AtomicBool::new(false));
    let client = host.client.clone();
    let tasks = async {
        let mut codes = Vec::new();
        while kills.load(Ordering::Relaxed) < KILLS || codes.is_empty() {
            let numbers = codes.len()..codes.len() + BATCH;
            let batch = numbers.map(|number| task::try_sign(&rig, &client, number));
            codes.extend(futures_util::future::join_all(batch).await);
        }
        done.store(true, Ordering::Relaxed);
        codes
    };
    let killer = async {
        while !done.load(Ordering::Relaxed) {
            // Odd times, so that every step of a job meets one.
            let kill = kills.load(Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(400 + 137 * (kill % 7))).await;
            host.kill();
            host = rig.host();
            kills.store(kill + 1, Ordering::Relaxed);
        }
    };
    let (codes, ()) = tokio::join!(tasks, killer);
    assert!(
        codes.iter().all(|code| UNREACHED.contains(code)),
        "{codes:?}"
    );
    assert!(codes.contains(&0), "some went all the way: {codes:?}");
    host.until_ready().await;
    assert_eq!(
        rig.servers(),
        servers,
        "the enclave was taken over each time"
    );
    rig.no_mail_twice(codes.len());
    let jobs = host.status().await.jobs;
    let open: u64 = ["queued", "offered", "begun", "unknown"]
        .map(|state| jobs[state])
        .iter()
        .sum();
    assert_eq!(open, 0, "{jobs:?}");
    host.terminate().await;
    assert_eq!(rig.servers(), servers, "it runs on");
}

/// The enclave is killed while it mails: what had begun waits for a person, what had not is worked
/// by the next start.
#[tokio::test(flavor = "multi_thread")]
async fn what_an_enclave_had_begun_when_it_died_is_unknown() {
    let rig = Rig::start().await;
    let host = rig.host();
    host.until_ready().await;
    // The mail is on its way for ever.
    rig.testbed.ses.faults().always(Fault::HangAt(Step::Data));
    let submitted = rig.submit("a.example", "sendReq", &task::first_job(0));
    let id = submitted.text.trim().to_owned();
    host.until("it begins", |status| status.jobs["begun"] == 1)
        .await;
    let servers = rig.servers();
    kill(servers[0], Signal::KILL);
    host.until("it is unknown", |status| status.jobs["unknown"] == 1)
        .await;
    host.until_ready().await;
    assert_ne!(rig.servers(), servers);
    rig.testbed.ses.faults().clear();
    // Nobody works it again by itself.
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(host.status().await.jobs["unknown"], 1);
    assert!(run(&rig, &["status"]).text.contains("decide unknown jobs"));
    let decided = run(&rig, &["jobs", "decide", &id, "--retry"]);
    assert_eq!(decided.text, "queued again\n", "{}", decided.errors);
    host.until("it is done", |status| status.jobs["done"] == 1)
        .await;
    let history = run(&rig, &["jobs", "show", &id]).text;
    assert!(
        history.contains("begun") && history.contains("the operator"),
        "{history}"
    );
    host.terminate().await;
}

/// A backup that was restored: a job that it calls queued may have mailed since.
#[tokio::test(flavor = "multi_thread")]
async fn after_a_restore_unfinished_jobs_wait_for_a_person() {
    let rig = Rig::start().await;
    let mut host = rig.host();
    host.until_ready().await;
    rig.testbed.ses.faults().always(Fault::HangAt(Step::Data));
    let submitted = rig.submit("a.example", "sendReq", &task::first_job(0));
    assert_eq!(submitted.code, 0, "{}", submitted.errors);
    host.until("it begins", |status| status.jobs["begun"] == 1)
        .await;
    host.kill();
    for server in rig.servers() {
        kill(server, Signal::KILL);
    }
    rig.testbed.ses.faults().clear();
    let marked = run(&rig, &["jobs", "restored"]);
    assert_eq!(
        marked.text, "1 unfinished jobs are unknown now\n",
        "{}",
        marked.errors
    );
    let host = rig.host();
    host.until_ready().await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let jobs = host.status().await.jobs;
    assert_eq!(
        (jobs["unknown"], jobs["begun"], jobs["queued"]),
        (1, 0, 0),
        "{jobs:?}"
    );
    host.terminate().await;
}
