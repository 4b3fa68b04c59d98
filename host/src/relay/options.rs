//! The relay's limits and the host's own settings about destinations.

use ipnet::IpNet;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

/// Limits and settings of a relay; each has a default that suits one enclave.
#[derive(Debug, Clone)]
pub struct Options {
    /// Connections of the enclave at a time. Further ones are closed at once.
    pub connections: usize,
    /// Connections to one destination at a time.
    pub connections_per_port: usize,
    /// Bytes that all connections together hold for receivers that are slower than their senders.
    /// When so many are held, a connection holds [`super::SMALL_PIECE`] bytes at most for each
    /// direction.
    pub buffer_bytes: usize,
    /// From the ClientHello (or the connection, where none is read) until a destination accepts.
    pub connect: Duration,
    /// Until the ClientHello is whole.
    pub hello: Duration,
    /// A connection without a byte in either direction is closed after this time.
    pub idle: Duration,
    /// After a shutdown begins, open connections may end within this time.
    pub drain: Duration,
    /// Where one address does not answer, the next is tried beside it after this time (RFC 8305,
    /// section 5).
    pub next_address: Duration,
    /// Names and the time that their addresses are good for.
    pub names: NameOptions,
    /// Other targets for destinations, by host and port, for emulation and tests. No name is
    /// resolved for them and no address is refused.
    pub overrides: BTreeMap<(String, u16), SocketAddr>,
    /// Networks that a host's name may resolve to although they are not of the public internet,
    /// such as those of interface endpoints of a VPC. By host.
    pub allow_addresses: BTreeMap<String, Vec<IpNet>>,
}

/// When names are resolved again.
#[derive(Debug, Clone)]
pub struct NameOptions {
    /// Bounds of the time to live that DNS gives.
    pub ttl_least: Duration,
    /// The longest; also what a name of `/etc/hosts` gets.
    pub ttl_most: Duration,
    /// First pause after a failure; it doubles.
    pub retry_first: Duration,
    /// Longest pause.
    pub retry_most: Duration,
    /// One lookup altogether.
    pub lookup: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            connections: 1024,
            connections_per_port: 512,
            buffer_bytes: 24 << 20,
            connect: Duration::from_secs(10),
            hello: Duration::from_secs(10),
            idle: Duration::from_secs(90),
            drain: Duration::from_secs(20),
            next_address: Duration::from_millis(250),
            names: NameOptions::default(),
            overrides: BTreeMap::new(),
            allow_addresses: BTreeMap::new(),
        }
    }
}

impl Default for NameOptions {
    fn default() -> Self {
        Self {
            ttl_least: Duration::from_secs(5),
            ttl_most: Duration::from_mins(5),
            retry_first: Duration::from_secs(1),
            retry_most: Duration::from_secs(30),
            lookup: Duration::from_secs(10),
        }
    }
}
