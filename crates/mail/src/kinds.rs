//! The six kinds of mails, as contexts that a [`Mail`] is made from.

use crate::address::{is_address, is_domain};
use crate::content::Content;
use crate::error::{Error, Result};
use crate::file_name::{clean_file_name, zip_name};
use crate::link::Link;
use crate::locale::Locale;
use crate::mail::{Attachment, Mail};
use crate::words;
use bytes::Bytes;

/// What every mail about a task needs.
#[derive(Clone, Copy)]
pub struct Task<'a> {
    /// Domain of the e-mail configuration: mails come from `do-not-reply@DOMAIN`.
    pub domain: &'a str,
    /// taskID; the subject and the text show its last 12 characters.
    pub task_id: &'a str,
    /// `fileName` of the task.
    pub file_name: &'a str,
    /// The recipient's language.
    pub locale: Locale,
}

/// A signer as recipient.
#[derive(Clone, Copy)]
pub struct Person<'a> {
    /// The name, shown in the mail and in its `To`.
    pub name: &'a str,
    /// The address.
    pub address: &'a str,
}

/// A signer as shown to others.
#[derive(Debug, Clone, Copy)]
pub struct Signature<'a> {
    /// The name.
    pub name: &'a str,
    /// When this signer signed, in seconds since 1970; `None` if that is still to come.
    pub time: Option<u64>,
}

/// The signers of a task as mails show them.
#[derive(Debug, Clone, Copy)]
pub enum Signers<'a> {
    /// A task with one signer: the address.
    One(&'a str),
    /// A task with several: `NAME (YYYY/MM/DD HH:MM:SS UTC)` each, or NAME alone. May be a part of them, or empty.
    Many(&'a [Signature<'a>]),
}

impl Signers<'_> {
    fn single(&self) -> Option<&str> {
        match self {
            Self::One(address) => Some(address),
            Self::Many(_) => None,
        }
    }
}

/// Why a request failed, for the mail that says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The mail to the signer could not be delivered to the provider (2109).
    MailNotDelivered,
    /// The mail provider refused the credentials (2010).
    MailCredentials,
    /// The Twilio configuration is missing or wrong (2011, 2012, 2103).
    SmsSetting,
    /// A signer's phone number is not valid (2104).
    PhoneNumber,
    /// The PDF was signed with this service before (2105).
    AlreadySigned,
    /// The PDF, or a field's place in it, does not allow signing (2106, 2107).
    Pdf,
    /// The task's data contradict each other or could not be decrypted (2001..=2008, 2101, 2102).
    TaskData,
    /// Anything else.
    Other,
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::MailNotDelivered,
        Self::MailCredentials,
        Self::SmsSetting,
        Self::PhoneNumber,
        Self::AlreadySigned,
        Self::Pdf,
        Self::TaskData,
        Self::Other,
    ];
}

/// To a signer: please sign.
pub struct Confirm<'a> {
    /// The task.
    pub task: Task<'a>,
    /// The signer.
    pub signer: Person<'a>,
    /// The domain that asks for the signature.
    pub sender: &'a str,
    /// The sender's message, with its line breaks; may be empty.
    pub message: &'a str,
    /// Where the button leads.
    pub link: &'a Link,
    /// The number that will get a PIN.
    pub phone: Option<&'a str>,
    /// Whether the PDF asks for the task's password (enhancedPrivacy).
    pub protected: bool,
    /// The preview PDF, attached as `fileName`.
    pub document: Bytes,
}

/// To the notificant: the request was accepted.
pub struct Received<'a> {
    /// The task.
    pub task: Task<'a>,
    /// The recipient's address.
    pub notificant: &'a str,
    /// The signers.
    pub signers: Signers<'a>,
}

/// To the notificant: the request failed (the kind "error").
pub struct Failed<'a> {
    /// The task.
    pub task: Task<'a>,
    /// The recipient's address.
    pub notificant: &'a str,
    /// The signers.
    pub signers: Signers<'a>,
    /// Why.
    pub reason: Reason,
}

/// To the notificant: a signer has signed.
pub struct Signed<'a> {
    /// The task.
    pub task: Task<'a>,
    /// The recipient's address.
    pub notificant: &'a str,
    /// Who has signed, and when.
    pub signers: Signers<'a>,
}

/// To the notificant: everybody has signed.
pub struct Final<'a> {
    /// The task.
    pub task: Task<'a>,
    /// The recipient's address.
    pub notificant: &'a str,
    /// The signers.
    pub signers: Signers<'a>,
    /// Whether the zip asks for the task's password (enhancedPrivacy).
    pub protected: bool,
    /// The zip; its name is [`zip_name`].
    pub archive: Bytes,
}

/// To a signer: everybody has signed.
pub struct Done<'a> {
    /// The task.
    pub task: Task<'a>,
    /// The signer this mail goes to.
    pub signer: Person<'a>,
    /// The signers.
    pub signers: Signers<'a>,
    /// Whether the zip asks for the task's password (enhancedPrivacy).
    pub protected: bool,
    /// The zip; its name is [`zip_name`].
    pub archive: Bytes,
}

fn finish(
    task: &Task<'_>,
    to: Person<'_>,
    content: &Content,
    attachment: Option<Attachment>,
) -> Result<Mail> {
    if !is_domain(task.domain) {
        return Err(Error::Domain);
    }
    if !is_address(to.address) {
        return Err(Error::Address);
    }
    Mail::new(task.domain, to, content, attachment)
}

fn zip(task: &Task<'_>, signers: &Signers<'_>, archive: &Bytes) -> Attachment {
    Attachment {
        name: zip_name(task.file_name, signers.single()),
        media_type: "application/zip",
        bytes: archive.clone(),
    }
}

fn nameless(address: &str) -> Person<'_> {
    Person { name: "", address }
}

macro_rules! compose {
    ($($kind:ident: $words:ident, |$this:ident| $to:expr, $attachment:expr;)*) => {$(
        impl $kind<'_> {
            /// Makes the mail. Fails with [`Error::Address`] or [`Error::Domain`].
            pub fn compose(&self) -> Result<Mail> {
                let content = match self.task.locale {
                    Locale::EnUs => words::en_us::$words(self),
                    Locale::ZhTw => words::zh_tw::$words(self),
                };
                let $this = self;
                finish(&self.task, $to, &content, $attachment)
            }
        }
    )*};
}

compose! {
    Confirm: confirm, |this| this.signer, Some(Attachment {
        name: clean_file_name(this.task.file_name),
        media_type: "application/pdf",
        bytes: this.document.clone(),
    });
    Received: received, |this| nameless(this.notificant), None;
    Failed: failed, |this| nameless(this.notificant), None;
    Signed: signed, |this| nameless(this.notificant), None;
    Final: finished, |this| nameless(this.notificant), Some(zip(&this.task, &this.signers, &this.archive));
    Done: done, |this| this.signer, Some(zip(&this.task, &this.signers, &this.archive));
}
