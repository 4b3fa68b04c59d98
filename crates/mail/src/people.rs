//! The task, the recipient and the signers of a mail.

use crate::locale::Locale;

/// The facts about a task that every mail needs.
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
    /// A task with several: `NAME (YYYY/MM/DD HH:MM:SS UTC)` each, or NAME alone. May be a part of
    /// them, or empty.
    Many(&'a [Signature<'a>]),
}

impl Signers<'_> {
    pub(crate) fn single(&self) -> Option<&str> {
        match self {
            Self::One(address) => Some(address),
            Self::Many(_) => None,
        }
    }
}
