//! Connections to the host.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_vsock::{VsockAddr, VsockStream};

/// Opens connections to one address.
pub trait Connect: Clone + Send + Sync + 'static {
    /// A byte stream.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// Opens one connection. Callers bound the time.
    fn connect(&self) -> impl Future<Output = io::Result<Self::Stream>> + Send;
}

/// A vsock port: in an enclave the host is CID 3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vsock {
    /// Context ID of the other side.
    pub cid: u32,
    /// Its port.
    pub port: u32,
}

impl Connect for Vsock {
    type Stream = VsockStream;

    async fn connect(&self) -> io::Result<VsockStream> {
        VsockStream::connect(VsockAddr::new(self.cid, self.port)).await
    }
}

/// A TCP address, for tests on machines without vsock. Names are never resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tcp(pub SocketAddr);

impl Connect for Tcp {
    type Stream = TcpStream;

    async fn connect(&self) -> io::Result<TcpStream> {
        let stream = TcpStream::connect(self.0).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}

/// A byte stream of any kind.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

type Dialled = Pin<Box<dyn Future<Output = io::Result<Box<dyn Stream>>> + Send>>;

/// A [`Connect`] of any kind, behind a shared pointer.
#[derive(Clone)]
pub struct Dialer(Arc<dyn Fn() -> Dialled + Send + Sync>);

impl Dialer {
    /// Wraps a connector.
    pub fn new<C: Connect>(connect: C) -> Self {
        Self(Arc::new(move || {
            let connect = connect.clone();
            Box::pin(async move { Ok(Box::new(connect.connect().await?) as Box<dyn Stream>) })
        }))
    }
}

impl Connect for Dialer {
    type Stream = Box<dyn Stream>;

    async fn connect(&self) -> io::Result<Box<dyn Stream>> {
        (self.0)().await
    }
}

impl std::fmt::Debug for Dialer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Dialer")
    }
}
