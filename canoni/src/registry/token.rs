//! Authorization: tokens (distribution's "Token Authentication Specification") and Basic.

use super::auth_file::Credentials;
use super::client::{Client, shortened};
use super::place::{encoded, origin};
use super::{Challenge, retry};
use crate::error::Result;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use std::io::Read;
use ureq::http::Request;
use zeroize::Zeroizing;

/// The longest answer of a token server.
const MAX: u64 = 1 << 20;

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    token: Zeroizing<String>,
    #[serde(default)]
    access_token: Zeroizing<String>,
}

fn basic(user: &str, password: &str) -> Zeroizing<String> {
    let pair = Zeroizing::new(format!("{user}:{password}"));
    format!(
        "Basic {}",
        &*Zeroizing::new(STANDARD.encode(pair.as_bytes()))
    )
    .into()
}

/// The value of `Authorization` that answers a challenge. `None` where there is nothing to answer
/// with.
pub(super) fn authorization(
    client: &Client<'_>,
    challenges: &[Challenge],
    credentials: Option<&Credentials>,
) -> Result<Option<Zeroizing<String>>> {
    let of = |scheme: &str| challenges.iter().find(|one| one.scheme == scheme);
    if let Some(challenge) = of("bearer") {
        return bearer(client, challenge, credentials).map(Some);
    }
    match (of("basic"), credentials) {
        (Some(_), Some(Credentials::Password(user, password))) => Ok(Some(basic(user, password))),
        (Some(_), Some(Credentials::IdentityToken(_))) => {
            let host = client.name.host();
            let reason = format!(
                "the registry {host} wants a user and a password, but the login holds an identity \
                 token, which only a token server takes; podman login {host}"
            );
            Err(client.fail("the login", reason))
        }
        _ => Ok(None),
    }
}

fn bearer(
    client: &Client<'_>,
    challenge: &Challenge,
    credentials: Option<&Credentials>,
) -> Result<Zeroizing<String>> {
    let what = "the token to ask with";
    let fail = |reason: String| client.fail(what, reason);
    let realm = challenge.get("realm").unwrap_or_default();
    let shown = shortened(realm.split('?').next().unwrap_or_default());
    let place = origin(realm)
        .map_err(|reason| fail(format!("the registry's token server {shown:?} {reason}")))?;
    // A registry over HTTPS must not make its users send their password in the clear.
    if !place.https && client.base.starts_with("https:") {
        return Err(fail(format!(
            "the registry's token server {shown:?} is not asked over HTTPS; no password is sent there"
        )));
    }
    let scope = format!("repository:{}:{}", client.name.repository(), client.actions);
    let mut query = format!("scope={}", encoded(&scope));
    if let Some(service) = challenge.get("service") {
        query = format!("{query}&service={}", encoded(service));
    }
    let mark = if realm.contains('?') { '&' } else { '?' };
    let mut number = 0;
    let mut answer = loop {
        let wrong = |error: ureq::http::Error| fail(error.to_string());
        let answer = match credentials {
            Some(Credentials::IdentityToken(token)) => {
                let form = "grant_type=refresh_token&client_id=canoni&";
                let form = Zeroizing::new(format!(
                    "{form}refresh_token={}&{}",
                    &*Zeroizing::new(encoded(token)),
                    query
                ));
                let request = Request::post(realm)
                    .header("content-type", "application/x-www-form-urlencoded")
                    .body(form.as_bytes())
                    .map_err(wrong)?;
                client.agent.run(request)
            }
            other => {
                let mut request = Request::get(format!("{realm}{mark}{query}"));
                if let Some(Credentials::Password(user, password)) = other {
                    request = request.header("authorization", basic(user, password).as_str());
                }
                client.agent.run(request.body(()).map_err(wrong)?)
            }
        };
        number += 1;
        let last = number >= retry::ATTEMPTS;
        let time = match answer {
            Ok(answer) if !last && retry::is_transient(answer.status().as_u16()) => {
                retry::delay(number - 1, Some(answer.headers()))
            }
            Ok(answer) => break answer,
            Err(error) if last || !retry::is_transient_error(&error) => {
                return Err(client.trouble(what, &error));
            }
            Err(_) => retry::delay(number - 1, None),
        };
        retry::wait(time, client.options)?;
    };
    if answer.status() != 200 {
        return Err(client.refused(what, answer));
    }
    let mut body = Zeroizing::new(Vec::new());
    let read = answer
        .body_mut()
        .as_reader()
        .take(MAX)
        .read_to_end(&mut body);
    read.map_err(|error| client.trouble(what, &error))?;
    let wrong = || fail(format!("the token server {shown:?} answered with no token"));
    let answer: Answer = serde_json::from_slice(&body).map_err(|_| wrong())?;
    let token = if answer.token.is_empty() {
        answer.access_token
    } else {
        answer.token
    };
    // Whatever is in it must not become a second header.
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(wrong());
    }
    Ok(format!("Bearer {}", &*token).into())
}
