//! The supervisor's interfaces to the rest of the host.

use super::image::Image;
use crate::job_api::Jobs;
use crate::queue::{Ended, Error, OpenStart, StartId};
use crate::transport::Listener;
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::io;

/// The queue, as the supervisor sees it.
#[async_trait]
pub trait Backlog: Jobs {
    /// Says that this start of an enclave runs no more.
    async fn start_ended(&self, start: &StartId) -> Result<Ended, Error>;

    /// The starts of this host that have jobs, whether they run or not.
    async fn open_starts(&self) -> Result<Vec<OpenStart>, Error>;

    /// Whether this release has a result, or a task has been with it.
    async fn is_used(&self, release: i64) -> Result<bool, Error>;
}

/// The listeners and the relay that an enclave connects to.
#[async_trait]
pub trait Network: Send + Sync {
    /// Listens on `ports` of the parent for the enclave `cid`, and forwards its connections to the
    /// services of its image. `addresses` are those of an enclave that runs already; they are empty
    /// for one that is started.
    ///
    /// # Errors
    /// When a port cannot be bound.
    async fn open(
        &self,
        cid: u32,
        image: &Image,
        ports: &[u32],
        addresses: &BTreeMap<u32, String>,
    ) -> io::Result<Opened>;
}

/// The result of [`Network::open`].
pub struct Opened {
    /// The listeners of `ports`.
    pub listeners: Vec<(u32, Box<dyn Listener>)>,
    /// The relay. It ends when it is dropped.
    pub relay: Box<dyn Send + Sync>,
    /// Where all of them listen, by port: launchers without vsock tell the enclave.
    pub addresses: BTreeMap<u32, String>,
}
