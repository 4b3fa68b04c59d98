//! The host lies, goes away and comes back (docs/job-protocol.md).

use crate::stage::{IMPATIENT, MIB, Stage, code, task, until};
use letsesign_testbed::{Answer, Fault, Step};
use std::time::Duration;

/// A whole job in an answer that is none: it must not run, although its JSON is complete.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_in_a_broken_answer_does_not_run() {
    let mut stage = Stage::start(&[&IMPATIENT[..], &[("workers-max", "1")]].concat()).await;
    stage.works(&"the start").await;
    let job = task().seal().send_req(0).to_text();
    let body = format!(r#"{{"session":"broken","jobName":"sendReq","jobData":{job}}}"#);
    let (length, body) = (body.len(), body.into_bytes());
    let raw = |head: &str, tail: &str, close| {
        let head = format!("HTTP/1.1 200 -\r\n{head}\r\n\r\n");
        Fault::Raw([head.as_bytes(), &body, tail.as_bytes()].concat(), close)
    };
    let chunk = format!("transfer-encoding: chunked\r\n\r\n{length:x}");
    let gzip = Answer::json(200, body.clone()).with("content-encoding", "gzip");
    for fault in [
        raw(&format!("content-length: {}", length + 1), "", true),
        raw(&format!("content-length: {}", length + 1), "", false),
        raw("content-type: application/json", "", true),
        // A chunk, but no last one.
        Fault::Raw(
            [
                b"HTTP/1.1 200 -\r\n",
                chunk.as_bytes(),
                b"\r\n",
                &body,
                b"\r\n",
            ]
            .concat(),
            true,
        ),
        Fault::Answer(gzip),
        Fault::Answer(Answer {
            status: 203,
            ..Answer::json(200, body.clone())
        }),
        Fault::Answer(Answer {
            status: 500,
            ..Answer::json(200, body.clone())
        }),
        raw("content-length: 52428801", "", true),
        Fault::Oversize {
            bytes: 50 * MIB + 1,
            chunked: false,
        },
        Fault::Oversize {
            bytes: 50 * MIB + 1,
            chunked: true,
        },
    ] {
        let mails = stage.testbed.mailbox.count();
        let struck = stage.testbed.jobs.questions().struck();
        stage.testbed.jobs.questions().next(fault.clone());
        until("the fault", || {
            stage.testbed.jobs.questions().struck() > struck
        })
        .await;
        stage.works(&"a broken answer").await;
        assert_eq!(stage.testbed.mailbox.count(), mails + 1);
    }
    assert!(
        stage.testbed.jobs.strays().is_empty(),
        "{:?}",
        stage.testbed.jobs.strays()
    );
    // At most one answer at its limit was in memory.
    let peak = stage.server.usage().peak;
    assert!(peak < 180 * MIB, "{peak} bytes");
    stage.end().await;
}

