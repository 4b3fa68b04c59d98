//! The eight kinds of mails, as contexts that a [`Mail`](crate::Mail) is made from.

use crate::link::Link;
use crate::people::{Person, Signers, Task};
use bytes::Bytes;

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
    /// The zip; its name is [`zip_name`](crate::zip_name).
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
    /// The zip; its name is [`zip_name`](crate::zip_name).
    pub archive: Bytes,
}

/// To the notificant: a signer declined. Protocol 2.
pub struct Declined<'a> {
    /// The task.
    pub task: Task<'a>,
    /// The recipient's address.
    pub notificant: &'a str,
    /// The signer.
    pub signer: Person<'a>,
    /// The signer's words, with their line breaks; may be empty.
    pub reason: &'a str,
}

/// To the notificant: the sender voided the task. Protocol 2.
pub struct Voided<'a> {
    /// The task.
    pub task: Task<'a>,
    /// The recipient's address.
    pub notificant: &'a str,
    /// The signers.
    pub signers: Signers<'a>,
}
