//! The mails of the signing server, without sockets: docs/mail.md.
//!
//! 1. A context ([`Confirm`], [`Received`], [`Failed`], [`Signed`], [`Final`], [`Done`]) says what
//!    a mail is about; its `compose` makes a [`Mail`] in the recipient's language, as HTML and as
//!    plain text.
//! 2. [`Mail::to_mime`] writes it as a message for [`smtp::send`], [`sendgrid::request`] as a
//!    request to SendGrid.
//! 3. The caller hands over the connection (vsock or TCP, and TLS); this crate speaks the
//!    protocol on it.
//!
//! Nothing that a person typed is ever part of a template, a header or a command: it is escaped or
//! encoded where it goes in, once, and refused where no encoding exists (addresses, domains,
//! links).
#![cfg_attr(any(doc, doctest), doc = include_str!("../README.md"))]
mod address;
mod compose;
mod content;
mod error;
mod file_name;
mod link;
mod locale;
mod locales;
mod mail;
mod messages;
mod mime;
mod people;
pub mod sendgrid;
pub mod smtp;
mod text;
mod time;

pub use address::{ADDRESS_MAX, is_address, is_domain};
pub use error::{Error, Result, SendError, Step};
pub use file_name::{FILE_NAME_MAX, clean_file_name, stem, zip_name};
pub use link::{Intent, Link, Scheme, fragment_link, is_plain_url, sign_link};
pub use locale::Locale;
pub use mail::{Attachment, Mail};
pub use messages::{Confirm, Declined, Done, Failed, Final, Reason, Received, Signed, Voided};
pub use mime::Origin;
pub use people::{Person, Signature, Signers, Task};
pub use text::has_line_break;
