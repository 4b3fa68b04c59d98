//! Composing: a message in the language of its recipient becomes a mail.

use crate::address::{is_address, is_domain};
use crate::content::Content;
use crate::error::{Error, Result};
use crate::file_name::{clean_file_name, zip_name};
use crate::locale::Locale;
use crate::locales;
use crate::mail::{Attachment, Mail};
use crate::messages::{Confirm, Declined, Done, Failed, Final, Received, Signed, Voided};
use crate::people::{Person, Signers, Task};
use bytes::Bytes;

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
                    Locale::EnUs => locales::en_us::$words(self),
                    Locale::ZhTw => locales::zh_tw::$words(self),
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
    Declined: declined, |this| nameless(this.notificant), None;
    Voided: voided, |this| nameless(this.notificant), None;
    Done: done, |this| this.signer, Some(zip(&this.task, &this.signers, &this.archive));
}
