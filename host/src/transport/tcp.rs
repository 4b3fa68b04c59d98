//! TCP on loopback, for development: the emulated server connects here.

use super::backoff::Backoff;
use super::{Connection, Listener, Transport};
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use tokio::net::TcpListener;

/// One TCP port of 127.0.0.1 for each enclave and vsock port. For development alone: any local
/// process can connect, and no CID tells who it is.
#[derive(Debug, Default)]
pub struct Tcp {
    /// TCP ports by CID and vsock port. Others are chosen by the kernel
    /// ([`Listener::address`] names them).
    pub ports: BTreeMap<(u32, u32), u16>,
}

#[async_trait]
impl Transport for Tcp {
    async fn listen(&self, cid: u32, port: u32) -> io::Result<Box<dyn Listener>> {
        let tcp = self.ports.get(&(cid, port)).copied().unwrap_or(0);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, tcp)).await?;
        Ok(Box::new(TcpPort {
            address: listener.local_addr()?,
            listener,
            port,
            backoff: Backoff::default(),
        }))
    }
}

struct TcpPort {
    listener: TcpListener,
    address: SocketAddr,
    port: u32,
    backoff: Backoff,
}

#[async_trait]
impl Listener for TcpPort {
    async fn accept(&mut self) -> io::Result<Connection> {
        let listener = &self.listener;
        let (stream, _) = self.backoff.accept(self.port, || listener.accept()).await;
        Ok(stream.into())
    }

    fn address(&self) -> String {
        self.address.to_string()
    }
}
