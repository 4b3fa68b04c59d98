//! No job runs twice, and no finished result is lost (docs/job-protocol.md, "Sessions" and
//! "Begin").

use crate::stage::{IMPATIENT, Stage, code, task, until};
use letsesign_testbed::{Answer, Fault, Step, client};
use serde_json::Value;
use std::time::Duration;

/// An answer to `get-job`.
fn body(session: &str, data: &str) -> String {
    format!(r#"{{"session":"{session}","jobName":"sendReq","jobData":{data}}}"#)
}

/// The smallest job that mails once.
fn request() -> String {
    task().seal().send_req(0).to_text()
}

async fn offer(stage: &Stage, session: &str, body: &str) -> Value {
    let jobs = &stage.testbed.jobs;
    jobs.submit_raw(session, body.to_owned()).result().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_finished_job_that_comes_again_gives_the_same_result_without_work() {
    let stage = Stage::start(&[]).await;
    let body = body("again", &request());
    let first = offer(&stage, "again", &body).await;
    assert_eq!(code(&first), 0);
    let testbed = &stage.testbed;
    let (mails, keys) = (testbed.mailbox.count(), testbed.kms.counters().requests());
    for _ in 0..3 {
        assert_eq!(offer(&stage, "again", &body).await, first);
    }
    // Another spelling of the envelope around the same job is the same job.
    let spaced = format!(" {} ", body.replacen(',', " , ", 1));
    assert_eq!(offer(&stage, "again", &spaced).await, first);
    assert_eq!((testbed.mailbox.count(), mails), (1, 1));
    assert_eq!(testbed.kms.counters().requests(), keys);
    assert_eq!(testbed.jobs.begun(), ["again"]);
    let offered = testbed.jobs.offered();
    assert!(offered.windows(2).all(|pair| pair[0] == pair[1]));
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_session_of_one_job_does_not_run_another() {
    let stage = Stage::start(&[]).await;
    let first = body("mine", &request());
    assert_eq!(code(&offer(&stage, "mine", &first).await), 0);
    for other in [
        body("mine", &request()),
        first.replacen("sendReq", "attachEsig", 1),
        first.replacen("\"jobData\":{", "\"jobData\":{ ", 1),
    ] {
        assert_eq!(code(&offer(&stage, "mine", &other).await), 2001);
    }
    assert_eq!(stage.testbed.mailbox.count(), 1);
    // The first one is still there.
    assert_eq!(code(&offer(&stage, "mine", &first).await), 0);
    assert_eq!(stage.testbed.mailbox.count(), 1);
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_comes_again_while_it_runs_waits_for_the_one() {
    let stage = Stage::start(&[("workers-per-cpu", "8"), ("workers-max", "4")]).await;
    let testbed = &stage.testbed;
    let faults = testbed.ses.faults();
    faults.next(Fault::DelayAt(Step::Mail, Duration::from_millis(500)));
    let body = body("twin", &request());
    let mut pending = testbed.jobs.submit_raw("twin", body.clone());
    until("the mail's begin", || faults.waiting() == 0).await;
    // Two may wait; the third is left to the one that runs, and no worker is held.
    for _ in 0..3 {
        pending = testbed.jobs.submit_raw("twin", body.clone());
    }
    until("their turn", || testbed.jobs.queued() == 0).await;
    let other = body.replacen("\"jobData\":{", "\"jobData\":{ ", 1);
    assert_eq!(code(&offer(&stage, "twin", &other).await), 2001);
    drop(pending);
    until("the results", || testbed.jobs.delivered() == 4).await;
    let results: Vec<_> = testbed.jobs.strays();
    assert!(
        results
            .iter()
            .all(|(session, result)| session == "twin" && code(result) == 0)
    );
    assert_eq!(
        (testbed.mailbox.count(), testbed.jobs.begun().len()),
        (1, 1)
    );
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_whose_result_is_gone_is_not_worked_again() {
    for limits in [
        [("kept-results", "1"), ("workers-max", "2")],
        [("kept-bytes", "7000"), ("workers-max", "2")],
        [("kept-bytes", "10"), ("workers-max", "2")],
        [("kept-ms", "1"), ("workers-max", "2")],
    ] {
        let mut stage = Stage::start(&limits).await;
        let body = body("old", &request());
        assert_eq!(code(&offer(&stage, "old", &body).await), 0);
        stage.works(&"one more job").await;
        assert_eq!(code(&offer(&stage, "old", &body).await), 2001, "{limits:?}");
        assert_eq!(stage.testbed.mailbox.count(), 2, "{limits:?}");
        stage.end().await;
    }
}

/// The host is away for longer than a result is offered. It comes back and asks for the result by
/// the same job.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_result_that_was_never_taken_is_there_when_the_job_comes_again() {
    let mut stage = Stage::start(&[("delivery-ms", "300"), ("workers-max", "1")]).await;
    let testbed = &stage.testbed;
    testbed
        .jobs
        .deliveries()
        .always(Fault::Answer(Answer::status(500)));
    let body = body("late", &request());
    drop(testbed.jobs.submit_raw("late", body.clone()));
    until("the end of its offers", || {
        stage
            .server
            .log()
            .contains("waits for its job to come again")
    })
    .await;
    testbed.jobs.deliveries().clear();
    let result = offer(&stage, "late", &body).await;
    assert_eq!((code(&result), testbed.mailbox.count()), (0, 1));
    stage.works(&"a result that was late").await;
    stage.end().await;
}

/// Never a mail of a job that the host might not know to have begun.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_hosts_answer_there_is_no_mail() {
    for fault in [
        Fault::Answer(Answer::status(500)),
        Fault::Answer(Answer::status(302)),
        Fault::Answer(Answer::status(403)),
        Fault::HangAtRequest,
        Fault::Raw(b"garbage\r\n\r\n".to_vec(), true),
        Fault::ResetAfter(0),
        Fault::CloseAfter(7),
    ] {
        let mut stage = Stage::start(&[&IMPATIENT[..], &[("begin-ms", "900")]].concat()).await;
        let testbed = &stage.testbed;
        let begins = testbed.jobs.begins();
        begins.always(fault.clone());
        let mut mailing = task();
        mailing.notificant = "office@example.com".into();
        let outcome = stage.ask(&mailing.seal()).await;
        assert_eq!((outcome.code, outcome.mails), (2999, 0), "{fault:?}");
        assert_eq!(outcome.mail.connections, 0, "{fault:?}");
        assert!(begins.struck() > 1, "{fault:?}");
        // The mail about a failure is an effect, too.
        let failing = mailing.clone().with_phone(0, "+886912345678");
        let mut job = failing.seal().send_req(0);
        job.remove("taskPayload.privateTaskInfo.encryptedTwilioConfig");
        let result = testbed.run("sendReq", &job).await;
        assert_eq!(
            (code(&result), testbed.mailbox.count()),
            (2103, 0),
            "{fault:?}"
        );
        begins.clear();
        let result = testbed.run("sendReq", &job).await;
        assert_eq!(
            (code(&result), testbed.mailbox.count()),
            (2103, 1),
            "{fault:?}"
        );
        // A temporary fault changes nothing.
        begins.next(fault.clone());
        stage.works(&fault).await;
        stage.end().await;
    }
}

/// A host that does not know the call answers 404, and gets its mails.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_without_the_call_is_served() {
    let mut stage = Stage::start(&[]).await;
    let begins = stage.testbed.jobs.begins();
    begins.always(Fault::Answer(Answer::status(404)));
    let mut mailing = task();
    mailing.notificant = "office@example.com".into();
    let outcome = stage.ask(&mailing.seal()).await;
    assert_eq!((outcome.code, outcome.mails), (0, 2));
    assert_eq!(stage.testbed.jobs.begins().struck(), 1, "once for each job");
    stage.works(&"a host without the call").await;
    stage.end().await;
}

/// Each job that has an effect begins once, before it; a job that has none never begins.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_begin_once_and_only_with_an_effect() {
    let stage = Stage::start(&[]).await;
    let testbed = &stage.testbed;
    let mut task = task().with_signers(2).with_phone(1, "+886912345678");
    task.notificant = "office@example.com".into();
    let sealed = task.seal();
    client::sign(testbed, &sealed).await;
    let begun = testbed.jobs.begun();
    let mut once = begun.clone();
    once.dedup();
    assert_eq!(begun, once);
    // Two requests, two confirmations and an SMS, the end.
    assert_eq!(begun.len(), 6);
    let mut wrong = sealed.send_req(1);
    wrong.set("signerIdx", 9_usize);
    assert_eq!(code(&testbed.run("sendReq", &wrong).await), 2102);
    let nonce = letsesign_testbed::Json::object([("nonce", "AAAAAAAAAAAAAAAAAAAAAA==".into())]);
    assert_eq!(code(&testbed.run("selfTest", &nonce).await), 0);
    assert_eq!(testbed.jobs.begun().len(), 6);
    stage.end().await;
}

/// The SMS and the signed document wait for the host's answer as well.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_sms_and_a_signed_document_wait_for_the_hosts_answer() {
    let stage = Stage::start(&[("begin-ms", "100")]).await;
    let testbed = &stage.testbed;
    let sealed = task().with_phone(0, "+886912345678").seal();
    let (por, secret) = stage.asked(&sealed, 0).await;
    let refuse = || {
        let begins = testbed.jobs.begins();
        begins.always(Fault::Answer(Answer::status(503)));
    };
    refuse();
    let confirm = sealed.confirm_intent(&secret, &por);
    let result = testbed.run("confirmIntent", &confirm).await;
    assert_eq!(code(&result), 2999);
    // The server read the service's settings and sent nothing.
    assert!(testbed.twilio.sms().is_empty());
    testbed.jobs.begins().clear();
    let plain = task().seal();
    let signed = client::sign(testbed, &plain).await;
    let mails = testbed.mailbox.count();
    refuse();
    let result = testbed
        .run("attachEsig", &plain.attach_esig(&signed.pois))
        .await;
    assert_eq!((code(&result), testbed.mailbox.count()), (2999, mails));
    stage.end().await;
}

