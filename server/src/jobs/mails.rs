//! The mails of a task.

use super::Tools;
use crate::mailer::MailFailure;
use crate::task::{Opened, Payload, SignerInfo};
use bytes::Bytes;
use letsesign_mail::{
    Confirm, Done, Failed, Final, Link, Locale, Person, Reason, Received, Signature, Signed,
    Signers, Task,
};

/// Mails about one task.
pub(super) struct Mails<'a> {
    pub(super) tools: &'a Tools,
    pub(super) task: &'a Opened,
    pub(super) payload: &'a Payload,
    pub(super) task_id: &'a str,
}

impl<'a> Mails<'a> {
    fn about(&self, locale: &str) -> Task<'a> {
        Task {
            domain: self.task.email.domain(),
            task_id: self.task_id,
            file_name: &self.task.config.file_name,
            locale: Locale::of(locale),
        }
    }

    /// Who is told of the task's progress, and how.
    fn notificant(&self) -> Option<(&'a str, Task<'a>)> {
        let address = self.task.config.notificant.as_deref()?;
        Some((address, self.about(&self.task.config.notificant_locale)))
    }

    /// The only signer, or the names of several.
    fn all<'b>(&self, names: &'b [Signature<'b>]) -> Signers<'b>
    where
        'a: 'b,
    {
        match self.task.config.signers.as_slice() {
            [only] => Signers::One(&only.email),
            _ => Signers::Many(names),
        }
    }

    fn names(&self) -> Vec<Signature<'a>> {
        let signers = &self.task.config.signers;
        signers
            .iter()
            .map(|signer| Signature {
                name: &signer.name,
                time: None,
            })
            .collect()
    }

    async fn send(
        &self,
        mail: letsesign_mail::Result<letsesign_mail::Mail>,
    ) -> Result<(), MailFailure> {
        let mail = mail?;
        self.tools.job.begin().await?;
        self.tools.mailer.send(&self.task.email, mail).await
    }

    /// Asks a signer.
    pub(super) async fn confirm(
        &self,
        signer: &SignerInfo,
        link: &Link,
        document: Bytes,
    ) -> Result<(), MailFailure> {
        let mail = Confirm {
            task: self.about(&signer.locale),
            signer: person(signer),
            // Not the public rootDomain, which the host can change: the decrypted domain, which is the same in an honest task.
            sender: self.task.email.domain(),
            message: &self.task.config.message,
            link,
            phone: signer.phone.as_deref(),
            protected: self.payload.enhanced_privacy,
            document,
        };
        self.send(mail.compose()).await
    }

    /// The request is out.
    pub(super) async fn received(&self) -> Result<(), MailFailure> {
        let Some((notificant, task)) = self.notificant() else {
            return Ok(());
        };
        let names = self.names();
        let mail = Received {
            task,
            notificant,
            signers: self.all(&names),
        };
        self.send(mail.compose()).await
    }

    /// The request failed.
    pub(super) async fn failed(&self, reason: Reason) -> Result<(), MailFailure> {
        let Some((notificant, task)) = self.notificant() else {
            return Ok(());
        };
        let names = self.names();
        let mail = Failed {
            task,
            notificant,
            signers: self.all(&names),
            reason,
        };
        self.send(mail.compose()).await
    }

    /// A signer confirmed, at a time in seconds since 1970.
    pub(super) async fn signed(&self, signer: &SignerInfo, time: u64) -> Result<(), MailFailure> {
        let Some((notificant, task)) = self.notificant() else {
            return Ok(());
        };
        let signature = [Signature {
            name: &signer.name,
            time: Some(time),
        }];
        let mail = Signed {
            task,
            notificant,
            signers: Signers::Many(&signature),
        };
        self.send(mail.compose()).await
    }

    /// All signed: the archive for whoever is told.
    pub(super) async fn finished(
        &self,
        signatures: &[Signature<'_>],
        archive: Bytes,
    ) -> Result<(), MailFailure> {
        let Some((notificant, task)) = self.notificant() else {
            return Ok(());
        };
        let mail = Final {
            task,
            notificant,
            signers: self.all(signatures),
            protected: self.payload.enhanced_privacy,
            archive,
        };
        self.send(mail.compose()).await
    }

    /// All signed: the archive for a signer.
    pub(super) async fn done(
        &self,
        signer: &SignerInfo,
        signatures: &[Signature<'_>],
        archive: Bytes,
    ) -> Result<(), MailFailure> {
        let mail = Done {
            task: self.about(&signer.locale),
            signer: person(signer),
            signers: self.all(signatures),
            protected: self.payload.enhanced_privacy,
            archive,
        };
        self.send(mail.compose()).await
    }
}

fn person(signer: &SignerInfo) -> Person<'_> {
    Person {
        name: &signer.name,
        address: &signer.email,
    }
}
