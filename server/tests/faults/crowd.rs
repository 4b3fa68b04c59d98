//! Many jobs at once.

use crate::stage::{Stage, sendgrid_task, task};
use letsesign_proof::{Hash, Por};
use letsesign_testbed::{Answer, Attested, Fault, Link, Step};
use std::collections::HashSet;

const JOBS: usize = 64;

/// Eight workers, jobs of different tasks, and services that fail now and then: every session gets
/// the result of its job, every signer one mail.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_session_gets_its_own_result() {
    let limits = [
        ("workers-per-cpu", "8"),
        ("workers-max", "8"),
        ("keep-ms", "5000"),
    ];
    let mut stage = Stage::start(&limits).await;
    let testbed = &stage.testbed;
    let tasks: Vec<_> = (0..JOBS)
        .map(|number| {
            let mut task = if number % 4 == 3 {
                sendgrid_task()
            } else {
                task()
            };
            task.id = format!("task-of-job-{number:012}");
            task.signers[0].email = format!("job{number}@example.com");
            task.seal()
        })
        .collect();
    testbed
        .kms
        .faults()
        .first(3, Fault::Answer(Answer::status(503)));
    testbed
        .ses
        .faults()
        .first(1, Fault::Reply(Step::Mail, "451 later".to_owned()));
    let mut pending = Vec::new();
    for (number, sealed) in tasks.iter().enumerate() {
        let mut job = sealed.send_req(0);
        if number % 8 == 7 {
            job.set("signerIdx", 1_usize);
        }
        pending.push(testbed.submit("sendReq", &job));
    }
    for (number, pending) in pending.into_iter().enumerate() {
        let sealed = &tasks[number];
        let result = pending.result().await;
        let address = &sealed.task.signers[0].email;
        let mails = testbed.mailbox.mails();
        let mut own = mails
            .iter()
            .filter(|mail| mail.recipients.contains(address));
        if number % 8 == 7 {
            assert_eq!(result["code"], 2102);
            assert!(own.next().is_none(), "{number}");
            continue;
        }
        let por = Attested::of(&result);
        let por = Por::parse(por.result("por")).unwrap();
        assert_eq!(
            por.payload_hash.to_string(),
            sealed.payload_hash(),
            "{number}"
        );
        let link = Link::of(&own.next().unwrap().parsed());
        assert!(own.next().is_none(), "{number}");
        assert_eq!(link.intent["tid"], sealed.task.id);
        assert_eq!(
            Hash::of(link.secret().as_bytes()),
            por.secret_hash,
            "{number}"
        );
    }
    assert_eq!(testbed.jobs.delivered(), JOBS as u64);
    assert!(testbed.jobs.strays().is_empty());
    assert_eq!(testbed.mailbox.count(), JOBS as u64 * 7 / 8);
    let secrets: HashSet<_> = testbed
        .mailbox
        .mails()
        .iter()
        .map(|mail| Link::of(&mail.parsed()).secret().to_owned())
        .collect();
    assert_eq!(secrets.len(), JOBS * 7 / 8);
    // Connections are shared: far fewer than four for each job.
    let connections = testbed.kms.counters().connections();
    assert!(connections <= 8 * 4 + 3, "{connections}");
    stage.works(&"a crowd").await;
    stage.end().await;
}
