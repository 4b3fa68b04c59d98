//! Twilio Verify, version 2: services, verifications, checks.

use crate::fault::{Counters, Faults};
use crate::http::{Answer, Handler, Request};
use crate::service::{self, Shared};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Its name.
pub const HOST: &str = "verify.twilio.com";
/// The API key that the testbed knows, and its secret.
pub const API_KEY: (&str, &str) = ("SKtestworld", "secret-of-the-test-testbed");
/// The service that the testbed knows.
pub const SERVICE: &str = "VA00000000000000000000000000000001";
/// The PIN of every SMS, unless set.
pub const PIN: &str = "123456";

/// Wrong PINs that a verification takes.
const CHECKS: u32 = 5;

/// A service.
#[derive(Debug, Clone)]
pub struct Service {
    /// Shown in the SMS.
    pub friendly_name: String,
    /// Digits of a PIN.
    pub code_length: u64,
}

/// An SMS that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sms {
    /// SID of its verification.
    pub sid: String,
    /// The number, E.164.
    pub to: String,
    /// The channel that was asked for.
    pub channel: String,
    /// The locale that was asked for, if any.
    pub locale: Option<String>,
    /// The PIN in it.
    pub pin: String,
}

/// The account's services, and the events so far.
#[derive(Debug, Clone)]
pub struct Account {
    /// API keys and secrets.
    pub keys: Vec<(String, String)>,
    /// Services by SID.
    pub services: HashMap<String, Service>,
    /// The PIN of the next SMS.
    pub pin: String,
    /// Numbers that Twilio refuses.
    pub refused: Vec<String>,
    /// All SMS, in order.
    pub sms: Vec<Sms>,
    /// Checks by SID of verification: how many were wrong, and whether it is still open.
    checks: HashMap<String, (u32, bool)>,
}

/// Accounts, settings and memory of [`Twilio`].
pub struct State {
    shared: Shared,
    account: Mutex<Account>,
}

/// The emulated Twilio.
pub type Twilio = service::Service<State>;

impl service::Service<State> {
    pub(crate) async fn start() -> std::io::Result<Self> {
        let service = Service {
            friendly_name: "Let's eSign".to_owned(),
            code_length: 6,
        };
        service::Service::https(HOST, |shared| State {
            shared,
            account: Mutex::new(Account {
                keys: vec![(API_KEY.0.to_owned(), API_KEY.1.to_owned())],
                services: HashMap::from([(SERVICE.to_owned(), service)]),
                pin: PIN.to_owned(),
                refused: Vec::new(),
                sms: Vec::new(),
                checks: HashMap::new(),
            }),
        })
        .await
    }

    /// Changes the account.
    pub fn change(&self, change: impl FnOnce(&mut Account)) {
        change(&mut self.state.account());
    }

    /// All SMS that were sent.
    pub fn sms(&self) -> Vec<Sms> {
        self.state.account().sms.clone()
    }

    /// Lets a verification expire.
    pub fn expire(&self, sid: &str) {
        self.state.account().checks.remove(sid);
    }
}

fn failure(status: u16, code: u32, message: &str) -> Answer {
    let body = json!({"code": code, "message": message, "more_info": format!("https://www.twilio.com/docs/errors/{code}"), "status": status});
    Answer::json(status, body.to_string())
}

fn missing(target: &str) -> Answer {
    let message = format!("The requested resource {target} was not found");
    failure(404, 20404, &message)
}

/// The fields of a form (application/x-www-form-urlencoded).
pub(crate) fn form(text: &str) -> Vec<(String, String)> {
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), decode(value))
        })
        .collect()
}

fn decode(text: &str) -> String {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                let digits = [bytes.next().unwrap_or(b'x'), bytes.next().unwrap_or(b'x')];
                let mut value = [0];
                hex::decode_to_slice(digits, &mut value).expect("percent and two digits");
                out.push(value[0]);
            }
            other => out.push(other),
        }
    }
    String::from_utf8(out).expect("UTF-8 in a form")
}

