//! A mail that is ready to be written for SMTP or SendGrid.

use crate::content::Content;
use crate::error::Result;
use crate::people::Person;
use crate::text::one_line;
use bytes::Bytes;

/// A file that goes with a mail.
#[derive(Clone)]
pub struct Attachment {
    /// A cleaned file name ([`crate::clean_file_name`]).
    pub name: String,
    /// `application/pdf` or `application/zip`.
    pub media_type: &'static str,
    /// The file.
    pub bytes: Bytes,
}

/// A mail with checked addresses, made by the contexts of this crate.
#[derive(Clone)]
pub struct Mail {
    pub(crate) from: String,
    pub(crate) domain: String,
    pub(crate) to: String,
    pub(crate) to_name: String,
    pub(crate) subject: String,
    pub(crate) html: String,
    pub(crate) text: String,
    pub(crate) attachments: Vec<Attachment>,
}

impl Mail {
    /// The name beside the sender's address.
    pub const FROM_NAME: &'static str = "Let's eSign";

    /// `domain` and the address in `to` were checked by the caller.
    pub(crate) fn new(
        domain: &str,
        to: Person<'_>,
        content: &Content,
        attachment: Option<Attachment>,
    ) -> Result<Self> {
        Ok(Self {
            from: format!("do-not-reply@{domain}"),
            domain: domain.to_owned(),
            to: to.address.to_owned(),
            to_name: one_line(to.name),
            subject: one_line(&content.subject),
            html: content.html()?,
            text: content.text()?,
            attachments: attachment.into_iter().collect(),
        })
    }

    /// `do-not-reply@DOMAIN`: the envelope's sender, too.
    pub fn from(&self) -> &str {
        &self.from
    }

    /// The recipient's address.
    pub fn to(&self) -> &str {
        &self.to
    }

    /// The subject, as it is shown.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The body for programs that show HTML.
    pub fn html(&self) -> &str {
        &self.html
    }

    /// The same in plain text, lines ended by LF.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The files.
    pub fn attachments(&self) -> &[Attachment] {
        &self.attachments
    }
}
