//! Faults of KMS. A task has four encrypted parts with one request each: without retries a job
//! makes four requests, with the whole retry budget sixteen.

use crate::stage::{IMPATIENT, MIB, Stage, task};
use letsesign_testbed::kms::error;
use letsesign_testbed::{Answer, CmsStyle, Fault, WrongCertificate};
use std::time::Duration;

const PARTS: u64 = 4;
const ATTEMPTS: u64 = 4;
const BEYOND: u64 = 50 * MIB + 1;

fn raw(text: impl Into<Vec<u8>>) -> Fault {
    Fault::Raw(text.into(), true)
}

/// Permanent faults: one request for each part.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_stays_is_not_asked_for_again() {
    let mut stage = Stage::start(&IMPATIENT).await;
    stage.works(&"the start").await;
    let refused = |kind| Fault::Answer(error(400, kind, "no"));
    let json = |text: &'static str| Fault::Answer(Answer::json(200, text));
    for fault in [
        Fault::HangAtRequest,
        Fault::HangAfterHead,
        Fault::Trickle(Duration::from_millis(2)),
        refused("AccessDeniedException"),
        refused("UnrecognizedClientException"),
        refused("InvalidSignatureException"),
        refused("InvalidCiphertextException"),
        refused("com.amazonaws.kms#NotFoundException"),
        Fault::Answer(Answer::status(301).with("location", "https://other.example/")),
        // In clear: somebody took the recipient away.
        json(r#"{"Plaintext":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=","KeyId":"k"}"#),
        json("{}"),
        json(r#"{"CiphertextForRecipient":"!"}"#),
        json(r#"{"CiphertextForRecipient":"AAAA"}"#),
        json(r#"{"CiphertextForRecipient":"AAAA","CiphertextForRecipient":"AAAA"}"#),
        json("garbage"),
    ] {
        stage.testbed.kms.faults().always(fault.clone());
        let outcome = stage.ask(&task().seal()).await;
        assert_eq!(
            (outcome.code, outcome.kms.requests, outcome.mails),
            (2002, PARTS, 0),
            "{fault:?}\n{}",
            stage.server.log()
        );
        stage.works(&fault).await;
    }
    stage.end().await;
}

/// Only an authenticated KMS gets a request.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_else_gets_a_request() {
    let mut stage = Stage::start(&IMPATIENT).await;
    for fault in [
        Fault::Hang,
        Fault::Garbage(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()),
        Fault::Garbage(vec![0x16, 3, 3, 0xff, 0xff, 2, 0, 0]),
        Fault::Certificate(WrongCertificate::Name),
        Fault::Certificate(WrongCertificate::Authority),
        Fault::Certificate(WrongCertificate::Expired),
        Fault::Certificate(WrongCertificate::Future),
    ] {
        stage.testbed.kms.faults().always(fault.clone());
        let outcome = stage.ask(&task().seal()).await;
        assert_eq!(
            (
                outcome.code,
                outcome.kms.connections,
                outcome.kms.handshakes,
                outcome.kms.requests
            ),
            (2002, PARTS, 0, 0),
            "{fault:?}\n{}",
            stage.server.log()
        );
        stage.works(&fault).await;
    }
    stage.end().await;
}

/// Temporary faults.
fn passing() -> Vec<Fault> {
    vec![
        Fault::Reset,
        Fault::ResetAfter(0),
        Fault::ResetAfter(300),
        Fault::CloseAfter(0),
        Fault::CloseAfter(30),
        // In the body.
        Fault::CloseAfter(600),
        Fault::Answer(Answer::status(500)),
        Fault::Answer(error(503, "ServiceUnavailableException", "")),
        Fault::Answer(error(400, "ThrottlingException", "Rate exceeded")),
        Fault::Answer(error(400, "com.amazonaws.kms#LimitExceededException", "")),
        Fault::Answer(error(500, "KMSInternalException", "")),
        Fault::Answer(Answer::status(429)),
        raw("no HTTP at all\r\n\r\n"),
        raw([&b"HTTP/1.1 200 -\r\n"[..], &b"a: b\r\n".repeat(65), b"\r\n"].concat()),
        raw([b"HTTP/1.1 200 -\r\na: ", &*b"b".repeat(100_000)].concat()),
        // The end of the body is unknown, so it may be truncated.
        raw("HTTP/1.1 200 -\r\n\r\n{}"),
        raw("HTTP/1.1 200 -\r\ncontent-length: 3\r\n\r\n{}"),
        raw("HTTP/1.1 200 -\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n"),
        raw("HTTP/1.1 200 -\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{} "),
    ]
}

/// Three times, whichever parts they meet: no part has more than four attempts, and all succeed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_passes_is_asked_for_again() {
    let mut stage = Stage::start(&[]).await;
    for fault in passing() {
        stage
            .testbed
            .kms
            .faults()
            .first(ATTEMPTS - 1, fault.clone());
        let outcome = stage.ask(&task().seal()).await;
        let seen = match fault {
            Fault::Reset => outcome.kms.connections,
            _ => outcome.kms.requests,
        };
        assert_eq!(
            (outcome.code, seen, outcome.mails),
            (0, PARTS + ATTEMPTS - 1, 1),
            "{fault:?}\n{}",
            stage.server.log()
        );
        assert_eq!(stage.testbed.kms.faults().waiting(), 0, "{fault:?}");
    }
    stage.works(&"all of them").await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_asked_more_than_four_times() {
    let mut stage = Stage::start(&[]).await;
    for fault in [
        Fault::Reset,
        Fault::ResetAfter(0),
        Fault::CloseAfter(600),
        Fault::Answer(Answer::status(500)),
        Fault::Answer(error(400, "ThrottlingException", "Rate exceeded")),
    ] {
        stage.testbed.kms.faults().always(fault.clone());
        let outcome = stage.ask(&task().seal()).await;
        let seen = match fault {
            Fault::Reset => outcome.kms.connections,
            _ => outcome.kms.requests,
        };
        assert_eq!(
            (outcome.code, seen, outcome.mails),
            (2002, PARTS * ATTEMPTS, 0),
            "{fault:?}"
        );
        stage.works(&fault).await;
    }
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_beyond_its_limit_is_not_kept_in_memory() {
    let mut stage = Stage::start(&[]).await;
    stage.works(&"the start").await;
    let before = stage.server.usage().peak;
    for chunked in [false, true] {
        let fault = Fault::Oversize {
            bytes: BEYOND,
            chunked,
        };
        stage.testbed.kms.faults().always(fault.clone());
        let outcome = stage.ask(&task().seal()).await;
        assert_eq!(
            (outcome.code, outcome.kms.requests, outcome.mails),
            (2002, PARTS, 0),
            "{fault:?}"
        );
        stage.works(&fault).await;
    }
    let grown = stage.server.usage().peak - before;
    assert!(grown < 16 * MIB, "{grown} bytes more");
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_spellings_of_answers_are_read_also_slowly() {
    let mut stage = Stage::start(&[]).await;
    for style in [CmsStyle::Aws, CmsStyle::Pieces, CmsStyle::Der] {
        stage.testbed.kms.set_style(style);
        stage.works(&style).await;
        stage
            .testbed
            .kms
            .faults()
            .always(Fault::Trickle(Duration::ZERO));
        let outcome = stage.ask(&task().seal()).await;
        assert_eq!(
            (outcome.code, outcome.kms.requests),
            (0, PARTS),
            "{style:?}"
        );
        stage.works(&style).await;
    }
    stage.end().await;
}

/// Credentials that KMS does not know, and a policy that does not know this image.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn credentials_and_policies_are_asked_once() {
    let mut stage = Stage::start(&[]).await;
    for change in [
        |task: &mut letsesign_testbed::Task| task.access_key.0 = "AKIANOBODY".to_owned(),
        |task: &mut letsesign_testbed::Task| task.access_key.1 = "another secret".to_owned(),
        |task: &mut letsesign_testbed::Task| task.key_arn.push('2'),
    ] {
        let mut task = task();
        change(&mut task);
        let outcome = stage.ask(&task.seal()).await;
        assert_eq!(
            (outcome.code, outcome.kms.requests, outcome.kms.served),
            (2002, PARTS, 0)
        );
    }
    stage
        .testbed
        .kms
        .change_policy(|policy| policy.images.clear());
    let outcome = stage.ask(&task().seal()).await;
    assert_eq!(
        (outcome.code, outcome.kms.requests, outcome.kms.served),
        (2002, PARTS, 0)
    );
    let pcrs = stage.testbed.nsm.pcrs();
    stage
        .testbed
        .kms
        .change_policy(|policy| policy.images.push(pcrs));
    stage.works(&"a policy without this image").await;
    stage.end().await;
}