/// Whatever the host does with a result, it gets the same bytes until it has taken them, and
/// nothing is mailed twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_result_is_offered_until_it_is_taken() {
    let mut stage = Stage::start(&[&IMPATIENT[..], &[("workers-max", "1")]].concat()).await;
    stage.works(&"the start").await;
    // And whether the host had taken it all the same.
    for (fault, taken) in [
        (Fault::Answer(Answer::status(500)), false),
        (Fault::Answer(Answer::status(404)), false),
        (Fault::Answer(Answer::status(301)), false),
        (Fault::HangAtRequest, false),
        (Fault::Raw(b"garbage\r\n\r\n".to_vec(), true), false),
        (Fault::ResetAfter(0), true),
        (Fault::CloseAfter(0), true),
        (Fault::CloseAfter(7), true),
    ] {
        let testbed = &stage.testbed;
        let (mails, delivered) = (testbed.mailbox.count(), testbed.jobs.delivered());
        let strays = testbed.jobs.strays().len();
        testbed.jobs.deliveries().first(3, fault.clone());
        let sealed = task().seal();
        let result = testbed.run("sendReq", &sealed.send_req(0)).await;
        assert_eq!(code(&result), 0, "{fault:?}");
        until("the last delivery", || {
            testbed.jobs.deliveries().waiting() == 0
        })
        .await;
        // The next job of the only worker comes when the result was taken.
        stage.works(&fault).await;
        let testbed = &stage.testbed;
        assert_eq!(testbed.mailbox.count() - mails, 2, "{fault:?}");
        let times = if taken { 4 } else { 1 };
        assert_eq!(testbed.jobs.delivered() - delivered, times + 1, "{fault:?}");
        // Four times the same, then that of the next job.
        let offered = testbed.jobs.offered();
        let [.., a, b, c, d, next] = offered.as_slice() else {
            panic!("{}", offered.len());
        };
        assert!(a == b && b == c && c == d && d != next, "{fault:?}");
        let repeated = testbed.jobs.strays();
        assert_eq!(repeated.len() - strays, usize::try_from(times - 1).unwrap());
        assert!(
            repeated
                .iter()
                .take(repeated.len() - strays)
                .all(|stray| stray.1 == result)
        );
    }
    // A head is enough, whatever becomes of the body.
    for fault in [
        Fault::HangAfterHead,
        Fault::Raw(
            b"HTTP/1.1 202 -\r\ncontent-length: 9\r\n\r\n".to_vec(),
            true,
        ),
        Fault::Answer(Answer::status(204)),
        Fault::Oversize {
            bytes: 50 * MIB + 1,
            chunked: true,
        },
    ] {
        let offered = stage.testbed.jobs.offered().len();
        let struck = stage.testbed.jobs.deliveries().struck();
        stage.testbed.jobs.deliveries().next(fault.clone());
        let pending = stage.testbed.submit("sendReq", &task().seal().send_req(0));
        until("the delivery", || {
            stage.testbed.jobs.deliveries().struck() > struck
        })
        .await;
        drop(pending);
        stage.works(&fault).await;
        assert_eq!(stage.testbed.jobs.offered().len(), offered + 2, "{fault:?}");
    }
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_result_that_is_never_taken_is_given_up() {
    let mut stage = Stage::start(&[("delivery-ms", "500"), ("workers-max", "1")]).await;
    stage
        .testbed
        .jobs
        .deliveries()
        .always(Fault::Answer(Answer::status(500)));
    let lost = stage.testbed.submit("sendReq", &task().seal().send_req(0));
    until("the end", || {
        stage.server.log().contains("a result waits for its job")
    })
    .await;
    stage.testbed.jobs.deliveries().clear();
    assert!(stage.testbed.jobs.offered().len() > 2);
    drop(lost);
    stage.works(&"a lost result").await;
    // Once for each job.
    assert_eq!(stage.testbed.mailbox.count(), 2);
    stage.end().await;
}

/// The host goes away while a job runs. Its result comes when the host is back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_host_goes_away_and_comes_back() {
    let mut stage = Stage::start(&[]).await;
    stage.works(&"the start").await;
    for away in [Fault::Reset, Fault::Garbage(b"220 hello\r\n".to_vec())] {
        let testbed = &stage.testbed;
        let mails = testbed.mailbox.count();
        testbed
            .ses
            .faults()
            .next(Fault::DelayAt(Step::Mail, Duration::from_millis(200)));
        let mut pending = testbed.submit("sendReq", &task().seal().send_req(0));
        until("the mail's begin", || testbed.ses.faults().waiting() == 0).await;
        testbed.jobs.deliveries().next(Fault::Raw(Vec::new(), true));
        let refused = testbed.jobs.connections().struck();
        testbed.jobs.connections().always(away.clone());
        until("some tries", || {
            testbed.jobs.connections().struck() > refused + 10
        })
        .await;
        assert_eq!(pending.within(Duration::from_millis(1)).await, None);
        testbed.jobs.connections().clear();
        assert_eq!(code(&pending.result().await), 0, "{away:?}");
        assert_eq!(testbed.mailbox.count(), mails + 1);
        stage.works(&away).await;
    }
    stage.end().await;
}
