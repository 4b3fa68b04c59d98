//! Listeners and relays for enclaves, on the transport of the launcher.

use crate::relay::{Options, Relay, Resolve};
use crate::supervisor::{Image, Network, Opened};
use crate::transport::{Tcp, Transport, UnixSockets, Vsock};
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

/// How the enclaves of a launcher reach this host.
pub enum Way {
    /// AF_VSOCK, on EC2.
    Vsock(Arc<Vsock>),
    /// The sockets of vhost-device-vsock, for QEMU.
    Unix(Arc<UnixSockets>),
    /// Loopback TCP, for the emulated server. Each enclave has ports of its own.
    Tcp,
}

/// The network of this host's enclaves.
pub struct HostNetwork {
    /// How they reach it.
    pub way: Way,
    /// Limits and settings of their relays.
    pub relay: Options,
    /// Resolves names.
    pub resolver: Arc<dyn Resolve>,
}

#[async_trait]
impl Network for HostNetwork {
    async fn open(
        &self,
        cid: u32,
        image: &Image,
        ports: &[u32],
        addresses: &BTreeMap<u32, String>,
    ) -> io::Result<Opened> {
        let transport: Arc<dyn Transport> = match &self.way {
            Way::Vsock(vsock) => Arc::clone(vsock) as _,
            Way::Unix(sockets) => Arc::clone(sockets) as _,
            Way::Tcp => {
                let given = addresses.iter().filter_map(|(port, address)| {
                    let address: SocketAddr = address.parse().ok()?;
                    Some(((cid, *port), address.port()))
                });
                Arc::new(Tcp {
                    ports: given.collect(),
                })
            }
        };
        let mut listeners = Vec::new();
        let mut at = BTreeMap::new();
        for port in ports {
            let listener = transport.listen(cid, *port).await?;
            at.insert(*port, listener.address());
            listeners.push((*port, listener));
        }
        let options = self.relay.clone();
        let resolver = Arc::clone(&self.resolver);
        let relay = Relay::start(transport, cid, &image.egress, options, resolver).await?;
        for (destination, address) in relay.addresses() {
            at.insert(destination.vsock_port, address.clone());
        }
        Ok(Opened {
            listeners,
            relay: Box::new(relay),
            addresses: at,
        })
    }
}
