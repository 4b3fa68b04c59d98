//! Requests to Twilio Verify v2 (Twilio's API reference: "Service", "Verification", "Verification
//! Check").

use crate::error::{Error, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// Where requests go, by TLS, port 443.
pub const HOST: &str = "verify.twilio.com";

/// A customer's Twilio configuration.
#[derive(Clone)]
pub struct Config {
    /// User of HTTP Basic: an API key's or account's SID.
    pub api_sid: Zeroizing<String>,
    /// Its secret.
    pub api_secret: Zeroizing<String>,
    /// The Verify service.
    pub service_sid: String,
}

/// A request that is ready to be sent.
pub struct Request {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// The path: printable ASCII.
    pub path: String,
    /// All headers but `content-length`: name and value.
    pub headers: Vec<(&'static str, Zeroizing<String>)>,
    /// A form; empty for GET.
    pub body: Zeroizing<Vec<u8>>,
}

/// Asks for the service's settings; [`crate::answer::service`] reads the answer. May be repeated.
///
/// All requests fail with [`Error::Credentials`] if the API SID could not be a user name of HTTP
/// Basic (empty, a colon or a control character), and with [`Error::Setting`] if the service's SID
/// cannot be escaped (empty, `.`, `..`).
pub fn service(config: &Config) -> Result<Request> {
    build(config, "GET", "", &[])
}

/// Has a PIN sent to `phone` by SMS; [`crate::answer::sent`] reads the answer. A repetition sends
/// another SMS.
pub fn send(config: &Config, phone: &str) -> Result<Request> {
    let form = [("To", phone), ("Channel", "sms")];
    build(config, "POST", "/Verifications", &form)
}

/// Checks a PIN; [`crate::answer::checked`] reads the answer. Not to be repeated when the answer
/// was lost: an approved check is forgotten by Twilio, and each wrong one counts.
pub fn check(config: &Config, verification_sid: &str, pin: &str) -> Result<Request> {
    let form = [("VerificationSid", verification_sid), ("Code", pin)];
    build(config, "POST", "/VerificationCheck", &form)
}

fn build(
    config: &Config,
    method: &'static str,
    resource: &str,
    form: &[(&str, &str)],
) -> Result<Request> {
    let mut path = String::from("/v2/Services/");
    path.push_str(&segment(&config.service_sid)?);
    path.push_str(resource);
    let mut headers = vec![
        ("host", Zeroizing::new(HOST.to_owned())),
        ("accept", Zeroizing::new("application/json".to_owned())),
        ("authorization", basic(config)?),
    ];
    if method == "POST" {
        headers.push((
            "content-type",
            Zeroizing::new("application/x-www-form-urlencoded".to_owned()),
        ));
    }
    let mut body = Zeroizing::new(Vec::with_capacity(
        form.iter()
            .map(|(name, value)| name.len() + value.len() * 3 + 2)
            .sum(),
    ));
    for (index, (name, value)) in form.iter().enumerate() {
        if index > 0 {
            body.push(b'&');
        }
        body.extend_from_slice(name.as_bytes());
        body.push(b'=');
        encode(&mut body, value);
    }
    Ok(Request {
        method,
        path,
        headers,
        body,
    })
}

/// `Basic ...` (RFC 7617): the user has no colon, neither has control characters.
fn basic(config: &Config) -> Result<Zeroizing<String>> {
    let (user, secret) = (config.api_sid.as_str(), config.api_secret.as_str());
    if user.is_empty()
        || user.contains(':')
        || user.contains(char::is_control)
        || secret.contains(char::is_control)
    {
        return Err(Error::Credentials);
    }
    // Allocated once: a text that grows would leave copies of the secret behind.
    let length = user.len() + 1 + secret.len();
    let mut pair = Zeroizing::new(String::with_capacity(length));
    pair.push_str(user);
    pair.push(':');
    pair.push_str(secret);
    let mut value = Zeroizing::new(String::with_capacity(
        "Basic ".len() + length.div_ceil(3) * 4,
    ));
    value.push_str("Basic ");
    STANDARD.encode_string(pair.as_bytes(), &mut value);
    Ok(value)
}

/// One segment of a path (RFC 3986, section 3.3): unreserved characters stay, the rest becomes
/// `%XX`. Segments that mean another resource cannot be escaped.
fn segment(text: &str) -> Result<String> {
    if matches!(text, "" | "." | "..") {
        return Err(Error::Setting);
    }
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            let [high, low] = hex(byte);
            escaped.extend(['%', char::from(high), char::from(low)]);
        }
    }
    Ok(escaped)
}

/// A value of a form (WHATWG URL, "application/x-www-form-urlencoded serializing").
fn encode(out: &mut Vec<u8>, text: &str) {
    for byte in text.bytes() {
        match byte {
            b' ' => out.push(b'+'),
            b'*' | b'-' | b'.' | b'_' => out.push(byte),
            _ if byte.is_ascii_alphanumeric() => out.push(byte),
            _ => {
                out.push(b'%');
                out.extend_from_slice(&hex(byte));
            }
        }
    }
}

fn hex(byte: u8) -> [u8; 2] {
    let digit = |nibble: u8| match nibble {
        0..=9 => b'0' + nibble,
        _ => b'A' + (nibble & 15) - 10,
    };
    [digit(byte >> 4), digit(byte & 15)]
}
