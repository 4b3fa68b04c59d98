//! The archive with a signed document, and the mails that bring it.

use super::mails::Mails;
use crate::archive::{Archive, archive};
use crate::failure::Failure;
use crate::mailer::MailFailure;
use crate::task::SignerInfo;
use crate::tools::{Tools, compute};
use bytes::Bytes;
use futures_util::future::{BoxFuture, FutureExt, join_all};
use letsesign_job_protocol::Code;
use letsesign_mail::Signature;
use tokio::time::timeout_at;
use zeroize::Zeroizing;

/// Mails that are sent at the same time.
const MAILS: usize = 2;

/// The archive in two forms.
pub(super) struct Archives {
    /// For the mails; encrypted with the task's password where privacy is enhanced.
    pub(super) mailed: Bytes,
    /// For the sender. Shares the bytes of `mailed` where both are the same.
    pub(super) plain: Bytes,
}

impl Archives {
    /// Packs `NAME.pdf` and `NAME.spf`.
    pub(super) async fn pack(
        name: String,
        pdf: Vec<u8>,
        spf: String,
        password: Option<Zeroizing<String>>,
        tools: &Tools,
    ) -> Result<Self, Failure> {
        let time = tools.nsm.clock().seconds();
        compute(tools, move || {
            let failed = |error: crate::archive::Error| Failure::new(Code::ResultEncryption, error);
            let contents = |password| Archive {
                name: &name,
                pdf: &pdf,
                spf: spf.as_bytes(),
                password,
                time,
            };
            let plain = Bytes::from(archive(&contents(None)).map_err(failed)?);
            let mailed = match &password {
                Some(password) => archive(&contents(Some(password.as_str())))
                    .map_err(failed)?
                    .into(),
                None => plain.clone(),
            };
            Ok(Self { mailed, plain })
        })
        .await
    }
}

/// A signer who has confirmed, and when, in seconds since 1970.
#[derive(Clone, Copy)]
pub(super) struct Finished<'a> {
    pub(super) info: &'a SignerInfo,
    pub(super) time: u64,
}

/// Mails the archive to the notificant, if any, and to every signer, within the job's time. Best
/// effort: the sender has the result anyway.
pub(super) async fn deliver(mails: &Mails<'_>, signed: &[Finished<'_>], archive: Bytes) {
    let until = mails.tools.job.mails_until().into();
    if timeout_at(until, send(mails, signed, archive))
        .await
        .is_err()
    {
        tracing::warn!("not all mails with a signed document were sent in the job's time");
    }
}

async fn send(mails: &Mails<'_>, signed: &[Finished<'_>], archive: Bytes) {
    let signatures: Vec<Signature<'_>> = signed
        .iter()
        .map(|signer| Signature {
            name: &signer.info.name,
            time: Some(signer.time),
        })
        .collect();
    let mut all: Vec<BoxFuture<'_, Result<(), MailFailure>>> =
        vec![mails.finished(&signatures, archive.clone()).boxed()];
    for signer in signed {
        let mail = mails.done(signer.info, &signatures, archive.clone());
        all.push(mail.boxed());
    }
    let mut all = all.into_iter();
    loop {
        let some: Vec<_> = all.by_ref().take(MAILS).collect();
        if some.is_empty() {
            return;
        }
        for error in join_all(some).await.into_iter().filter_map(Result::err) {
            tracing::warn!("a mail with a signed document is not sent: {error}");
        }
    }
}
