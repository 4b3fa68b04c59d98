//! `sendReq` after decryption.

use crate::{Rig, task};
use letsesign_testbed::client::Link;
use letsesign_testbed::{Fault, Json, Mail, Provider, Step, client, pdf};
use std::sync::Arc;
use std::time::Duration;

const PHONE: &str = "+886912345678";

#[tokio::test]
async fn signers_are_checked_in_order() {
    let rig = Rig::start().await;
    // Lists that differ in length come before the index, the index before phone numbers.
    let mut parts = task().with_signers(2).parts();
    parts.task_config.remove("taskConfig.signerInfoList.1");
    let mut job = parts.bind().seal().send_req(0);
    job.set("signerIdx", Json::raw("9"));
    assert_eq!(rig.code("sendReq", &job).await, 2101);

    let mut job = task().with_phone(0, "+1111").seal().send_req(0);
    job.set("signerIdx", Json::raw("1"));
    assert_eq!(rig.code("sendReq", &job).await, 2102);

    // Any signer's number counts, not only this one's.
    let mut without = task().with_signers(2).with_phone(1, PHONE);
    without.with_twilio = false;
    assert_eq!(rig.send(&without.seal()).await, 2103);

    for number in ["+1111", "+886", "+99999999999", "+15550100", "+44123"] {
        let wrong = task().with_signers(2).with_phone(1, number);
        assert_eq!(rig.send(&wrong.seal()).await, 2104, "{number}");
    }
    assert_eq!(rig.send(&task().with_phone(0, PHONE).seal()).await, 0);
}

#[tokio::test]
async fn documents_are_checked() {
    let rig = Rig::start().await;
    let mut signed = task();
    signed.pdf.extend_from_slice(b"\nletsesign=true\n");
    assert_eq!(rig.send(&signed.seal()).await, 2105);
    // After any end of file, not only the last.
    signed.pdf.extend_from_slice(b"%%EOF\n");
    assert_eq!(rig.send(&signed.seal()).await, 2105);

    let mut none = task();
    none.pdf = b"this is not a PDF".to_vec();
    assert_eq!(rig.send(&none.seal()).await, 2106);
    let mut empty = task();
    empty.pdf = Vec::new();
    assert_eq!(rig.send(&empty.seal()).await, 2106);

    type Change = fn(&mut client::Field);
    let outside: [Change; 7] = [
        |field| field.page = 0,
        |field| field.page = 2,
        |field| field.x = 5000.0,
        |field| field.y = 5000.0,
        |field| field.height = 5000.0,
        |field| field.height = 0.0,
        // Of another kind, never drawn, and yet out of the page.
        |field| {
            field.kind = 42;
            field.y = 5000.0;
        },
    ];
    for (number, change) in outside.into_iter().enumerate() {
        // Another signer's field: the server tries the fields of all signers.
        let mut wrong = task().with_signers(2);
        change(&mut wrong.signers[1].fields[0]);
        assert_eq!(rig.send(&wrong.seal()).await, 2106, "change {number}");
    }
    let mut page = task();
    let bound = {
        let mut parts = page.parts();
        let path = "templateInfo.signerList.0.fieldList.0.pageNo";
        parts.public.set(path, Json::raw("1.5"));
        parts.bind()
    };
    assert_eq!(rig.send(&bound.seal()).await, 2106);
    // A name that no face has glyphs for would be boxes.
    page.signers[0].name = "\u{1f600}".into();
    assert_eq!(rig.send(&page.seal()).await, 2106);
}

/// A password that PDF's encryption does not take (SASLprep, RFC 4013): the document can be
/// stamped, its preview cannot be made.
#[tokio::test]
async fn a_preview_that_cannot_be_made_is_2107() {
    let rig = Rig::start().await;
    let mut private = task();
    private.enhanced_privacy = true;
    private.password = "bell\u{7}".into();
    assert_eq!(rig.send(&private.seal()).await, 2107);
    private.password = "\u{5bc6}\u{78bc}".into();
    assert_eq!(rig.send(&private.seal()).await, 0);
}

fn to<'a>(mails: &'a [Arc<Mail>], address: &str) -> Vec<&'a Arc<Mail>> {
    mails
        .iter()
        .filter(|mail| mail.recipients == [address])
        .collect()
}

