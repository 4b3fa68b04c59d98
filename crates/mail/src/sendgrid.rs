//! SendGrid's Web API v3, "Mail Send": the request, and what its answer means. The caller, who
//! holds the connection, sends it.

use crate::error::{SendError, Step};
use crate::mail::Mail;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use zeroize::Zeroizing;

/// Where requests go, by TLS, port 443.
pub const HOST: &str = "api.sendgrid.com";

/// A request by POST.
pub struct Request {
    /// `/v3/mail/send`.
    pub path: &'static str,
    /// All headers but `content-length`: name and value.
    pub headers: Vec<(&'static str, Zeroizing<String>)>,
    /// JSON.
    pub body: Vec<u8>,
}

#[derive(Serialize)]
struct Body<'a> {
    personalizations: [Personalization<'a>; 1],
    from: Mailbox<'a>,
    subject: &'a str,
    content: [Part<'a>; 2],
    headers: Headers,
    tracking_settings: Tracking,
}

#[derive(Serialize)]
struct Personalization<'a> {
    to: [Mailbox<'a>; 1],
}

#[derive(Serialize)]
struct Mailbox<'a> {
    email: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    name: &'a str,
}

#[derive(Serialize)]
struct Part<'a> {
    r#type: &'static str,
    value: &'a str,
}

#[derive(Serialize)]
struct Headers {
    #[serde(rename = "Auto-Submitted")]
    auto_submitted: &'static str,
}

/// All off: a tracked link would send the signer's secret through somebody else's server.
#[derive(Serialize, Default)]
struct Tracking {
    #[serde(rename = "click_tracking")]
    click: Clicks,
    #[serde(rename = "open_tracking")]
    open: Switch,
    #[serde(rename = "subscription_tracking")]
    subscription: Switch,
    #[serde(rename = "ganalytics")]
    analytics: Switch,
}

#[derive(Serialize, Default)]
struct Clicks {
    enable: bool,
    enable_text: bool,
}

#[derive(Serialize, Default)]
struct Switch {
    enable: bool,
}

#[derive(Serialize)]
struct File<'a> {
    r#type: &'a str,
    filename: &'a str,
    disposition: &'static str,
}

/// The request that sends `mail` with the bearer `secret`.
///
/// Fails with [`SendError::Credentials`] if the secret could not stand in a header: SendGrid would
/// not know it either.
pub fn request(mail: &Mail, secret: &str) -> Result<Request, SendError> {
    if secret.is_empty() || !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(SendError::Credentials);
    }
    Ok(Request {
        path: "/v3/mail/send",
        headers: vec![
            ("host", Zeroizing::new(HOST.to_owned())),
            (
                "content-type",
                Zeroizing::new("application/json".to_owned()),
            ),
            ("authorization", Zeroizing::new(format!("Bearer {secret}"))),
        ],
        body: body(mail).map_err(|_| SendError::Message("the mail as JSON"))?,
    })
}

fn body(mail: &Mail) -> serde_json::Result<Vec<u8>> {
    let files: usize = mail
        .attachments
        .iter()
        .map(|attachment| attachment.bytes.len().div_ceil(3) * 4 + 1024)
        .sum();
    let mut out = Vec::with_capacity(files + mail.html.len() * 2 + mail.text.len() * 2 + 4096);
    let head = Body {
        personalizations: [Personalization {
            to: [Mailbox {
                email: &mail.to,
                name: &mail.to_name,
            }],
        }],
        from: Mailbox {
            email: &mail.from,
            name: Mail::FROM_NAME,
        },
        subject: &mail.subject,
        content: [
            Part {
                r#type: "text/plain",
                value: &mail.text,
            },
            Part {
                r#type: "text/html",
                value: &mail.html,
            },
        ],
        headers: Headers {
            auto_submitted: "auto-generated",
        },
        tracking_settings: Tracking::default(),
    };
    serde_json::to_writer(&mut out, &head)?;
    if mail.attachments.is_empty() {
        return Ok(out);
    }
    // Attachments are written by hand, so that base64 goes straight into the body.
    out.pop();
    out.extend_from_slice(b",\"attachments\":[");
    for (index, attachment) in mail.attachments.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        let file = File {
            r#type: attachment.media_type,
            filename: &attachment.name,
            disposition: "attachment",
        };
        serde_json::to_writer(&mut out, &file)?;
        out.pop();
        out.extend_from_slice(b",\"content\":\"");
        base64(&mut out, &attachment.bytes);
        out.extend_from_slice(b"\"}");
    }
    out.extend_from_slice(b"]}");
    Ok(out)
}

fn base64(out: &mut Vec<u8>, bytes: &[u8]) {
    let start = out.len();
    out.resize(start + bytes.len().div_ceil(3) * 4, 0);
    // The slice has the size that is needed, so this cannot fail.
    let _ = STANDARD.encode_slice(bytes, out.get_mut(start..).unwrap_or_default());
}

/// Maps the status of an answer to a result: 200, 201 and 202 are success, 401 wrong credentials,
/// 429, 500 and 503 worth one more try. 502, 504 and other 5xx may come from something in between,
/// which does not know whether SendGrid has taken the mail.
///
/// The status decides alone; the body is not read.
pub fn check_status(status: u16) -> Result<(), SendError> {
    match status {
        200..=202 => Ok(()),
        401 => Err(SendError::Credentials),
        429 | 500 | 503 => Err(SendError::Temporary(Step::Http, status)),
        500..=599 => Err(SendError::Uncertain),
        400..=499 => Err(SendError::Refused(Step::Http, status)),
        _ => Err(SendError::Protocol(Step::Http, "an unexpected status")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses() {
        for status in [200, 201, 202] {
            assert_eq!(check_status(status), Ok(()));
        }
        assert_eq!(check_status(401), Err(SendError::Credentials));
        for status in [502, 504, 599] {
            assert_eq!(check_status(status), Err(SendError::Uncertain));
        }
        for status in [429, 500, 503] {
            let error = check_status(status).unwrap_err();
            assert_eq!(error, SendError::Temporary(Step::Http, status));
            assert!(error.may_retry());
        }
        for status in [400, 403, 404, 413] {
            assert_eq!(
                check_status(status),
                Err(SendError::Refused(Step::Http, status))
            );
        }
        for status in [0, 100, 204, 301, 600] {
            assert!(
                matches!(check_status(status), Err(SendError::Protocol(..))),
                "{status}"
            );
        }
    }
}
