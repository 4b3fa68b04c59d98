//! Options of an emulated machine.

use super::console::Sink;
use std::net::SocketAddr;
use std::time::Duration;

/// Polling interval for states without an event.
pub(super) const TICK: Duration = Duration::from_millis(5);

/// The machine around an image.
pub struct Options {
    /// Memory of the enclave in MiB.
    pub memory: u32,
    /// Number of virtual CPUs.
    pub cpus: u32,
    /// Text to append to the kernel's command line. It is not measured here, and a Nitro host could
    /// not add it.
    pub append: String,
    /// Whether the parent answers the heartbeat.
    pub heartbeat: bool,
    /// Whether the parent serves the job API.
    pub jobs: bool,
    /// Vsock ports of the parent that lead to services: port and TCP address.
    pub forward: Vec<(u32, SocketAddr)>,
    /// Called with every line of the console.
    pub console: Option<Sink>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            memory: 128,
            cpus: 1,
            append: String::new(),
            heartbeat: true,
            jobs: true,
            forward: Vec::new(),
            console: None,
        }
    }
}
