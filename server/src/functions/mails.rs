//! The mails of a task.

use crate::mailer::MailFailure;
use crate::task::{EmailConfig, Opened, Payload, SignerInfo};
use crate::tools::Tools;
use bytes::Bytes;
use letsesign_mail::{
    Confirm, Declined, Done, Failed, Final, Link, Locale, Person, Reason, Received, Signature,
    Signed, Signers, Task, Voided,
};

/// A task as its mails show it, whichever protocol it came by.
#[derive(Clone, Copy)]
pub(super) struct TaskView<'a> {
    /// The domain of the sender's address.
    pub(super) domain: &'a str,
    /// The identifier whose last characters mails show.
    pub(super) id: &'a str,
    pub(super) file_name: &'a str,
    pub(super) message: &'a str,
    /// Address and locale of the recipient of mails about the task's progress.
    pub(super) notificant: Option<(&'a str, &'a str)>,
    pub(super) signers: &'a [SignerInfo],
    /// Whether mailed documents are encrypted with the task's password.
    pub(super) protected: bool,
    pub(super) email: &'a EmailConfig,
}

impl<'a> TaskView<'a> {
    /// A task of protocol 1. The sender that is shown is the decrypted domain and not the public
    /// `rootDomain`, which the host can change; in an honest task both are the same.
    pub(super) fn of(task: &'a Opened, payload: &Payload, task_id: &'a str) -> Self {
        let config = &task.config;
        Self {
            domain: task.email.domain(),
            id: task_id,
            file_name: &config.file_name,
            message: &config.message,
            notificant: config
                .notificant
                .as_deref()
                .map(|address| (address, config.notificant_locale.as_str())),
            signers: &config.signers,
            protected: payload.enhanced_privacy,
            email: &task.email,
        }
    }
}

/// Mails about one task.
pub(super) struct Mails<'a> {
    pub(super) tools: &'a Tools,
    pub(super) task: TaskView<'a>,
}

impl<'a> Mails<'a> {
    fn about(&self, locale: &str) -> Task<'a> {
        Task {
            domain: self.task.domain,
            task_id: self.task.id,
            file_name: self.task.file_name,
            locale: Locale::of(locale),
        }
    }

    /// The recipient of mails about the task's progress, with the task as they show it.
    fn notificant(&self) -> Option<(&'a str, Task<'a>)> {
        let (address, locale) = self.task.notificant?;
        Some((address, self.about(locale)))
    }

    /// The only signer, or the names of several.
    fn all<'b>(&self, names: &'b [Signature<'b>]) -> Signers<'b>
    where
        'a: 'b,
    {
        match self.task.signers {
            [only] => Signers::One(&only.email),
            _ => Signers::Many(names),
        }
    }

    fn names(&self) -> Vec<Signature<'a>> {
        self.task
            .signers
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
        self.tools.mailer.send(self.task.email, mail).await
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
            sender: self.task.domain,
            message: self.task.message,
            link,
            phone: signer.phone.as_deref(),
            protected: self.task.protected,
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

    /// A signer declined, with a reason or without.
    pub(super) async fn declined(
        &self,
        signer: &SignerInfo,
        reason: &str,
    ) -> Result<(), MailFailure> {
        let Some((notificant, task)) = self.notificant() else {
            return Ok(());
        };
        let mail = Declined {
            task,
            notificant,
            signer: person(signer),
            reason,
        };
        self.send(mail.compose()).await
    }

    /// The sender voided the task.
    pub(super) async fn voided(&self) -> Result<(), MailFailure> {
        let Some((notificant, task)) = self.notificant() else {
            return Ok(());
        };
        let names = self.names();
        let mail = Voided {
            task,
            notificant,
            signers: self.all(&names),
        };
        self.send(mail.compose()).await
    }

    /// All signed: the archive for the notificant.
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
            protected: self.task.protected,
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
            protected: self.task.protected,
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
