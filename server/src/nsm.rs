//! The NSM, shared by all workers: one request at a time, each with a time limit.

use crate::clock::Clock;
use letsesign_nsm::Nsm;
use letsesign_nsm::document::{ParseError, Unverified};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// Reasons why the NSM gave no usable document.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The NSM refused or failed.
    #[error(transparent)]
    Nsm(#[from] letsesign_nsm::Error),
    /// The NSM's answer is not an attestation document.
    #[error("the NSM's answer: {0}")]
    Document(#[from] ParseError),
    /// The request, or the queue before it, took too long.
    #[error("the NSM did not answer within {0:?}")]
    Timeout(Duration),
    /// The program is shutting down.
    #[error("the request was abandoned")]
    Abandoned,
}

/// The fields that a requested document carries. The NSM takes at most 512 bytes of user data and
/// nonce, and 1024 of a public key.
#[derive(Debug, Default)]
pub(crate) struct Question {
    pub(crate) user_data: Option<Vec<u8>>,
    pub(crate) nonce: Option<Vec<u8>>,
    pub(crate) public_key: Option<Vec<u8>>,
}

/// A fresh attestation document.
#[derive(Debug)]
pub(crate) struct Attested {
    pub(crate) document: Vec<u8>,
    /// Its time, in milliseconds since 1970.
    pub(crate) time: u64,
}

/// A handle; cloning shares the device.
#[derive(Debug, Clone)]
pub(crate) struct SharedNsm {
    nsm: Arc<Nsm>,
    turn: Arc<Semaphore>,
    limit: Duration,
    clock: Clock,
}

impl SharedNsm {
    pub(crate) fn new(nsm: Arc<Nsm>, limit: Duration, clock: Clock) -> Self {
        Self {
            nsm,
            turn: Arc::new(Semaphore::new(1)),
            limit,
            clock,
        }
    }

    /// The clock, which every document corrects.
    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// An attestation document.
    pub(crate) async fn attest(&self, question: Question) -> Result<Attested, Error> {
        let call = async {
            let turn = Arc::clone(&self.turn)
                .acquire_owned()
                .await
                .map_err(|_| Error::Abandoned)?;
            let nsm = Arc::clone(&self.nsm);
            let clock = self.clock.clone();
            // The blocking call holds the turn: after a timeout, other requests still wait until
            // the device answers, so requests cannot pile up in it.
            let done = spawn_blocking(move || {
                let document = nsm.attest(
                    question.user_data.as_deref(),
                    question.nonce.as_deref(),
                    question.public_key.as_deref(),
                )?;
                let time = Unverified::parse(&document)?.timestamp;
                clock.correct(time);
                drop(turn);
                Ok::<_, Error>(Attested { document, time })
            });
            done.await.map_err(|_| Error::Abandoned)?
        };
        timeout(self.limit, call)
            .await
            .unwrap_or(Err(Error::Timeout(self.limit)))
    }
}
