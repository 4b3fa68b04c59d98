//! SIGTERM in the middle of jobs.

use crate::stage::{Stage, code, sendgrid_task, task, until};
use letsesign_testbed::{Fault, Step};
use std::time::Duration;

const LATE: Duration = Duration::from_millis(700);

/// Where a job is when the signal comes.
#[derive(Debug, Clone, Copy)]
enum At {
    Kms,
    Ses(Step),
    SendGrid,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_in_the_middle_is_finished_and_answered() {
    for at in [
        At::Kms,
        At::Ses(Step::Mail),
        At::Ses(Step::Dot),
        At::SendGrid,
    ] {
        let mut stage = Stage::start(&[]).await;
        stage.works(&"the start").await;
        let (testbed, mails) = (&stage.testbed, stage.testbed.mailbox.count());
        let (faults, task) = match at {
            At::Kms => (testbed.kms.faults(), task()),
            At::Ses(_) => (testbed.ses.faults(), task()),
            At::SendGrid => (testbed.sendgrid.faults(), sendgrid_task()),
        };
        faults.next(match at {
            At::Ses(step) => Fault::DelayAt(step, LATE),
            _ => Fault::Delay(LATE),
        });
        let pending = testbed.submit("sendReq", &task.seal().send_req(0));
        until("the service's turn", || faults.waiting() == 0).await;
        let ((end, log), result) = tokio::join!(stage.server.terminate(), pending.result());
        assert_eq!((end, code(&result)), (Some(0), 0), "{at:?}\n{log}");
        assert_eq!(testbed.mailbox.count(), mails + 1, "{at:?}");
        assert_eq!(testbed.jobs.strays().len(), 0, "{at:?}");
    }
}

/// While it stops, the server still retries failed deliveries and mails.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_job_has_all_its_tries() {
    let stage = Stage::start(&[("mail-step-ms", "400")]).await;
    let testbed = &stage.testbed;
    testbed.ses.faults().next(Fault::HangAt(Step::Mail));
    testbed.jobs.deliveries().first(3, Fault::ResetAfter(0));
    let pending = testbed.submit("sendReq", &task().seal().send_req(0));
    until("the mail", || testbed.ses.faults().waiting() == 0).await;
    let ((end, log), result) = tokio::join!(stage.server.terminate(), pending.result());
    assert_eq!((end, code(&result)), (Some(0), 0), "{log}");
    assert_eq!((testbed.mailbox.count(), testbed.jobs.delivered()), (1, 4));
}

/// No new jobs: those that wait at the host stay there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_that_wait_are_left_to_the_host() {
    let stage = Stage::start(&[("workers-max", "1")]).await;
    let testbed = &stage.testbed;
    testbed.kms.faults().next(Fault::Delay(LATE));
    let job = task().seal().send_req(0);
    let first = testbed.submit("sendReq", &job);
    let rest: Vec<_> = (0..4).map(|_| testbed.submit("sendReq", &job)).collect();
    until("the first", || testbed.kms.faults().waiting() == 0).await;
    let ((end, log), result) = tokio::join!(stage.server.terminate(), first.result());
    assert_eq!((end, code(&result)), (Some(0), 0), "{log}");
    assert_eq!(
        (testbed.jobs.queued(), testbed.mailbox.count()),
        (rest.len(), 1)
    );
}

/// Beyond the grace period the server ends all the same, and says so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_hangs_does_not_keep_the_server() {
    for (at, mails) in [
        (At::Kms, 0),
        (At::Ses(Step::Mail), 0),
        (At::Ses(Step::Dot), 1),
    ] {
        let stage = Stage::start(&[("grace-ms", "300")]).await;
        let testbed = &stage.testbed;
        let faults = match at {
            At::Kms => testbed.kms.faults(),
            _ => testbed.ses.faults(),
        };
        faults.next(match at {
            At::Ses(step) => Fault::HangAt(step),
            _ => Fault::HangAtRequest,
        });
        let mut pending = testbed.submit("sendReq", &task().seal().send_req(0));
        until("the service's turn", || faults.waiting() == 0).await;
        until("the mail", || testbed.mailbox.count() == mails).await;
        let (end, log) = stage.server.terminate().await;
        assert_eq!(end, Some(1), "{at:?}\n{log}");
        assert!(log.contains("jobs were still running"), "{log}");
        assert_eq!(pending.within(Duration::from_millis(50)).await, None);
        assert_eq!(
            (testbed.mailbox.count(), testbed.jobs.delivered()),
            (mails, 0),
            "{at:?}"
        );
    }
}
