//! Faults of SES. In every case, the server does not send a mail again that may be out.

use crate::stage::{IMPATIENT, Stage, task};
use letsesign_testbed::{Fault, Step, WrongCertificate};
use std::time::Duration;

/// Places before the message: what fails there has mailed nothing.
const BEFORE: [Step; 8] = [
    Step::Greeting,
    Step::Ehlo,
    Step::StartTls,
    Step::TlsEhlo,
    Step::Auth,
    Step::Mail,
    Step::Rcpt,
    Step::Data,
];

/// The outcome: code, connections, mails.
type Became = (i64, u64, u64);

async fn check(stage: &mut Stage, times: u64, fault: Fault, wanted: Became) {
    stage.testbed.ses.faults().first(times, fault.clone());
    let outcome = stage.ask(&task().seal()).await;
    assert_eq!(
        (outcome.code, outcome.mail.connections, outcome.mails),
        wanted,
        "{fault:?}\n{}",
        stage.server.log()
    );
    assert_eq!(stage.testbed.ses.faults().waiting(), 0, "{fault:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hanging_at_a_step_costs_one_more_try() {
    let mut stage = Stage::start(&IMPATIENT).await;
    for step in BEFORE {
        check(&mut stage, 1, Fault::HangAt(step), (0, 2, 1)).await;
    }
    check(&mut stage, 1, Fault::Hang, (0, 2, 1)).await;
    check(&mut stage, 1, Fault::HangAtTls, (0, 2, 1)).await;
    check(&mut stage, 2, Fault::HangAt(Step::Ehlo), (2109, 2, 0)).await;
    // A slow server counts as one that hangs.
    let slow = Fault::TrickleAt(Step::TlsEhlo, Duration::from_millis(20));
    check(&mut stage, 1, slow, (0, 2, 1)).await;
    let late = Fault::DelayAt(Step::Rcpt, Duration::from_millis(800));
    check(&mut stage, 1, late, (0, 2, 1)).await;
    // The server does not wait for the answer to QUIT.
    check(&mut stage, 1, Fault::HangAt(Step::Quit), (0, 1, 1)).await;
    stage.works(&"hanging").await;
    stage.end().await;
}

/// After the final dot only an answer counts. All but the last fault happen after the mail was
/// taken.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_without_an_answer_is_not_sent_again() {
    let mut stage = Stage::start(&IMPATIENT).await;
    for fault in [
        Fault::HangAt(Step::Dot),
        Fault::CloseAt(Step::Dot),
        Fault::ResetAt(Step::Dot),
        Fault::TrickleAt(Step::Dot, Duration::from_millis(100)),
        Fault::EndlessAt(Step::Dot, 1 << 20),
    ] {
        check(&mut stage, 1, fault, (2109, 1, 1)).await;
    }
    for text in ["garbage", "250-more\r\n251 other", "150 what", "250 a\nb"] {
        let fault = Fault::Reply(Step::Dot, text.to_owned());
        check(&mut stage, 1, fault, (2109, 1, 0)).await;
    }
    // Within the limit on a mail, a late answer is an answer.
    let late = Fault::DelayAt(Step::Dot, Duration::from_millis(700));
    check(&mut stage, 1, late, (0, 1, 1)).await;
    // The answer to QUIT changes nothing.
    for fault in [Fault::CloseAt(Step::Quit), Fault::ResetAt(Step::Quit)] {
        check(&mut stage, 1, fault, (0, 1, 1)).await;
    }
    let fault = Fault::Reply(Step::Quit, "421 garbage".to_owned());
    check(&mut stage, 1, fault, (0, 1, 1)).await;
    stage.works(&"uncertain mails").await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals() {
    let mut stage = Stage::start(&[]).await;
    let later = [
        (Step::Greeting, "421 later"),
        (Step::Ehlo, "421 later"),
        (Step::StartTls, "454 TLS not available"),
        (Step::TlsEhlo, "421 later"),
        (Step::Auth, "454 Temporary authentication failure"),
        (Step::Mail, "451 later"),
        (Step::Rcpt, "450-4.2.1\r\n450 later"),
        (Step::Data, "451 later"),
        (
            Step::Dot,
            "454 Throttling failure: Maximum sending rate exceeded.",
        ),
    ];
    for (step, text) in later {
        let fault = || Fault::Reply(step, text.to_owned());
        check(&mut stage, 1, fault(), (0, 2, 1)).await;
        if matches!(step, Step::Auth | Step::Dot) {
            check(&mut stage, 2, fault(), (2109, 2, 0)).await;
        }
    }
    let never = [
        (Step::Greeting, "554 no", 2109),
        (Step::Ehlo, "502 no", 2109),
        (Step::StartTls, "502 no", 2109),
        (Step::StartTls, "554 no", 2109),
        // Words before TLS do not count inside it.
        (Step::StartTls, "220 go\r\n250 ahead", 2109),
        (Step::TlsEhlo, "502 no", 2109),
        (Step::Auth, "535 Authentication Credentials Invalid", 2010),
        (Step::Auth, "534 too weak", 2010),
        (Step::Auth, "530 Must issue a STARTTLS command first", 2109),
        (Step::Auth, "538 Encryption required", 2109),
        (Step::Auth, "504 no", 2109),
        (Step::Mail, "554 no", 2109),
        (Step::Rcpt, "550 no", 2109),
        (Step::Data, "554 no", 2109),
        (
            Step::Dot,
            "554 Message rejected: Email address is not verified.",
            2109,
        ),
    ];
    for (step, text, code) in never {
        check(
            &mut stage,
            1,
            Fault::Reply(step, text.to_owned()),
            (code, 1, 0),
        )
        .await;
    }
    // A password that SES does not know.
    let mut task = task();
    task.smtp_user.1.push('x');
    let outcome = stage.ask(&task.seal()).await;
    assert_eq!(
        (outcome.code, outcome.mail.connections, outcome.mails),
        (2010, 1, 0)
    );
    stage.works(&"refusals").await;
    stage.end().await;
}

/// Neither credentials nor mail go to a peer that is not SES, or without TLS.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_tls_nothing_is_said() {
    let mut stage = Stage::start(&[]).await;
    let silent = async |fault: Fault, commands: u64| {
        stage.testbed.ses.faults().next(fault.clone());
        let outcome = stage.ask(&task().seal()).await;
        let seen = outcome.mail;
        assert_eq!(
            (
                outcome.code,
                outcome.mails,
                seen.connections,
                seen.handshakes,
                seen.requests
            ),
            (2109, 0, 1, 0, commands),
            "{fault:?}"
        );
    };
    // The client sends EHLO alone.
    silent(Fault::NoStartTls, 1).await;
    for wrong in [
        WrongCertificate::Name,
        WrongCertificate::Authority,
        WrongCertificate::Expired,
        WrongCertificate::Future,
    ] {
        // EHLO and STARTTLS.
        silent(Fault::Certificate(wrong), 2).await;
    }
    stage.works(&"no TLS").await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn broken_connections_and_garbage() {
    let mut stage = Stage::start(&[]).await;
    check(&mut stage, 1, Fault::Reset, (0, 2, 1)).await;
    check(&mut stage, 2, Fault::Reset, (2109, 2, 0)).await;
    for step in BEFORE {
        check(&mut stage, 1, Fault::CloseAt(step), (0, 2, 1)).await;
        check(&mut stage, 1, Fault::EndlessAt(step, 1 << 20), (0, 2, 1)).await;
    }
    for step in [Step::StartTls, Step::Data] {
        check(&mut stage, 1, Fault::ResetAt(step), (0, 2, 1)).await;
    }
    check(&mut stage, 2, Fault::CloseAt(Step::Rcpt), (2109, 2, 0)).await;
    for garbage in [
        &b"HTTP/1.1 400 Bad Request\r\n\r\n"[..],
        b"220 a\0b\r\n",
        b"220 no carriage return\n",
        b"\xff\xfe\xfd\r\n",
        b"999 x\r\n",
    ] {
        check(&mut stage, 1, Fault::Garbage(garbage.to_vec()), (0, 2, 1)).await;
    }
    let endless = format!("{}250 x", "250-x\r\n".repeat(1000));
    check(&mut stage, 1, Fault::Reply(Step::Ehlo, endless), (0, 2, 1)).await;
    // Answers to questions that were not asked yet: none of them may count as that to the mail.
    let ahead = "250 a\r\n250 b\r\n354 c\r\n250 d\r\n250 e".to_owned();
    check(
        &mut stage,
        1,
        Fault::Reply(Step::Mail, ahead.clone()),
        (0, 2, 1),
    )
    .await;
    check(&mut stage, 2, Fault::Reply(Step::Mail, ahead), (2109, 2, 0)).await;
    stage.works(&"garbage").await;
    stage.end().await;
}
