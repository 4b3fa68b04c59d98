//! The message: RFC 5322, RFC 2045 to 2047, RFC 2231, written in one pass into one buffer.
//!
//! ```text
//! multipart/mixed                      only with an attachment
//! ├── multipart/alternative
//! │   ├── text/plain; charset=utf-8
//! │   └── text/html; charset=utf-8
//! └── application/pdf or application/zip
//! ```

mod encode;
mod header;

use crate::mail::{Attachment, Mail};
use crate::time::date_header;

/// The values that make one message differ from another with the same content.
#[derive(Clone, Copy)]
pub struct Origin {
    /// Now, in seconds since 1970: `Date`.
    pub time: u64,
    /// Random bytes: `Message-ID` and the boundaries.
    pub random: [u8; 16],
}

const CRLF: &[u8] = b"\r\n";

impl Mail {
    /// The message by RFC 5322 and MIME: ASCII, lines ended by CRLF and of at most 998 octets.
    /// Equal arguments give equal bytes.
    pub fn to_mime(&self, origin: &Origin) -> Vec<u8> {
        write(self, origin)
    }
}

fn write(mail: &Mail, origin: &Origin) -> Vec<u8> {
    let files: usize = mail
        .attachments
        .iter()
        .map(|attachment| encode::base64_len(attachment.bytes.len()) + 2048)
        .sum();
    let texts = (mail.text.len() + mail.html.len()) * 3;
    let mut out = Vec::with_capacity(files + texts + 4096);
    let id = hex::encode(origin.random);

    header::plain(&mut out, "Date", &date_header(origin.time));
    header::mailbox(&mut out, "From", Mail::FROM_NAME, &mail.from);
    header::mailbox(&mut out, "To", &mail.to_name, &mail.to);
    header::text(&mut out, "Subject", &mail.subject);
    header::plain(&mut out, "Message-ID", &format!("<{id}@{}>", mail.domain));
    // RFC 3834: no automatic reply, please.
    header::plain(&mut out, "Auto-Submitted", "auto-generated");
    header::plain(&mut out, "MIME-Version", "1.0");

    // "=_" is in no encoded body: quoted-printable has hexadecimal digits after "=", base64 only
    // padding.
    if mail.attachments.is_empty() {
        alternative(&mut out, mail, &id);
    } else {
        let boundary = format!("=_m{id}");
        multipart(&mut out, "mixed", &boundary);
        open(&mut out, &boundary);
        alternative(&mut out, mail, &id);
        for attachment in &mail.attachments {
            open(&mut out, &boundary);
            file(&mut out, attachment);
        }
        close(&mut out, &boundary);
    }
    out
}

fn alternative(out: &mut Vec<u8>, mail: &Mail, id: &str) {
    let boundary = format!("=_a{id}");
    multipart(out, "alternative", &boundary);
    open(out, &boundary);
    text(out, "plain", &mail.text);
    open(out, &boundary);
    text(out, "html", &mail.html);
    close(out, &boundary);
}

fn multipart(out: &mut Vec<u8>, subtype: &str, boundary: &str) {
    header::plain(
        out,
        "Content-Type",
        &format!("multipart/{subtype};\r\n boundary=\"{boundary}\""),
    );
    out.extend_from_slice(CRLF);
}

fn open(out: &mut Vec<u8>, boundary: &str) {
    out.extend_from_slice(b"--");
    out.extend_from_slice(boundary.as_bytes());
    out.extend_from_slice(CRLF);
}

fn close(out: &mut Vec<u8>, boundary: &str) {
    out.extend_from_slice(b"--");
    out.extend_from_slice(boundary.as_bytes());
    out.extend_from_slice(b"--\r\n");
}

fn text(out: &mut Vec<u8>, subtype: &str, text: &str) {
    header::plain(
        out,
        "Content-Type",
        &format!("text/{subtype}; charset=utf-8"),
    );
    // Whichever is shorter: a byte that is not ASCII takes three in quoted-printable, base64 adds a
    // third to all.
    let foreign = text.bytes().filter(|byte| !byte.is_ascii()).count();
    if foreign < text.len() / 6 {
        header::plain(out, "Content-Transfer-Encoding", "quoted-printable");
        out.extend_from_slice(CRLF);
        encode::quoted_printable(out, text);
    } else {
        header::plain(out, "Content-Transfer-Encoding", "base64");
        out.extend_from_slice(CRLF);
        encode::base64(out, text.replace('\n', "\r\n").as_bytes());
    }
}

fn file(out: &mut Vec<u8>, attachment: &Attachment) {
    header::file(out, attachment.media_type, &attachment.name);
    header::plain(out, "Content-Transfer-Encoding", "base64");
    out.extend_from_slice(CRLF);
    encode::base64(out, &attachment.bytes);
}
