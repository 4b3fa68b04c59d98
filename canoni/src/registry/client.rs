//! Requests to one repository of one registry: redirects, authorization, retries, errors.

use super::agent::agent;
use super::auth_file::Credentials;
use super::place::{base, follow, origin};
use super::retry::{ATTEMPTS, delay, is_transient, is_transient_error, wait};
use super::{Challenge, RegistryOptions, credentials, token};
use crate::error::{Error, Result};
use crate::reference::RegistryName;
use std::cell::RefCell;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use ureq::http::{Method, Request, Response};
use ureq::{Agent, Body, SendBody};
use zeroize::Zeroizing;

/// Redirects of one request.
const REDIRECTS: usize = 5;
/// How much of an error's body is read.
const ERROR_BYTES: u64 = 8 << 10;

/// The body of a request; it can be sent again.
#[derive(Clone, Copy)]
pub(super) enum Payload<'a> {
    None,
    Bytes(&'a [u8]),
    File(&'a Path, u64),
}

/// A request.
pub(super) struct Call<'a> {
    pub(super) method: Method,
    pub(super) address: &'a str,
    pub(super) headers: &'a [(&'a str, &'a str)],
    pub(super) payload: Payload<'a>,
    /// For errors: "the manifest 1.0".
    pub(super) what: &'a str,
}

/// A connection to a repository.
pub(super) struct Client<'a> {
    pub(super) agent: Agent,
    pub(super) name: &'a RegistryName,
    pub(super) options: &'a RegistryOptions,
    /// Scheme, host and port.
    pub(super) base: String,
    /// `pull` or `pull,push`.
    pub(super) actions: &'static str,
    credentials: Option<Credentials>,
    authorization: RefCell<Option<Zeroizing<String>>>,
}

impl<'a> Client<'a> {
    pub(super) fn new(
        name: &'a RegistryName,
        actions: &'static str,
        options: &'a RegistryOptions,
    ) -> Result<Self> {
        let base = base(name, &options.insecure);
        Ok(Self {
            agent: agent(base.starts_with("https:"))?,
            credentials: credentials::find(name)?,
            authorization: RefCell::new(None),
            name,
            options,
            base,
            actions,
        })
    }

    /// `BASE/v2/REPOSITORY/REST`.
    pub(super) fn address(&self, rest: &str) -> String {
        format!("{}/v2/{}/{rest}", self.base, self.name.repository())
    }

    pub(super) fn fail(&self, what: &str, reason: impl std::fmt::Display) -> Error {
        Error::image(
            format!("docker://{}", self.name),
            format!("{what}: {reason}"),
        )
    }

    /// The answer, of whatever status that is not transient, after retries. Network trouble is an
    /// error, as is an answer that stays transient.
    pub(super) fn call(&self, call: &Call<'_>) -> Result<Response<Body>> {
        for number in 0.. {
            let last = number + 1 >= ATTEMPTS;
            let time = match self.once(call)? {
                Ok(answer) if is_transient(answer.status().as_u16()) => {
                    if last {
                        return Err(self.refused(call.what, answer));
                    }
                    delay(number, Some(answer.headers()))
                }
                Ok(answer) => return Ok(answer),
                Err(error) if last || !is_transient_error(&error) => {
                    return Err(self.trouble(call.what, &error));
                }
                Err(_) => delay(number, None),
            };
            wait(time, self.options)?;
        }
        Err(self.fail(call.what, "was tried in vain"))
    }

    /// Network trouble in words.
    pub(super) fn trouble(&self, what: &str, error: &dyn std::fmt::Display) -> Error {
        let host = self.name.host();
        let words = shortened(&error.to_string());
        let hint = if self.base.starts_with("https:") {
            format!(
                "check the name and the network; --insecure {host} is for a registry of your own \
                 that has HTTP alone, SSL_CERT_FILE names a private certificate authority"
            )
        } else {
            "check that the registry runs there, and that it speaks HTTP without TLS".to_owned()
        };
        self.fail(
            what,
            format!("the registry {host} gave no good answer: {words}; {hint}"),
        )
    }

    /// One try, with authorization where the registry asks for it.
    pub(super) fn once(&self, call: &Call<'_>) -> Result<Result<Response<Body>, ureq::Error>> {
        let first = match self.redirected(call)? {
            // Only the registry may say where credentials go, not whom it redirects to.
            Ok((answer, true)) if answer.status() == 401 => answer,
            other => return Ok(other.map(|(answer, _)| answer)),
        };
        let mut challenges = Vec::new();
        for header in first.headers().get_all("www-authenticate") {
            let words = "sent a WWW-Authenticate header that breaks the grammar of HTTP";
            let text = header.to_str().map_err(|_| self.fail(call.what, words))?;
            let list = Challenge::parse_all(text).ok_or_else(|| self.fail(call.what, words))?;
            challenges.extend(list);
        }
        let granted = token::authorization(self, &challenges, self.credentials.as_ref())?;
        let Some(granted) = granted else {
            return Ok(Ok(first));
        };
        *self.authorization.borrow_mut() = Some(granted);
        let second = self.redirected(call)?;
        Ok(second.map(|(answer, _)| answer))
    }

