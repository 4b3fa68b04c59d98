//! Services and a host that fail, in words of their own.

use super::needles::MARK;
use super::{PHONE, Run};
use crate::stage::until;
use letsesign_testbed::kms::error;
use letsesign_testbed::{
    Answer, Attested, Fault, Json, Link, NsmFault, Provider, Sealed, Step, Task, WrongCertificate,
};

/// Services that fail, in their own words.
pub async fn services(run: &mut Run, sealed: &Sealed, jobs: &[(&str, Json); 3]) {
    let text = format!("{MARK} says {MARK}");
    let raw = |head: &str, body: &str| {
        let length = body.len();
        let text =
            format!("HTTP/1.1 {head}\r\n{MARK}: {MARK}\r\ncontent-length: {length}\r\n\r\n{body}");
        Fault::Raw(text.into_bytes(), true)
    };
    let body = format!("{{\"{MARK}\":\"{MARK}\"}}");
    let faults = [
        Fault::Answer(error(400, &text, &text)),
        Fault::Answer(error(400, "AccessDeniedException", &text)),
        Fault::Answer(error(500, "KMSInternalException", &text)),
        Fault::Answer(Answer::json(
            200,
            format!("{{\"CiphertextForRecipient\":\"{MARK}\"}}"),
        )),
        Fault::Answer(Answer::json(200, body.clone())),
        Fault::Answer(Answer::status(401).with(MARK, MARK).body(text.clone())),
        raw(&format!("200 {MARK}"), &body),
        raw(&format!("20{MARK}"), &body),
        Fault::Raw(text.clone().into_bytes(), true),
        Fault::HangAtRequest,
        Fault::Garbage(text.clone().into_bytes()),
        Fault::Certificate(WrongCertificate::Name),
    ];
    let send = &jobs[0].1;
    for fault in &faults {
        run.stage.testbed.kms.faults().always(fault.clone());
        run.fails("sendReq", send).await;
        run.stage.testbed.kms.faults().clear();
    }
    match sealed.task.provider {
        Provider::SendGrid => {
            for fault in &faults {
                run.stage.testbed.sendgrid.faults().always(fault.clone());
                run.job("sendReq", send).await;
                run.stage.testbed.sendgrid.faults().clear();
            }
        }
        Provider::Ses => {
            for (step, reply) in [
                (Step::Greeting, text.clone()),
                (Step::Ehlo, format!("502 {text}")),
                (Step::StartTls, format!("220 go\r\n{text}")),
                (Step::Auth, format!("535 {text}")),
                (Step::Mail, format!("451 {text}")),
                (Step::Rcpt, format!("550 {text}")),
                (Step::Dot, format!("554 {text}")),
                (Step::Dot, text.clone()),
            ] {
                let faults = || run.stage.testbed.ses.faults();
                faults().always(Fault::Reply(step, reply));
                run.fails("sendReq", send).await;
                // Mails that are sent on a best-effort basis.
                run.job("confirmIntent", &jobs[1].1).await;
                run.stage.testbed.ses.faults().clear();
            }
        }
    }
    for fault in [
        NsmFault::Document(text.into_bytes()),
        NsmFault::Garbage,
        NsmFault::Announce(u32::MAX),
    ] {
        run.stage.testbed.nsm.faults().next(fault);
        run.fails("sendReq", send).await;
    }
    run.stage.testbed.nsm.faults().clear();
}

/// Jobs with a phone number, whatever Twilio makes of them.
pub async fn phones(run: &mut Run, task: &Task) {
    let sealed = task.clone().with_phone(0, PHONE).seal();
    let result = run.job("sendReq", &sealed.send_req(0)).await;
    if result["code"] != 0 {
        return;
    }
    let mail = run
        .stage
        .testbed
        .mailbox
        .wait_for(&task.signers[0].email)
        .await;
    let link = Link::of(&mail.parsed());
    run.needles.text(link.secret());
    let job = sealed.confirm_intent(link.secret(), &Attested::of(&result));
    run.fails("confirmIntent", &job).await;
    let mut job = job;
    job.add("twilioVerificationSID", format!("VE{MARK}").as_str());
    job.add("twilioVerificationPIN", MARK);
    run.fails("confirmIntent", &job).await;
    run.stage.testbed.mailbox.clear();
}

/// The host's answers, with and without a session to answer to.
pub async fn host(run: &mut Run) {
    let raw = |head: &str, body: &str| {
        let length = body.len();
        Fault::Raw(
            format!("{head}\r\n{MARK}: {MARK}\r\ncontent-length: {length}\r\n\r\n{body}")
                .into_bytes(),
            true,
        )
    };
    let (mark, ok) = (MARK, "HTTP/1.1 200 -");
    for fault in [
        raw(&format!("HTTP/1.1 500 {mark}"), mark),
        raw(mark, mark),
        raw(ok, mark),
        raw(ok, &format!("{{\"{mark}\":1}}")),
        raw(
            ok,
            &format!("{{\"session\":\"{mark}\",\"jobName\":[\"{mark}\"],\"jobData\":{{}}}}"),
        ),
        raw(
            ok,
            &format!("{{\"session\":\"{mark}\",\"session\":\"{mark}\"}}"),
        ),
        raw(
            ok,
            &format!(
                "{{\"session\":\"{mark}\",\"jobName\":\"{mark}\",\"jobData\":{{\"{mark}\":NaN}}}}"
            ),
        ),
        raw(
            ok,
            &format!("{{\"session\":\"{mark}\",\"jobName\":\"{mark}\",\"jobData\":\"{mark}"),
        ),
    ] {
        let questions = || run.stage.testbed.jobs.questions();
        let struck = questions().struck();
        questions().next(fault);
        until("the answer", || questions().struck() > struck).await;
    }
    let answer = Answer::status(500).with(MARK, MARK).body(MARK);
    run.stage
        .testbed
        .jobs
        .deliveries()
        .first(2, Fault::Answer(answer));
    run.stage.works(&"the host's answers").await;
}
