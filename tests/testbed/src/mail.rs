//! Mails that were taken, by SMTP or by SendGrid, in one form.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use mail_parser::{MessageParser, MimeHeaders};
use serde_json::Value;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// Which way a mail went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// SES by SMTP.
    Ses,
    /// SendGrid.
    SendGrid,
}

/// A mail as it came.
#[derive(Debug, Clone)]
pub struct Mail {
    /// Which way it came.
    pub way: Way,
    /// Sender of the envelope (SendGrid: the address of `from`).
    pub sender: String,
    /// Recipients of the envelope (SendGrid: of the first personalization).
    pub recipients: Vec<String>,
    /// SMTP: the message, dots unstuffed; SendGrid: the JSON.
    pub raw: Bytes,
}

/// A name, which may be empty, and an address.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Address {
    /// Display name, decoded.
    pub name: String,
    /// `local@domain`.
    pub address: String,
}

/// An attachment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// Its file name, decoded.
    pub name: String,
    /// `application/pdf`.
    pub kind: String,
    /// Its bytes, decoded.
    pub bytes: Vec<u8>,
}

/// A mail, read.
#[derive(Debug, Clone, Default)]
pub struct Parsed {
    /// From.
    pub from: Address,
    /// To.
    pub to: Vec<Address>,
    /// Subject, decoded.
    pub subject: String,
    /// The part that is plain text.
    pub text: Option<String>,
    /// The HTML part.
    pub html: Option<String>,
    /// Attachments, in order.
    pub attachments: Vec<Attachment>,
    /// SMTP: header fields of the message as they stand there, in order.
    pub headers: Vec<(String, String)>,
}

impl Mail {
    /// Reads it.
    ///
    /// # Panics
    /// When it cannot be read.
    pub fn parsed(&self) -> Parsed {
        match self.way {
            Way::Ses => message(&self.raw),
            Way::SendGrid => sendgrid(&self.raw),
        }
    }

    /// The SendGrid request.
    ///
    /// # Panics
    /// For a mail that went another way.
    pub fn json(&self) -> Value {
        assert_eq!(self.way, Way::SendGrid);
        serde_json::from_slice(&self.raw).expect("it was read before")
    }
}

fn message(raw: &[u8]) -> Parsed {
    let message = MessageParser::default().parse(raw).expect("a message");
    let address = |address: &mail_parser::Addr<'_>| Address {
        name: address.name().unwrap_or_default().to_owned(),
        address: address.address().unwrap_or_default().to_owned(),
    };
    let part = |html: bool| {
        let mut parts = message.parts.iter();
        let kind = if html { "html" } else { "plain" };
        let part = parts
            .find(|part| part.attachment_name().is_none() && part.is_content_type("text", kind))?;
        part.text_contents().map(str::to_owned)
    };
    let attachments = message.attachments().map(|part| {
        let kind = part.content_type();
        Attachment {
            name: part.attachment_name().unwrap_or_default().to_owned(),
            kind: kind.map_or(String::new(), |kind| {
                format!("{}/{}", kind.ctype(), kind.subtype().unwrap_or_default())
            }),
            bytes: part.contents().to_vec(),
        }
    });
    let addresses = |list: Option<&mail_parser::Address<'_>>| -> Vec<Address> {
        list.map(|list| list.iter().map(address).collect())
            .unwrap_or_default()
    };
    Parsed {
        from: addresses(message.from())
            .into_iter()
            .next()
            .unwrap_or_default(),
        to: addresses(message.to()),
        subject: message.subject().unwrap_or_default().to_owned(),
        text: part(false),
        html: part(true),
        attachments: attachments.collect(),
        headers: message
            .headers_raw()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
    }
}

fn sendgrid(raw: &[u8]) -> Parsed {
    let json: Value = serde_json::from_slice(raw).expect("it was read before");
    let text = |value: &Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
    let address = |value: &Value| Address {
        name: text(value, "name"),
        address: text(value, "email"),
    };
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let part = |kind: &str| {
        let parts = list(&json["content"]);
        let part = parts.iter().find(|part| part["type"] == kind)?;
        Some(text(part, "value"))
    };
    let first = &json["personalizations"][0];
    let subject = match first["subject"].as_str() {
        Some(subject) => subject.to_owned(),
        None => text(&json, "subject"),
    };
    let attachments = list(&json["attachments"]);
    let attachments = attachments.iter().map(|attachment| Attachment {
        name: text(attachment, "filename"),
        kind: text(attachment, "type"),
        bytes: BASE64_STANDARD
            .decode(text(attachment, "content"))
            .expect("it was checked before"),
    });
    Parsed {
        from: address(&json["from"]),
        to: list(&first["to"]).iter().map(address).collect(),
        subject,
        text: part("text/plain"),
        html: part("text/html"),
        attachments: attachments.collect(),
        headers: Vec::new(),
    }
}

#[derive(Default)]
struct Kept {
    mails: VecDeque<(u64, Arc<Mail>)>,
    bytes: usize,
    count: u64,
}

/// All mails that were taken; old ones make room for new ones.
pub struct Mailbox {
    kept: Mutex<Kept>,
    most: usize,
    news: Notify,
}

impl Mailbox {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            kept: Mutex::default(),
            most,
            news: Notify::new(),
        }
    }

    pub(crate) fn add(&self, mail: Mail) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = &mut *kept;
        kept.bytes += mail.raw.len();
        kept.mails.push_back((kept.count, Arc::new(mail)));
        kept.count += 1;
        while kept.bytes > self.most && kept.mails.len() > 1 {
            if let Some((_, old)) = kept.mails.pop_front() {
                kept.bytes -= old.raw.len();
            }
        }
        self.news.notify_waiters();
    }

    /// How many were taken since the start.
    pub fn count(&self) -> u64 {
        self.kept
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .count
    }

    /// Those that are kept, oldest first.
    pub fn mails(&self) -> Vec<Arc<Mail>> {
        self.since(0)
    }

    /// Those that are kept and came after the first n.
    pub fn since(&self, count: u64) -> Vec<Arc<Mail>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let mails = kept.mails.iter().filter(|(number, _)| *number >= count);
        mails.map(|(_, mail)| Arc::clone(mail)).collect()
    }

    /// Forgets all mails; the count goes on.
    pub fn clear(&self) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.mails.clear();
        kept.bytes = 0;
    }

    /// The latest mail that suits, waited for.
    ///
    /// # Panics
    /// After 30 seconds without one.
    pub async fn wait(&self, suits: impl Fn(&Mail) -> bool) -> Arc<Mail> {
        let wait = async {
            loop {
                let news = self.news.notified();
                tokio::pin!(news);
                news.as_mut().enable();
                if let Some(mail) = self.mails().into_iter().rev().find(|mail| suits(mail)) {
                    return mail;
                }
                news.await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), wait)
            .await
            .expect("a mail within 30 seconds")
    }

    /// The latest mail to an address, waited for.
    ///
    /// # Panics
    /// After 30 seconds without one.
    pub async fn wait_for(&self, address: &str) -> Arc<Mail> {
        self.wait(|mail| mail.recipients.iter().any(|recipient| recipient == address))
            .await
    }
}
