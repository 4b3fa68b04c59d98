//! A whole signing.

use super::attested::Attested;
use super::link::Link;
use super::sealed::Sealed;
use crate::Testbed;

/// A document that all have signed.
#[derive(Debug, Clone)]
pub struct Signed {
    /// For each signer, what `sendReq` gave.
    pub pors: Vec<Attested>,
    /// For each signer, the link in the mail.
    pub links: Vec<Link>,
    /// For each signer, what `confirmIntent` gave.
    pub pois: Vec<Attested>,
    /// Files of the final zip: names and contents.
    pub files: Vec<(String, Vec<u8>)>,
}

/// Has a task signed by all its signers, one after the other, with PINs where phones are to be
/// checked.
///
/// # Panics
/// When a step fails.
pub async fn sign(testbed: &Testbed, sealed: &Sealed) -> Signed {
    let (mut pors, mut links, mut pois) = (Vec::new(), Vec::new(), Vec::new());
    for (number, signer) in sealed.task.signers.iter().enumerate() {
        let before = testbed.mailbox.count();
        // A sub-task names a step, so each job has one of its own.
        let mut job = sealed.send_req(number);
        job.set("subTaskID", format!("ask-{number}"));
        let por = Attested::of(&testbed.run("sendReq", &job).await);
        let mails = testbed.mailbox.since(before);
        let mut mails = mails.iter().rev();
        let mail = mails.find(|mail| {
            mail.recipients == [signer.email.clone()]
                && mail
                    .parsed()
                    .html
                    .is_some_and(|html| html.contains("action=submitIntent"))
        });
        let link = Link::of(&mail.expect("a mail with a link").parsed());
        let mut job = sealed.confirm_intent(link.secret(), &por);
        job.set("subTaskID", format!("confirm-{number}"));
        let mut result = testbed.run("confirmIntent", &job).await;
        if result["code"] == 2203 {
            let sid = result["twilioVerificationSID"].as_str().expect("a SID");
            let sms = testbed.twilio.sms();
            let sms = sms
                .iter()
                .find(|sms| sid.starts_with(&sms.sid))
                .expect("an SMS");
            job.add("twilioVerificationSID", sid);
            job.add("twilioVerificationPIN", &sms.pin);
            result = testbed.run("confirmIntent", &job).await;
        }
        pois.push(Attested::of(&result));
        pors.push(por);
        links.push(link);
    }
    let result = testbed.run("attachEsig", &sealed.attach_esig(&pois)).await;
    assert_eq!(result["code"], 0, "{result}");
    Signed {
        files: sealed.open(&result),
        pors,
        links,
        pois,
    }
}
