//! How an enclave reaches its parent: AF_VSOCK, the unix sockets that stand for it in an emulation,
//! or TCP on loopback in development.
//!
//! A [`Transport`] listens for the connections of *one* enclave, known by its CID. The peer is
//! hostile: it may open as many connections as it likes, so a listener never ends because of an
//! error in `accept`, and nothing queues without a bound.

mod backoff;
mod connection;
mod log_limit;
mod tcp;
mod unix;
mod vsock;

use async_trait::async_trait;
use std::io;

pub use connection::{Connection, Stream};
pub use log_limit::LogLimit;
pub use tcp::Tcp;
pub use unix::UnixSockets;
pub use vsock::Vsock;

/// Connections of enclaves to ports of their parent.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Listens for connections of the enclave `cid` to `port`. The listener ends when it is
    /// dropped.
    ///
    /// # Errors
    /// When the port cannot be bound, or this enclave's port has a listener already.
    async fn listen(&self, cid: u32, port: u32) -> io::Result<Box<dyn Listener>>;
}

/// Connections of one enclave to one port.
#[async_trait]
pub trait Listener: Send {
    /// The next connection. Failures of `accept(2)`, such as too many open files, are counted and
    /// logged; the listener waits a little and goes on.
    ///
    /// # Errors
    /// When no connection can ever come again.
    async fn accept(&mut self) -> io::Result<Connection>;

    /// Where it listens: `vsock:CID:PORT`, the path of a socket, or `ADDRESS:PORT` as the emulated
    /// server's `LETSESIGN_HOST_OVERRIDES` and `LETSESIGN_JOB_API` need it.
    fn address(&self) -> String;
}

/// Describes the metrics of this module.
pub fn describe() {
    metrics::describe_counter!(
        "letsesign_host_accept_errors_total",
        "Failures of accept(2), by port; the listener goes on"
    );
    metrics::describe_counter!(
        "letsesign_host_vsock_refused_total",
        "vsock connections that were reset, by port and reason (unknown_cid, queue_full)"
    );
}

#[cfg(test)]
mod tests;
