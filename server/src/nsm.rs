//! The NSM, shared by all workers, one request at a time, never waited for without end.

use letsesign_nsm::Nsm;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// Why there is no document.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The NSM refused or failed.
    #[error(transparent)]
    Nsm(#[from] letsesign_nsm::Error),
    /// It took too long, or others did.
    #[error("the NSM did not answer within {0:?}")]
    Timeout(Duration),
    /// The program is about to end.
    #[error("the request was abandoned")]
    Abandoned,
}

/// A handle; cloning shares the device.
#[derive(Debug, Clone)]
pub(crate) struct SharedNsm {
    nsm: Arc<Nsm>,
    turn: Arc<Semaphore>,
    limit: Duration,
}

impl SharedNsm {
    pub(crate) fn new(nsm: Nsm, limit: Duration) -> Self {
        Self {
            nsm: Arc::new(nsm),
            turn: Arc::new(Semaphore::new(1)),
            limit,
        }
    }

    /// An attestation document over this user data and nonce.
    pub(crate) async fn attest(
        &self,
        user_data: Vec<u8>,
        nonce: Vec<u8>,
    ) -> Result<Vec<u8>, Error> {
        let call = async {
            let turn = Arc::clone(&self.turn)
                .acquire_owned()
                .await
                .map_err(|_| Error::Abandoned)?;
            let nsm = Arc::clone(&self.nsm);
            // The turn goes with the blocking call: a request that is given up still keeps others out until the device
            // answers, so requests cannot pile up in it.
            let done = spawn_blocking(move || {
                let document = nsm.attest(Some(&user_data), Some(&nonce), None);
                drop(turn);
                document
            });
            Ok(done.await.map_err(|_| Error::Abandoned)??)
        };
        timeout(self.limit, call)
            .await
            .unwrap_or(Err(Error::Timeout(self.limit)))
    }
}
