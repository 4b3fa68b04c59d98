//! Faults of SendGrid.

use crate::stage::{IMPATIENT, MIB, Stage, sendgrid_task};
use letsesign_testbed::{Answer, Fault, WrongCertificate};
use std::time::Duration;

/// Code, connections, requests, mails.
type Became = (i64, u64, u64, u64);

async fn check(stage: &mut Stage, times: u64, fault: Fault, wanted: Became) {
    stage.testbed.sendgrid.faults().first(times, fault.clone());
    let outcome = stage.ask(&sendgrid_task().seal()).await;
    let seen = outcome.mail;
    assert_eq!(
        (outcome.code, seen.connections, seen.requests, outcome.mails),
        wanted,
        "{fault:?}\n{}",
        stage.server.log()
    );
    assert_eq!(stage.testbed.sendgrid.faults().waiting(), 0, "{fault:?}");
}

fn status(number: u16) -> Fault {
    Fault::Answer(Answer::status(number))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statuses() {
    let mut stage = Stage::start(&[]).await;
    // The emulated provider takes no mail when it answers so.
    for number in [200, 201, 202] {
        check(&mut stage, 1, status(number), (0, 1, 1, 0)).await;
    }
    for number in [429, 500, 503] {
        check(&mut stage, 1, status(number), (0, 2, 2, 1)).await;
        check(&mut stage, 2, status(number), (2109, 2, 2, 0)).await;
    }
    // A gateway that gave up does not know whether SendGrid has the mail.
    for number in [502, 504] {
        check(&mut stage, 1, status(number), (2109, 1, 1, 0)).await;
    }
    check(&mut stage, 1, status(401), (2010, 1, 1, 0)).await;
    for number in [400, 403, 404, 413, 415] {
        check(&mut stage, 1, status(number), (2109, 1, 1, 0)).await;
    }
    let mut task = sendgrid_task();
    task.sendgrid_secret.push('x');
    let outcome = stage.ask(&task.seal()).await;
    assert_eq!(
        (outcome.code, outcome.mail.requests, outcome.mails),
        (2010, 1, 0)
    );
    check(&mut stage, 0, status(0), (0, 1, 1, 1)).await;
    stage.works(&"statuses").await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn before_the_request_nothing_is_lost() {
    let mut stage = Stage::start(&IMPATIENT).await;
    check(&mut stage, 1, Fault::Reset, (0, 2, 1, 1)).await;
    check(&mut stage, 2, Fault::Reset, (2109, 2, 0, 0)).await;
    check(&mut stage, 1, Fault::Hang, (2109, 1, 0, 0)).await;
    let garbage = Fault::Garbage(b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n".to_vec());
    check(&mut stage, 1, garbage, (2109, 1, 0, 0)).await;
    for wrong in [
        WrongCertificate::Name,
        WrongCertificate::Authority,
        WrongCertificate::Expired,
        WrongCertificate::Future,
    ] {
        check(&mut stage, 1, Fault::Certificate(wrong), (2109, 1, 0, 0)).await;
    }
    check(&mut stage, 0, Fault::Reset, (0, 1, 1, 1)).await;
    stage.works(&"no connection").await;
    stage.end().await;
}

/// The server never repeats a request that may have arrived.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_may_have_arrived_is_not_sent_again() {
    let mut stage = Stage::start(&IMPATIENT).await;
    for fault in [
        Fault::ResetAfter(0),
        Fault::ResetAfter(20),
        Fault::CloseAfter(0),
        Fault::CloseAfter(20),
        Fault::Trickle(Duration::from_millis(50)),
        Fault::Delay(Duration::from_millis(900)),
    ] {
        check(&mut stage, 1, fault, (2109, 1, 1, 1)).await;
    }
    check(&mut stage, 1, Fault::HangAtRequest, (2109, 1, 1, 0)).await;
    for text in [
        "garbage\r\n\r\n",
        "HTTP/1.1 2",
        "220 smtp.example ESMTP\r\n",
    ] {
        let fault = Fault::Raw(text.as_bytes().to_vec(), true);
        check(&mut stage, 1, fault, (2109, 1, 1, 0)).await;
    }
    stage.works(&"lost answers").await;
    stage.end().await;
}

/// The head says that the mail was taken. The body changes nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_reads_the_answers_body() {
    let mut stage = Stage::start(&IMPATIENT).await;
    stage.works(&"the start").await;
    let before = stage.server.usage().peak;
    for chunked in [false, true] {
        let bytes = 50 * MIB + 1;
        check(
            &mut stage,
            1,
            Fault::Oversize { bytes, chunked },
            (0, 1, 1, 0),
        )
        .await;
    }
    for (text, close) in [
        ("HTTP/1.1 202 -\r\ncontent-length: 10\r\n\r\n12345", true),
        ("HTTP/1.1 202 -\r\ncontent-length: 10\r\n\r\n12345", false),
        (
            "HTTP/1.1 202 -\r\ntransfer-encoding: chunked\r\n\r\nx",
            true,
        ),
        (
            "HTTP/1.1 202 -\r\ncontent-encoding: gzip\r\ncontent-length: 1\r\n\r\nx",
            true,
        ),
        ("HTTP/1.1 202 -\r\n\r\n", true),
    ] {
        let fault = Fault::Raw(text.as_bytes().to_vec(), close);
        check(&mut stage, 1, fault, (0, 1, 1, 0)).await;
    }
    check(&mut stage, 1, Fault::HangAfterHead, (0, 1, 1, 1)).await;
    // The body of a refusal changes nothing either.
    let fault = Fault::Raw(
        b"HTTP/1.1 401 -\r\ncontent-length: 9\r\n\r\n".to_vec(),
        true,
    );
    check(&mut stage, 1, fault, (2010, 1, 1, 0)).await;
    let grown = stage.server.usage().peak - before;
    assert!(grown < 16 * MIB, "{grown} bytes more");
    stage.works(&"bodies").await;
    stage.end().await;
}

/// Kept connections that the provider closes meanwhile cost nothing, and no mail.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_connection_is_replaced() {
    let mut stage = Stage::start(&[("keep-ms", "20000")]).await;
    check(&mut stage, 0, Fault::Reset, (0, 1, 1, 1)).await;
    check(&mut stage, 0, Fault::Reset, (0, 0, 1, 1)).await;
    // All of the answer, and the end of the connection.
    check(&mut stage, 1, Fault::CloseAfter(usize::MAX), (0, 0, 1, 1)).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    check(&mut stage, 0, Fault::Reset, (0, 1, 1, 1)).await;
    // On a kept connection, too, a request may have arrived.
    check(&mut stage, 1, Fault::ResetAfter(0), (2109, 0, 1, 1)).await;
    stage.works(&"kept connections").await;
    stage.end().await;
}