#[tokio::test]
async fn mails_that_fail_have_their_codes() {
    for provider in [Provider::Ses, Provider::SendGrid] {
        let rig = Rig::start().await;
        let mut base = task();
        base.provider = provider;
        base.notificant = "office@example.com".into();

        let mut wrong = base.clone();
        wrong.smtp_user.1 = "another".into();
        wrong.sendgrid_secret = "another".into();
        assert_eq!(rig.send(&wrong.seal()).await, 2010);

        let mut wrong = base.clone();
        wrong.domain = "no domain".into();
        assert_eq!(rig.send(&wrong.seal()).await, 2009);
        assert_eq!(rig.testbed.mailbox.count(), 0);

        // The signer's mail is refused: the notificant gets a mail.
        let refuse = |times| match provider {
            Provider::Ses => {
                let fault = Fault::Reply(Step::Rcpt, "550 no".into());
                rig.testbed.ses.faults().first(times, fault);
            }
            Provider::SendGrid => {
                let fault = Fault::Answer(letsesign_testbed::Answer::status(400));
                rig.testbed.sendgrid.faults().first(times, fault);
            }
        };
        refuse(1);
        assert_eq!(rig.send(&base.seal()).await, 2109);
        let mails = rig.testbed.mailbox.mails();
        let notices = to(&mails, "office@example.com");
        assert_eq!((mails.len(), notices.len()), (1, 1), "{provider:?}");
        let text = notices[0].parsed().text.unwrap();
        assert!(text.contains("contract.pdf"), "{text}");
    }
}

#[tokio::test]
async fn a_signer_who_was_asked_stays_asked() {
    let rig = Rig::start().await;
    let mut base = task();
    base.notificant = "office@example.com".into();
    // The second mail fails, so the first is out and the request stands.
    let faults = rig.testbed.ses.faults();
    faults.next(Fault::DelayAt(Step::Rcpt, Duration::ZERO));
    faults.next(Fault::Reply(Step::Rcpt, "550 no".into()));
    assert_eq!(rig.send(&base.seal()).await, 2108);
    let mails = rig.testbed.mailbox.mails();
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].recipients, ["signer0@example.com"]);
}

/// The mail that a signer gets.
#[tokio::test]
async fn the_mail_names_the_sender_and_holds_link_and_preview() {
    let rig = Rig::start().await;
    let mut base = task().with_phone(0, PHONE);
    base.notificant = "office@example.com".into();
    base.signers[0].name = "<b>\u{738b}\u{5c0f}\u{660e}</b>".into();
    base.message = "line one\n<script>line two</script>".into();
    base.file_name = "../\u{5951}\u{7d04}.pdf".into();
    base.root_domain = "evil.example".into();
    base.aux = "aux".into();
    let sealed = base.seal();
    let result = rig.result("sendReq", &sealed.send_req(0)).await;
    assert_eq!(result["code"], 0, "{result} {}", rig.server.log());
    let mails = rig.testbed.mailbox.mails();
    let mail = to(&mails, "signer0@example.com")[0].parsed();
    let html = mail.html.clone().unwrap();
    assert!(
        html.contains("&#60;script&#62;")
            && !html.contains("<script>")
            && !html.contains("<b>\u{738b}")
    );
    assert!(html.contains("example.com") && !html.contains("evil.example"));
    assert!(html.contains(PHONE));
    assert!(mail.text.clone().unwrap().contains("line one"));
    assert!(mail.subject.contains("cdef01234567"), "{}", mail.subject);
    let preview = &mail.attachments[0];
    assert_eq!(preview.name, "\u{5951}\u{7d04}.pdf");
    assert!(preview.bytes.starts_with(b"%PDF"));
    let link = Link::of(&mail);
    assert_eq!(link.secret().len(), 344);
    let notices = to(&mails, "office@example.com");
    assert_eq!(notices.len(), 1);
}

/// Only the first signer's request is reported, and only if the task has a notificant.
#[tokio::test]
async fn later_signers_are_not_reported() {
    let rig = Rig::start().await;
    let mut base = task().with_signers(2);
    base.notificant = "office@example.com".into();
    let sealed = base.seal();
    assert_eq!(rig.code("sendReq", &sealed.send_req(1)).await, 0);
    base.pdf = pdf::document(1, 0);
    base.pdf.extend_from_slice(b"\nletsesign=true\n");
    let sealed = base.seal();
    assert_eq!(rig.code("sendReq", &sealed.send_req(1)).await, 2105);
    let mails = rig.testbed.mailbox.mails();
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].recipients, ["signer1@example.com"]);
}