impl State {
    fn account(&self) -> MutexGuard<'_, Account> {
        self.account.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn send(&self, account: &mut Account, service: &str, fields: &[(String, String)]) -> Answer {
        let field = |name: &str| {
            fields
                .iter()
                .find(|(other, _)| other == name)
                .map(|f| f.1.clone())
        };
        let to = field("To").unwrap_or_default();
        let digits = to.strip_prefix('+').unwrap_or_default();
        if !(7..=15).contains(&digits.len())
            || !digits.bytes().all(|byte| byte.is_ascii_digit())
            || account.refused.contains(&to)
        {
            return failure(400, 60200, "Invalid parameter `To`");
        }
        let channel = field("Channel").unwrap_or_default();
        if channel != "sms" {
            return failure(400, 60200, "Invalid parameter `Channel`");
        }
        let sid = format!("VE{:032x}", account.sms.len() + 1);
        let pin = account.pin.clone();
        account.sms.push(Sms {
            sid: sid.clone(),
            to: to.clone(),
            channel,
            locale: field("Locale"),
            pin,
        });
        account.checks.insert(sid.clone(), (0, true));
        Counters::count(&self.shared.counters.served);
        Answer::json(201, verification(service, &sid, &to, "pending").to_string())
    }

    fn check(
        &self,
        account: &mut Account,
        service: &str,
        fields: &[(String, String)],
        target: &str,
    ) -> Answer {
        let field = |name: &str| {
            fields
                .iter()
                .find(|(other, _)| other == name)
                .map(|f| f.1.clone())
        };
        let (sid, to) = (field("VerificationSid"), field("To"));
        let mut sent = account.sms.iter().rev();
        let sms = sent.find(|sms| match &sid {
            Some(sid) => sms.sid == *sid,
            None => Some(&sms.to) == to.as_ref(),
        });
        let Some(sms) = sms.cloned() else {
            return missing(target);
        };
        // An approved verification is closed: Twilio then answers 404.
        let Some((wrong, open)) = account.checks.get_mut(&sms.sid).filter(|check| check.1) else {
            return missing(target);
        };
        if *wrong >= CHECKS {
            return failure(429, 60202, "Max check attempts reached");
        }
        Counters::count(&self.shared.counters.served);
        let right = field("Code") == Some(sms.pin.clone());
        if right {
            *open = false;
        } else {
            *wrong += 1;
        }
        let status = if right { "approved" } else { "pending" };
        Answer::json(
            200,
            verification(service, &sms.sid, &sms.to, status).to_string(),
        )
    }
}

fn verification(service: &str, sid: &str, to: &str, status: &str) -> Value {
    json!({
        "sid": sid, "service_sid": service, "account_sid": "AC00000000000000000000000000000001", "to": to, "channel": "sms",
        "status": status, "valid": status == "approved", "date_created": "2026-01-01T00:00:00Z", "date_updated": "2026-01-01T00:00:00Z",
    })
}

impl Handler for State {
    fn answer(&self, request: &Request) -> Answer {
        let mut account = self.account();
        let given = request
            .header("authorization")
            .and_then(|value| BASE64_STANDARD.decode(value.strip_prefix("Basic ")?).ok());
        let known = account
            .keys
            .iter()
            .any(|(id, secret)| Some(format!("{id}:{secret}").into_bytes()) == given);
        if !known {
            return failure(401, 20003, "Authenticate");
        }
        let target = request.target.as_str();
        let path: Vec<&str> = target
            .strip_prefix("/v2/Services/")
            .unwrap_or_default()
            .split('/')
            .collect();
        let sid = path.first().copied().unwrap_or_default();
        let Some(service) = account.services.get(sid).cloned() else {
            return missing(target);
        };
        let body = String::from_utf8_lossy(&request.body);
        let is_form = request
            .header("content-type")
            .is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
        match (request.method.as_str(), &path[1..]) {
            ("GET", []) => {
                let body = json!({"sid": sid, "friendly_name": service.friendly_name, "code_length": service.code_length,
                    "lookup_enabled": false, "account_sid": "AC00000000000000000000000000000001"});
                Answer::json(200, body.to_string())
            }
            ("POST", ["Verifications"]) if is_form => self.send(&mut account, sid, &form(&body)),
            ("POST", ["VerificationCheck"]) if is_form => {
                self.check(&mut account, sid, &form(&body), target)
            }
            _ => missing(target),
        }
    }

    fn faults(&self, _: &Request) -> &Faults {
        &self.shared.faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_decoded() {
        let fields = form("To=%2B886912&a=b+c%C3%A9&x=");
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(
            fields,
            [pair("To", "+886912"), pair("a", "b cé"), pair("x", "")]
        );
    }
}
