//! Data keys from AWS KMS, which gives them to this image alone (docs/kms.md).

use crate::nsm::{Question, SharedNsm};
use letsesign_kms::{ANSWER_MAX, Decrypt, RecipientKey, Recipients, Renewal, Retry, answer};
use letsesign_net::{HttpError, Https, Request};
use rand_core::UnwrapErr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::OnceCell;
use tokio::task::spawn_blocking;
use tokio::time::sleep;
use zeroize::Zeroizing;

/// The sender's access key for KMS.
pub(crate) struct Access {
    pub(crate) key_id: String,
    pub(crate) key_secret: Zeroizing<String>,
    /// The session token of temporary credentials.
    pub(crate) session_token: Option<Zeroizing<String>>,
}

/// Interval between checks whether the recipient's key is due for renewal.
const RENEWAL_CHECK: Duration = Duration::from_secs(1);

/// Why a part is not decrypted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// KMS refused the request, or its answer is invalid.
    #[error(transparent)]
    Kms(#[from] letsesign_kms::Error),
    /// The connection to KMS failed.
    #[error("KMS: {0}")]
    Http(#[from] HttpError),
    /// The NSM did not give an attestation document.
    #[error(transparent)]
    Nsm(#[from] crate::nsm::Error),
    /// A key of another region than the egress map has.
    #[error("the key's region is not in egress.toml")]
    Region,
}

/// The system gave no random bytes.
pub(crate) fn random() -> UnwrapErr<getrandom::SysRng> {
    UnwrapErr(getrandom::SysRng)
}

/// A document over a recipient's public key. KMS takes documents of the last five minutes.
struct Ticket {
    key: Arc<RecipientKey>,
    document: Arc<Vec<u8>>,
    /// When it was made, in milliseconds since 1970.
    made: u64,
}

/// KMS, shared by all jobs.
pub(crate) struct Kms {
    https: Https,
    nsm: SharedNsm,
    recipients: OnceCell<Recipients>,
    renewal: Renewal,
    begun: Instant,
    retry: Retry,
    ticket: Mutex<Option<Ticket>>,
    /// Held while the NSM makes a new document, so that the parts of a job share one request.
    asking: tokio::sync::Mutex<()>,
    document_age: Duration,
}

impl Kms {
    pub(crate) fn new(
        https: Https,
        nsm: SharedNsm,
        renewal: Renewal,
        document_age: Duration,
    ) -> Self {
        Self {
            https,
            nsm,
            recipients: OnceCell::new(),
            renewal,
            begun: Instant::now(),
            retry: Retry::default(),
            ticket: Mutex::new(None),
            asking: tokio::sync::Mutex::new(()),
            document_age,
        }
    }

    /// The recipient's keys. The first one is made when it is first asked for: that takes some tens
    /// of milliseconds, which the first question for a job need not wait for.
    async fn recipients(&self) -> Result<&Recipients, Error> {
        let made = self.recipients.get_or_try_init(|| async {
            Ok::<_, Error>(Recipients::new(self.make_key().await?, self.renewal))
        });
        made.await
    }

    async fn make_key(&self) -> Result<RecipientKey, Error> {
        let now = self.begun.elapsed();
        spawn_blocking(move || RecipientKey::generate(&mut random(), now))
            .await
            .unwrap_or(Err(letsesign_kms::Error::Key))
            .map_err(Error::Kms)
    }

    /// Makes the first key and renews it in the background, so that no job waits, and closes idle
    /// connections. Never returns.
    pub(crate) async fn keep_keys(&self) {
        loop {
            match self.recipients().await {
                Ok(recipients) if recipients.is_due(self.begun.elapsed()) => {
                    match self.make_key().await {
                        Ok(key) => recipients.replace(key),
                        Err(error) => tracing::error!("the old key stays: {error}"),
                    }
                }
                Ok(_) => {}
                Err(error) => tracing::error!(
                    "the recipient's key for answers of KMS cannot be made: {error}"
                ),
            }
            self.https.close_idle();
            sleep(RENEWAL_CHECK).await;
        }
    }

    /// Decrypts a data key that a sender wrapped under the KMS key. Number and times of the calls
    /// to KMS depend on its answers and the connection alone.
    pub(crate) async fn data_key(
        &self,
        key_arn: &str,
        access: &Access,
        wrapped: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Error> {
        let mut attempts = 0;
        loop {
            attempts += 1;
            let error = match self.attempt(key_arn, access, wrapped).await {
                Ok(data_key) => return Ok(data_key),
                Err(error) => error,
            };
            // Retry after a broken connection as after an internal error of KMS: decrypting twice
            // does no harm.
            let cause = match &error {
                Error::Kms(error) => *error,
                // Final: a KMS that hangs, for one, must not hold the job for four timeouts.
                Error::Http(
                    HttpError::Tls(_)
                    | HttpError::TooLarge(_)
                    | HttpError::Request
                    | HttpError::Timeout { .. },
                ) => return Err(error),
                Error::Http(_) => letsesign_kms::Error::Failed(0),
                _ => return Err(error),
            };
            let chance = getrandom::u32().unwrap_or(u32::MAX);
            match self.retry.pause(cause, attempts, chance) {
                Some(pause) => sleep(pause).await,
                None => return Err(error),
            }
        }
    }

    async fn attempt(
        &self,
        key_arn: &str,
        access: &Access,
        wrapped: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Error> {
        let (key, document) = self.ticket().await?;
        let signed = Decrypt {
            key_arn,
            access: (&access.key_id, &access.key_secret),
            session_token: access.session_token.as_ref().map(|token| token.as_str()),
            ciphertext: wrapped,
            attestation: &document,
        }
        .sign(self.nsm.clock().seconds())?;
        if signed.host != self.https.service().host {
            return Err(Error::Region);
        }
        let request = Request {
            method: "POST",
            path: "/".into(),
            headers: signed.headers,
            body: signed.body.into(),
            idempotent: true,
        };
        let response = self.https.send(&request, ANSWER_MAX).await?;
        let cms = answer(response.status, &response.body)?;
        Ok(key.open(&cms, &mut random())?)
    }

    /// The recipient's key and a document over it, made anew by age.
    async fn ticket(&self) -> Result<(Arc<RecipientKey>, Arc<Vec<u8>>), Error> {
        let recipients = self.recipients().await?;
        if let Some(found) = self.usable_ticket(recipients) {
            return Ok(found);
        }
        let _asking = self.asking.lock().await;
        if let Some(found) = self.usable_ticket(recipients) {
            return Ok(found);
        }
        let key = recipients.current();
        let question = Question {
            public_key: Some(key.public_key().to_vec()),
            ..Question::default()
        };
        let attested = self.nsm.attest(question).await?;
        let document = Arc::new(attested.document);
        *self.ticket.lock().unwrap_or_else(PoisonError::into_inner) = Some(Ticket {
            key: Arc::clone(&key),
            document: Arc::clone(&document),
            made: attested.time,
        });
        Ok((key, document))
    }

    fn usable_ticket(&self, recipients: &Recipients) -> Option<(Arc<RecipientKey>, Arc<Vec<u8>>)> {
        let current = recipients.current();
        let ticket = self.ticket.lock().unwrap_or_else(PoisonError::into_inner);
        let ticket = ticket.as_ref()?;
        // Use the trusted clock: after it is corrected, a document from before that must not count
        // as fresh.
        let age = Duration::from_millis(self.nsm.clock().millis().abs_diff(ticket.made));
        let usable = age < self.document_age && Arc::ptr_eq(&ticket.key, &current);
        usable.then(|| (Arc::clone(&ticket.key), Arc::clone(&ticket.document)))
    }
}