/// When the table of sessions is full, the server finishes its jobs and ends; it forgets none.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_memory_of_sessions_ends_the_server() {
    let mut stage = Stage::start(&[("sessions-begun", "2"), ("workers-max", "1")]).await;
    stage.works(&"the start").await;
    stage.works(&"the first").await;
    let waits = stage.testbed.submit("sendReq", &task().seal().send_req(0));
    let (end, log) = tokio::task::spawn_blocking(move || stage.server.wait())
        .await
        .unwrap();
    assert_eq!(end, Some(0), "{log}");
    assert!(log.contains("no more sessions can be remembered"), "{log}");
    drop(waits);
}

/// Whatever hangs, a job gets its result before its deadline; the code does not deny a mail that
/// went out.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_is_answered_in_its_time() {
    for (hang, mails) in [(None, 0), (Some(Step::Mail), 0), (Some(Step::Dot), 1)] {
        let mut stage = Stage::start(&[("job-ms", "1500"), ("workers-max", "1")]).await;
        let testbed = &stage.testbed;
        match hang {
            None => testbed.kms.faults().always(Fault::HangAtRequest),
            Some(step) => testbed.ses.faults().always(Fault::HangAt(step)),
        }
        let outcome = stage.ask(&task().seal()).await;
        assert_eq!((outcome.code, outcome.mails), (2999, mails), "{hang:?}");
        assert!(stage.server.writes("its time is over"));
        stage.works(&hang).await;
        stage.end().await;
    }
}
