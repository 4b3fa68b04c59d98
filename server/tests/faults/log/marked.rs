//! A task that is marked throughout, and a testbed that knows its credentials.

use super::needles::MARK;
use crate::stage::{Stage, task};
use letsesign_testbed::kms::KEY_ARN;
use letsesign_testbed::{Provider, Signer, Task};

/// A task whose every text is marked, with two signers.
pub fn marked(provider: Provider) -> Task {
    let plain = task();
    let signer = |number: usize| Signer {
        name: format!("{MARK} Name {number}"),
        email: format!("{MARK}{number}@{MARK}.example"),
        locale: MARK.to_owned(),
        ..Signer::new(number)
    };
    let pdf = String::from_utf8_lossy(&plain.pdf).contains("Clause 1.1");
    assert!(pdf, "the document has text");
    let text = |what: &str| format!("{MARK} {what}");
    Task {
        id: text("task"),
        sub_id: text("sub-task"),
        root_domain: format!("{MARK}.example"),
        signer_app_url: format!("https://{MARK}.example/{MARK}?{MARK}=1"),
        key_arn: format!("{KEY_ARN}-{MARK}"),
        provider,
        domain: format!("mail.{MARK}.example"),
        signers: vec![signer(0), signer(1)],
        file_name: format!("{MARK}.pdf"),
        message: text("message"),
        notificant: format!("{MARK}@{MARK}.example"),
        notificant_locale: MARK.to_owned(),
        smtp_user: (text("user"), text("password")),
        sendgrid_secret: format!("SG.{MARK}"),
        with_twilio: true,
        twilio_key: (text("sid"), text("secret")),
        twilio_service: text("service"),
        pdf: replace(&plain.pdf, b"Clause", MARK.as_bytes()),
        bearer_secret: text("bearer"),
        password: text("task password"),
        access_key: (format!("AKIA{MARK}"), text("key")),
        api_version: text("version"),
        aux: text("aux"),
        ..plain
    }
}

/// Of equal length, so that nothing moves.
fn replace(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut out = bytes.to_vec();
    for at in 0..out.len() - from.len() {
        if out[at..].starts_with(from) {
            out[at..at + to.len()].copy_from_slice(to);
        }
    }
    out
}

/// The testbed knows the marked credentials.
pub fn admit(stage: &Stage, task: &Task) {
    let (access, user) = (task.access_key.clone(), task.smtp_user.clone());
    let arn = task.key_arn.clone();
    stage.testbed.kms.change_policy(|policy| {
        policy.access_keys.push(access);
        policy.keys.push(arn);
    });
    stage
        .testbed
        .ses
        .change_accounts(|accounts| accounts.users.push(user));
    stage
        .testbed
        .sendgrid
        .set_secrets(&[&task.sendgrid_secret, letsesign_testbed::sendgrid::SECRET]);
}