    /// The answer, and whether it is of the registry's own host.
    fn redirected(&self, call: &Call<'_>) -> Result<Result<(Response<Body>, bool), ureq::Error>> {
        let mut address = call.address.to_owned();
        for _ in 0..=REDIRECTS {
            let answer = match self.send(call, &address)? {
                Ok(answer) => answer,
                Err(error) => return Ok(Err(error)),
            };
            let reads = call.method == Method::GET || call.method == Method::HEAD;
            if !reads || !matches!(answer.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
                return Ok(Ok((answer, self.is_home(&address, call.what)?)));
            }
            address = self.location(&answer, &address, call.what)?;
        }
        Err(self.fail(call.what, format!("more than {REDIRECTS} redirects")))
    }

    /// Where an answer's `Location` leads.
    pub(super) fn location(
        &self,
        answer: &Response<Body>,
        from: &str,
        what: &str,
    ) -> Result<String> {
        let header = answer
            .headers()
            .get("location")
            .and_then(|value| value.to_str().ok());
        let header = header.ok_or_else(|| self.fail(what, "the answer lacks a Location"))?;
        follow(from, header).map_err(|reason| {
            let shown = shortened(header.split('?').next().unwrap_or_default());
            self.fail(
                what,
                format!("the Location {shown:?} {reason}; it is not followed"),
            )
        })
    }

    fn send(&self, call: &Call<'_>, address: &str) -> Result<Result<Response<Body>, ureq::Error>> {
        let mut request = Request::builder().method(call.method.clone()).uri(address);
        for (name, value) in call.headers {
            request = request.header(*name, *value);
        }
        if self.is_home(address, call.what)?
            && let Some(value) = &*self.authorization.borrow()
        {
            request = request.header("authorization", value.as_str());
        }
        let wrong = |error: ureq::http::Error| self.fail(call.what, error);
        Ok(match call.payload {
            Payload::None if call.method == Method::POST => {
                self.agent.run(request.body(&[][..]).map_err(wrong)?)
            }
            Payload::None => self.agent.run(request.body(()).map_err(wrong)?),
            Payload::Bytes(bytes) => self.agent.run(request.body(bytes).map_err(wrong)?),
            Payload::File(path, size) => {
                let file = File::open(path).map_err(|e| Error::file("open", path, e))?;
                let request = request.header("content-length", size);
                let body = SendBody::from_owned_reader(file.take(size));
                self.agent.run(request.body(body).map_err(wrong)?)
            }
        })
    }

    /// Whether an address has the registry's scheme, host and port.
    fn is_home(&self, address: &str, what: &str) -> Result<bool> {
        let of = |address: &str| origin(address).map_err(|reason| self.fail(what, reason));
        Ok(of(address)? == of(&self.base)?)
    }

    /// The meaning of an unexpected answer, with the way out.
    pub(super) fn refused(&self, what: &str, mut answer: Response<Body>) -> Error {
        let status = answer.status();
        let mut body = Vec::new();
        // The words are a courtesy; without them the status has to do.
        let _ = answer
            .body_mut()
            .as_reader()
            .take(ERROR_BYTES)
            .read_to_end(&mut body);
        let (host, repository) = (self.name.host(), self.name.repository());
        let hint = match status.as_u16() {
            401 | 403 if self.actions == "pull" => format!(
                "the image does not exist or needs a login: podman login {host} (or docker login)"
            ),
            401 | 403 => format!("log in as somebody who may push: podman login {host}"),
            404 => format!(
                "check the name and the tag; skopeo list-tags docker://{host}/{repository} lists \
                 what is there"
            ),
            429 => "the registry limits how often it is asked; log in, or try again later".into(),
            500.. => "the registry is in trouble; try again later".into(),
            _ => "the registry does not do this".into(),
        };
        let words = error_words(&body);
        self.fail(
            what,
            format!("the registry {host} answers {status}{words}; {hint}"),
        )
    }
}

/// ` (CODE: message)` out of an error as the specification has it.
fn error_words(body: &[u8]) -> String {
    let value: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let part = |name| {
        value
            .pointer(name)
            .and_then(|value| value.as_str())
            .unwrap_or_default()
    };
    match (part("/errors/0/code"), part("/errors/0/message")) {
        ("", "") => String::new(),
        (code, message) => format!(" ({}: {})", shortened(code), shortened(message)),
    }
}

/// A stranger's words, escaped and at most 200 characters.
pub(super) fn shortened(text: &str) -> String {
    let text = crate::printable(text.as_bytes());
    match text.char_indices().nth(200) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text,
    }
}
