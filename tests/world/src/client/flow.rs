//! Results, and a whole signing.

use super::link::Link;
use super::sealed::Sealed;
use crate::World;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

/// A result of `sendReq` or `confirmIntent`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attested {
    /// Names and bytes.
    pub results: Vec<(String, Vec<u8>)>,
    /// The attestation document.
    pub document: Vec<u8>,
}

impl Attested {
    /// Reads a `jobResult`.
    ///
    /// # Panics
    /// When it is not a success of this form.
    pub fn of(result: &Value) -> Self {
        assert_eq!(result["code"], 0, "{result}");
        let bytes = |value: &Value| {
            let text = value.as_str().expect("a text");
            BASE64_STANDARD.decode(text).expect("base64")
        };
        let results = result["results"].as_array().expect("results");
        Self {
            results: results
                .iter()
                .map(|item| {
                    let name = item["name"].as_str().expect("a name");
                    (name.to_owned(), bytes(&item["data"]))
                })
                .collect(),
            document: bytes(&result["attestDocument"]),
        }
    }

    /// The bytes of a result.
    ///
    /// # Panics
    /// When there is none of this name.
    pub fn result(&self, name: &str) -> &[u8] {
        let mut results = self.results.iter();
        let found = results.find(|(other, _)| other == name);
        &found.unwrap_or_else(|| panic!("no result {name}")).1
    }
}

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

/// Has a task signed by all its signers, one after the other, with PINs where phones are to be checked.
///
/// # Panics
/// When a step fails.
pub async fn sign(world: &World, sealed: &Sealed) -> Signed {
    let (mut pors, mut links, mut pois) = (Vec::new(), Vec::new(), Vec::new());
    for (number, signer) in sealed.task.signers.iter().enumerate() {
        let before = world.mailbox.count();
        // A sub-task names a step, so each job has one of its own.
        let mut job = sealed.send_req(number);
        job.set("subTaskID", format!("ask-{number}"));
        let por = Attested::of(&world.run("sendReq", &job).await);
        let mails = world.mailbox.since(before);
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
        let mut result = world.run("confirmIntent", &job).await;
        if result["code"] == 2203 {
            let sid = result["twilioVerificationSID"].as_str().expect("a SID");
            let sms = world.twilio.sms();
            let sms = sms
                .iter()
                .find(|sms| sid.starts_with(&sms.sid))
                .expect("an SMS");
            job.add("twilioVerificationSID", sid);
            job.add("twilioVerificationPIN", &sms.pin);
            result = world.run("confirmIntent", &job).await;
        }
        pois.push(Attested::of(&result));
        pors.push(por);
        links.push(link);
    }
    let result = world.run("attachEsig", &sealed.attach_esig(&pois)).await;
    assert_eq!(result["code"], 0, "{result}");
    Signed {
        files: sealed.open(&result),
        pors,
        links,
        pois,
    }
}
