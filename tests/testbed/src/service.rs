//! An emulated service: a port on loopback, faults on demand, and counters.

use crate::fault::{Counters, Faults};
use crate::http::{self, Handler};
use crate::net::{self, Accepted, Guard};
use crate::tls::Identity;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

/// A service with its state. It listens until it is dropped.
pub struct Service<S> {
    pub(crate) state: Arc<S>,
    shared: Shared,
    address: SocketAddr,
    _guard: Guard,
}

/// Faults and counters of a service, shared by its handler and the test.
#[derive(Clone, Default)]
pub(crate) struct Shared {
    pub(crate) faults: Arc<Faults>,
    pub(crate) counters: Arc<Counters>,
}

impl<S: Send + Sync + 'static> Service<S> {
    /// Starts a service over HTTPS, under a certificate for `host`.
    pub(crate) async fn https(host: &str, state: impl FnOnce(Shared) -> S) -> io::Result<Self>
    where
        S: Handler,
    {
        let shared = Shared::default();
        let state = Arc::new(state(shared.clone()));
        let listening = http::serve(
            Arc::clone(&state),
            Some(Identity::new(host)),
            Arc::clone(&shared.faults),
            Arc::clone(&shared.counters),
        );
        Ok(Self::new(state, shared, listening.await?))
    }

    /// Starts a service whose protocol `serve` speaks, one call for each connection.
    pub(crate) async fn tcp<R>(
        state: impl FnOnce(Shared) -> S,
        serve: impl Fn(Accepted, Arc<S>) -> R + Send + 'static,
    ) -> io::Result<Self>
    where
        R: Future<Output = io::Result<()>> + Send + 'static,
    {
        let shared = Shared::default();
        let state = Arc::new(state(shared.clone()));
        let given = Arc::clone(&state);
        let listening = net::listen(
            Arc::clone(&shared.faults),
            Arc::clone(&shared.counters),
            move |accepted| serve(accepted, Arc::clone(&given)),
        );
        Ok(Self::new(state, shared, listening.await?))
    }
}

impl<S> Service<S> {
    fn new(state: Arc<S>, shared: Shared, (address, guard): (SocketAddr, Guard)) -> Self {
        Self {
            state,
            shared,
            address,
            _guard: guard,
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The fault that a test has asked for.
    pub fn faults(&self) -> &Faults {
        &self.shared.faults
    }

    /// Counts of connections, handshakes, requests (commands of SMTP), and what was served:
    /// decryptions of KMS, mails that SendGrid and SES took, SMS and checks of Twilio.
    pub fn counters(&self) -> &Counters {
        &self.shared.counters
    }
}
