//! The whole host as a process, with the emulated server as its enclave and the testbed's services
//! behind its relay: what an operator runs, but for AWS.

#![cfg(test)]

mod bucket;
#[allow(dead_code, unreachable_pub, reason = "the queue's tests use all of it")]
#[path = "../../../host/tests/queue/cluster.rs"]
mod cluster;
mod crowd;
mod faults;
mod load;
mod qemu;
mod rig;
mod service;
mod task;

use rig::{Rig, run};
use std::os::unix::fs::PermissionsExt;

/// The way of many tasks, several at a time: every result, and every mail once.
#[tokio::test(flavor = "multi_thread")]
async fn tasks_are_signed_through_the_host() {
    let rig = Rig::start().await;
    let host = rig.host();
    host.until_ready().await;
    let tasks = (0..8).map(|number| task::sign(&rig, &host.client, number));
    futures_util::future::join_all(tasks).await;
    let status = host.status().await;
    assert_eq!(status.jobs["done"], 8 * 3, "{status:?}");
    rig.every_mail_once(8);
    // The relay carried it: nothing else leads from the server to the services.
    let metrics = host.metrics().await;
    for service in [
        "kms.us-east-1.amazonaws.com:443",
        "email-smtp.us-east-1.amazonaws.com:587",
    ] {
        assert!(metrics.contains(service), "{metrics}");
    }
    assert!(
        metrics.contains("letsesign_host_queue_jobs{state=\"done\"} 24"),
        "{metrics}"
    );
    assert!(
        metrics.contains("letsesign_host_enclaves{phase=\"serving\"} 1"),
        "{metrics}"
    );
    host.terminate().await;
    assert_eq!(
        rig.servers(),
        Vec::<i32>::new(),
        "in emulation enclaves end with the host"
    );
}

/// The command line against a running host.
#[tokio::test(flavor = "multi_thread")]
async fn an_operator_sees_upgrades_and_drains() {
    let rig = Rig::start().await;
    // A folder that was open to others is closed.
    std::fs::create_dir(rig.path("state")).unwrap();
    let open = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(rig.path("state"), open).unwrap();
    // A look makes nothing: a key that root made would be of no use to the service.
    let checked = run(&rig, &["check"]);
    assert!(
        checked.text.contains("the first start makes it"),
        "{}",
        checked.text
    );
    assert_eq!(std::fs::read_dir(rig.path("state")).unwrap().count(), 0);
    let missing = run(&rig, &["status"]);
    assert_eq!(missing.code, 1);
    assert!(
        missing.errors.contains("Is it running"),
        "{}",
        missing.errors
    );
    let host = rig.host();
    host.until_ready().await;
    for (name, mode) in [
        ("state", 0o700),
        ("state/control.sock", 0o600),
        ("state/payload.key", 0o400),
    ] {
        let found = std::fs::metadata(rig.path(name))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(found & 0o777, mode, "{name}");
    }
    let status = run(&rig, &["status"]);
    assert_eq!(status.code, 0, "{}", status.errors);
    assert!(status.text.contains("serving, attested"), "{}", status.text);
    assert!(
        status.text.contains("nothing is protected"),
        "{}",
        status.text
    );

    let same = run(&rig, &["upgrade", &Rig::server().display().to_string()]);
    assert!(
        same.errors.contains("active release 1 already"),
        "{}",
        same.errors
    );
    let marked = run(&rig, &["jobs", "restored"]);
    assert!(
        marked.errors.contains("stop this host"),
        "{}",
        marked.errors
    );
    let second = run(&rig, &["run"]);
    assert!(
        second.errors.contains("another letsesign-host uses"),
        "{}",
        second.errors
    );
    let drained = run(&rig, &["drain"]);
    assert!(
        drained.text.contains("drained"),
        "{} {}",
        drained.text,
        drained.errors
    );
    assert_eq!(
        run(&rig, &["status"]).code,
        1,
        "a host without enclaves is not ready"
    );
    host.terminate().await;
}

/// Jobs by the command line: submitted, listed, shown, and refused where they are wrong.
#[tokio::test(flavor = "multi_thread")]
async fn an_operator_submits_and_looks_at_jobs() {
    let rig = Rig::start().await;
    let host = rig.host();
    host.until_ready().await;
    let refused = rig.submit("a\u{1b}[2J", "selfTest", "{\"nonce\": 1}");
    assert!(refused.errors.contains("the sender"), "{}", refused.errors);
    let submitted = rig.submit("a.example", "selfTest", "{\"nonce\": 1}");
    assert_eq!(submitted.code, 0, "{}", submitted.errors);
    let id = submitted.text.trim().to_owned();
    host.until("the job fails", |status| status.jobs["failed"] == 1)
        .await;
    let list = run(&rig, &["jobs", "list", "--state", "failed"]).text;
    assert!(list.contains(&id) && list.contains("2001"), "{list}");
    let shown = run(&rig, &["jobs", "show", &id]).text;
    assert!(
        shown.contains("submitted") && shown.contains("offered"),
        "{shown}"
    );
    let result = run(&rig, &["jobs", "result", &id]).text;
    let result: serde_json::Value = serde_json::from_str(&result).unwrap();
    assert_eq!(result["jobResult"]["code"], 2001);
    let refused = run(&rig, &["jobs", "decide", &id, "--fail"]);
    assert_eq!(refused.code, 1);
    assert!(
        refused.errors.contains("only unknown jobs are decided"),
        "{}",
        refused.errors
    );
    let none = run(&rig, &["jobs", "show", &"0".repeat(32)]);
    assert!(none.errors.contains("there is no job"), "{}", none.errors);
    let none = run(&rig, &["jobs", "show", "../status"]);
    assert!(none.errors.contains("32 lower-case"), "{}", none.errors);
    let refused = rig.submit("a.example", "selfTest", "[]");
    assert!(
        refused.code == 1 && refused.errors.contains("payload"),
        "{}",
        refused.errors
    );
    host.terminate().await;
}
