//! SendGrid: `POST /v3/mail/send`.

use crate::fault::{Counters, Faults};
use crate::http::{Answer, Handler, Request};
use crate::mail::{Mail, Mailbox, Way};
use crate::service::{Service, Shared};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use serde_json::{Value, json};
use std::sync::{Arc, PoisonError, RwLock};

/// Its name.
pub const HOST: &str = "api.sendgrid.com";
/// The API key that the testbed knows.
pub const SECRET: &str = "SG.secret-of-the-test-testbed";

/// Accounts, settings and memory of [`SendGrid`].
pub struct State {
    shared: Shared,
    secrets: RwLock<Vec<String>>,
    mailbox: Arc<Mailbox>,
}

/// The emulated SendGrid.
pub type SendGrid = Service<State>;

impl Service<State> {
    pub(crate) async fn start(mailbox: Arc<Mailbox>) -> std::io::Result<Self> {
        Service::https(HOST, |shared| State {
            shared,
            secrets: RwLock::new(vec![SECRET.to_owned()]),
            mailbox,
        })
        .await
    }

    /// The API keys that are accepted from now on.
    pub fn set_secrets(&self, secrets: &[&str]) {
        let secrets = secrets.iter().map(|secret| (*secret).to_owned()).collect();
        *self
            .state
            .secrets
            .write()
            .unwrap_or_else(PoisonError::into_inner) = secrets;
    }
}

fn errors(status: u16, message: &str, field: Option<&str>) -> Answer {
    let body = json!({"errors": [{"message": message, "field": field, "help": null}]});
    Answer::json(status, body.to_string())
}

/// The part of a mail that SendGrid refuses, as far as it matters here: the member, and why.
fn problem(mail: &Value) -> Option<(&'static str, &'static str)> {
    let list = |value: &Value| value.as_array().filter(|list| !list.is_empty()).cloned();
    let address = |value: &Value| {
        value["email"]
            .as_str()
            .is_some_and(|text| text.contains('@'))
    };
    let to = mail["personalizations"][0]["to"].clone();
    if !list(&to).is_some_and(|list| list.iter().all(address)) {
        return Some((
            "personalizations.0.to",
            "The to array is required, and must have addresses.",
        ));
    }
    if !address(&mail["from"]) {
        return Some((
            "from.email",
            "The from email does not contain a valid address.",
        ));
    }
    let filled = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
    if !filled(&mail["subject"]) && !filled(&mail["personalizations"][0]["subject"]) {
        return Some(("subject", "The subject is required."));
    }
    let Some(parts) = list(&mail["content"]) else {
        return Some(("content", "The content is required."));
    };
    let kinds: Vec<&str> = parts
        .iter()
        .filter_map(|part| part["type"].as_str())
        .collect();
    if kinds.len() != parts.len() || parts.iter().any(|part| !filled(&part["value"])) {
        return Some((
            "content",
            "The content value must be a string of at least one character.",
        ));
    }
    if kinds.iter().skip(1).any(|kind| *kind == "text/plain") {
        return Some(("content", "The text/plain part must be the first."));
    }
    for attachment in list(&mail["attachments"]).unwrap_or_default() {
        let content = attachment["content"].as_str().unwrap_or_default();
        if content.is_empty() || BASE64_STANDARD.decode(content).is_err() {
            return Some((
                "attachments.content",
                "The attachment content must be base64 encoded.",
            ));
        }
        let name = attachment["filename"].as_str().unwrap_or_default();
        if name.is_empty() || name.contains(['\r', '\n']) {
            return Some((
                "attachments.filename",
                "The filename is required, without CRLF.",
            ));
        }
    }
    None
}

impl Handler for State {
    fn answer(&self, request: &Request) -> Answer {
        let secrets = self.secrets.read();
        let secrets = secrets.unwrap_or_else(PoisonError::into_inner).clone();
        let given = request
            .header("authorization")
            .and_then(|value| value.strip_prefix("Bearer "));
        if !secrets.iter().any(|secret| Some(secret.as_str()) == given) {
            let text = "The provided authorization grant is invalid, expired, or revoked";
            return errors(401, text, None);
        }
        if (request.method.as_str(), request.target.as_str()) != ("POST", "/v3/mail/send") {
            return errors(404, "not found", None);
        }
        if request
            .header("content-type")
            .map(|kind| kind.split(';').next())
            != Some(Some("application/json"))
        {
            return errors(415, "Content-Type should be application/json.", None);
        }
        let Ok(mail) = serde_json::from_slice::<Value>(&request.body) else {
            return errors(400, "Bad Request", None);
        };
        if let Some((field, message)) = problem(&mail) {
            return errors(400, message, Some(field));
        }
        let text = |value: &Value| value["email"].as_str().unwrap_or_default().to_owned();
        let to = mail["personalizations"][0]["to"].as_array();
        self.mailbox.add(Mail {
            way: Way::SendGrid,
            sender: text(&mail["from"]),
            recipients: to
                .map(|list| list.iter().map(text).collect())
                .unwrap_or_default(),
            raw: Bytes::copy_from_slice(&request.body),
        });
        Counters::count(&self.shared.counters.served);
        let number = self.shared.counters.served();
        Answer::status(202).with("x-message-id", &format!("message-{number}"))
    }

    fn faults(&self, _: &Request) -> &Faults {
        &self.shared.faults
    }
}
