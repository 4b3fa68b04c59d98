//! The egress relay: connections of an enclave to the services of its `egress.toml`, and no others.
//!
//! * [`Configs`] reads the measured configuration out of an enclave image that the operator
//!   accepts; [`Egress`] is its map of destinations.
//! * [`Relay`] listens on a vsock port for each destination and forwards.
//! * [`HelloReader`] reads the server's name of a ClientHello.
//! * [`SystemResolver`] resolves names; [`Options`] holds limits and the host's own settings.
//!
//! docs/host-relay.md has the rules. Nobody has to trust the relay: TLS ends in the
//! enclave. It keeps a compromised enclave from reaching anything else.

mod address;
mod client_hello;
mod configs;
mod connect;
mod counters;
mod dns;
mod egress;
mod names;
mod options;
mod pump;
mod serve;

pub use address::{is_allowed, is_global};
pub use client_hello::{HelloReader, MAX_BYTES as MAX_HELLO_BYTES, Refusal};
pub use configs::{Configs, ConfigsError};
pub use counters::describe;
pub use dns::{Answer, DnsError, Resolve, SystemResolver};
pub use egress::{Destination, Egress, EgressError};
pub use options::{NameOptions, Options};
pub use pump::SMALL_PIECE;

use crate::transport::{LogLimit, Transport};
use counters::Metrics;
use names::{NameSettings, Names};
use pump::Budget;
use serve::{Port, Shared, Target};
use std::io;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The relay of one enclave. Dropping it closes the listeners and all connections.
pub struct Relay {
    shared: Arc<Shared>,
    addresses: Vec<(Destination, String)>,
    listeners: Vec<JoinHandle<()>>,
}

impl Relay {
    /// Listens for the enclave `cid` on the ports of `egress`, and begins to resolve the names.
    /// Needs a tokio runtime.
    ///
    /// # Errors
    /// When a port cannot be bound.
    pub async fn start(
        transport: Arc<dyn Transport>,
        cid: u32,
        egress: &Egress,
        options: Options,
        resolver: Arc<dyn Resolve>,
    ) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            cid,
            connections: Arc::new(Semaphore::new(options.connections)),
            budget: Budget::new(options.buffer_bytes),
            tracker: TaskTracker::new(),
            stop: CancellationToken::new(),
            kill: CancellationToken::new(),
            options,
        });
        let mut relay = Self {
            shared,
            addresses: Vec::new(),
            listeners: Vec::new(),
        };
        for destination in &egress.destinations {
            let listener = transport.listen(cid, destination.vsock_port).await?;
            let address = listener.address();
            let port = Arc::new(relay.port(destination, &resolver));
            relay.addresses.push((destination.clone(), address));
            relay
                .listeners
                .push(tokio::spawn(serve::accept(listener, port)));
        }
        tracing::info!(
            cid,
            destinations = relay.addresses.len(),
            "the relay listens"
        );
        Ok(relay)
    }

    fn port(&self, destination: &Destination, resolver: &Arc<dyn Resolve>) -> Port {
        let options = &self.shared.options;
        let key = (destination.host.clone(), destination.port);
        let target = if let Some(address) = options.overrides.get(&key) {
            Target::Fixed(*address)
        } else {
            let allowed = options.allow_addresses.get(&destination.host);
            let settings = NameSettings {
                host: destination.host.clone(),
                label: destination.label(),
                allowed: allowed.cloned().unwrap_or_default(),
                options: options.names.clone(),
            };
            Target::Named(Names::start(settings, Arc::clone(resolver)))
        };
        Port {
            destination: destination.clone(),
            target,
            connections: Arc::new(Semaphore::new(options.connections_per_port)),
            metrics: Metrics::new(destination.label()),
            log: LogLimit::default(),
            shared: Arc::clone(&self.shared),
        }
    }

    /// The destinations, each with the address where the enclave reaches it
    /// ([`crate::transport::Listener::address`]).
    pub fn addresses(&self) -> &[(Destination, String)] {
        &self.addresses
    }

    /// Whether every destination's listener still accepts. A health check must ask this.
    pub fn is_serving(&self) -> bool {
        self.listeners.iter().all(|task| !task.is_finished())
    }

    /// Connections that are open now.
    pub fn connections(&self) -> usize {
        self.shared.tracker.len()
    }

    /// Bytes that the connections hold for slow receivers.
    pub fn held_bytes(&self) -> usize {
        self.shared.budget.held()
    }

    /// Accepts no more connections, lets the open ones end for the time `drain` of the options,
    /// and closes the others. Yields how many those were.
    pub async fn shutdown(self) -> usize {
        let shared = &self.shared;
        shared.stop.cancel();
        shared.tracker.close();
        let drained = tokio::time::timeout(shared.options.drain, shared.tracker.wait()).await;
        let left = match drained {
            Ok(()) => 0,
            Err(_) => shared.tracker.len(),
        };
        shared.kill.cancel();
        shared.tracker.wait().await;
        left
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.shared.stop.cancel();
        self.shared.kill.cancel();
    }
}
