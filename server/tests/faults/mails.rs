//! Mails that fail, and the resulting codes: docs/signing.md.

use crate::stage::{Stage, code, sendgrid_task, task};
use letsesign_testbed::{Answer, Attested, Fault, Mail, Step, Task, client};
use std::sync::Arc;
use std::time::Duration;

const NOTIFICANT: &str = "notificant@example.com";

fn notified(task: Task) -> Task {
    Task {
        notificant: NOTIFICANT.to_owned(),
        ..task
    }
}

fn refused(step: Step) -> Fault {
    Fault::Reply(step, "550 no".to_owned())
}

/// A fault that changes nothing, so that the next one meets the next mail.
fn pass(step: Step) -> Fault {
    Fault::DelayAt(step, Duration::ZERO)
}

fn only(mails: &[Arc<Mail>]) -> &Mail {
    assert_eq!(mails.len(), 1);
    &mails[0]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_whose_mail_is_out_did_not_fail() {
    let mut stage = Stage::start(&[]).await;
    let sealed = notified(task()).seal();
    // Refused; taken without an answer; broken twice.
    for faults in [
        vec![refused(Step::Rcpt)],
        vec![Fault::CloseAt(Step::Dot)],
        vec![Fault::CloseAt(Step::Rcpt), Fault::CloseAt(Step::Rcpt)],
    ] {
        let (Fault::CloseAt(step) | Fault::Reply(step, _)) = faults[0] else {
            panic!("no step: {faults:?}");
        };
        let queue = stage.testbed.ses.faults();
        queue.next(pass(step));
        for fault in &faults {
            queue.next(fault.clone());
        }
        let before = stage.testbed.mailbox.count();
        let outcome = stage.ask(&sealed).await;
        assert_eq!(outcome.code, 2108, "{faults:?}");
        // The signer's mail, perhaps "received", and nothing else: no mail says that
        // it failed.
        let mails = stage.testbed.mailbox.since(before);
        assert_eq!(mails[0].recipients, ["signer0@example.com"], "{faults:?}");
        let tries = faults.len() as u64;
        assert_eq!(outcome.mail.connections, 1 + tries, "{faults:?}");
        assert_eq!(
            mails.len(),
            1 + usize::from(step == Step::Dot),
            "{faults:?}"
        );
        stage.works(&faults).await;
    }
    // The provider changes its mind about the credentials.
    let queue = stage.testbed.sendgrid.faults();
    queue.next(Fault::Answer(Answer::status(202)));
    queue.next(Fault::Answer(Answer::status(401)));
    let outcome = stage.ask(&notified(sendgrid_task()).seal()).await;
    assert_eq!(
        (outcome.code, outcome.mail.requests, outcome.mails),
        (2010, 2, 0)
    );
    stage.works(&"received").await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sender_is_notified_that_a_request_failed() {
    let mut stage = Stage::start(&[]).await;
    for fault in [refused(Step::Rcpt), Fault::NoStartTls] {
        let before = stage.testbed.mailbox.count();
        stage.testbed.ses.faults().next(fault.clone());
        let outcome = stage.ask(&notified(task()).seal()).await;
        assert_eq!((outcome.code, outcome.mails), (2109, 1), "{fault:?}");
        let mails = stage.testbed.mailbox.since(before);
        let mail = only(&mails);
        assert_eq!(mail.recipients, [NOTIFICANT]);
        let text = mail.parsed().text.unwrap();
        assert!(!text.contains("action=submitIntent"), "{text}");
    }
    // A mail that may be out is reported as failed, but not sent again: one mail to the signer, one
    // to the sender.
    let before = stage.testbed.mailbox.count();
    stage.testbed.ses.faults().next(Fault::CloseAt(Step::Dot));
    let outcome = stage.ask(&notified(task()).seal()).await;
    assert_eq!((outcome.code, outcome.mails), (2109, 2));
    let to = stage.testbed.mailbox.since(before);
    let to: Vec<&str> = to.iter().map(|mail| mail.recipients[0].as_str()).collect();
    assert_eq!(to, ["signer0@example.com", NOTIFICANT]);
    // That mail may fail as well; the code is that of the request.
    stage.testbed.ses.faults().always(refused(Step::Rcpt));
    let outcome = stage.ask(&notified(task()).seal()).await;
    assert_eq!(
        (outcome.code, outcome.mail.connections, outcome.mails),
        (2109, 2, 0)
    );
    stage.testbed.ses.faults().clear();
    // One notification only: for signer 0.
    let sealed = notified(task().with_signers(2)).seal();
    stage.testbed.ses.faults().next(refused(Step::Rcpt));
    let before = stage.testbed.mailbox.count();
    let result = stage.testbed.run("sendReq", &sealed.send_req(1)).await;
    assert_eq!(
        (code(&result), stage.testbed.mailbox.count() - before),
        (2109, 0)
    );
    // Without the mail configuration the server cannot notify anybody.
    stage
        .testbed
        .kms
        .faults()
        .always(Fault::Answer(Answer::status(400)));
    let outcome = stage.ask(&sealed).await;
    assert_eq!(
        (outcome.code, outcome.mail.connections, outcome.mails),
        (2002, 0, 0)
    );
    stage.works(&"failed requests").await;
    stage.end().await;
}

/// Mails after a confirmation and with a signed document are best effort.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn later_mails_do_not_fail_their_job() {
    let mut stage = Stage::start(&[("mail-step-ms", "400"), ("mail-ms", "1000")]).await;
    let sealed = notified(task().with_signers(2)).seal();
    let testbed = &stage.testbed;
    let (mut asked, mut pois) = (Vec::new(), Vec::new());
    for signer in 0..2 {
        asked.push(stage.asked(&sealed, signer).await);
    }
    for fault in [
        refused(Step::Rcpt),
        Fault::Reply(Step::Auth, "535 no".to_owned()),
        Fault::HangAt(Step::Ehlo),
        Fault::Reset,
        Fault::NoStartTls,
    ] {
        testbed.ses.faults().always(fault.clone());
        let before = testbed.mailbox.count();
        pois.clear();
        for (por, secret) in &asked {
            let result = testbed
                .run("confirmIntent", &sealed.confirm_intent(secret, por))
                .await;
            assert_eq!(result["code"], 0, "{fault:?}");
            pois.push(Attested::of(&result));
        }
        let result = testbed.run("attachEsig", &sealed.attach_esig(&pois)).await;
        assert_eq!(result["code"], 0, "{fault:?}");
        assert_eq!(sealed.open(&result).len(), 2, "{fault:?}");
        assert_eq!(testbed.mailbox.count(), before, "{fault:?}");
        testbed.ses.faults().clear();
    }
    // One of three fails: the others arrive, once.
    let before = testbed.mailbox.count();
    testbed.ses.faults().next(refused(Step::Rcpt));
    let result = testbed.run("attachEsig", &sealed.attach_esig(&pois)).await;
    assert_eq!((code(&result), testbed.mailbox.count() - before), (0, 2));
    testbed.ses.faults().next(Fault::CloseAt(Step::Dot));
    let before = testbed.mailbox.count();
    let result = testbed.run("attachEsig", &sealed.attach_esig(&pois)).await;
    assert_eq!((code(&result), testbed.mailbox.count() - before), (0, 3));
    client::sign(testbed, &sealed).await;
    stage.works(&"later mails").await;
    stage.end().await;
}
