//! One byte stream between an enclave and its parent.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_vsock::VsockStream;

/// A byte stream of any kind. `poll_shutdown` ends the sending side alone.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// A connection. Its sending side is ended by `shutdown`; the other side can still be read then.
pub struct Connection(Inner);

enum Inner {
    Vsock(VsockStream),
    Unix(UnixStream),
    Tcp(TcpStream),
    Other(Box<dyn Stream>),
}

impl Connection {
    /// Wraps another kind of stream, for tests.
    pub fn new(stream: impl Stream + 'static) -> Self {
        Self(Inner::Other(Box::new(stream)))
    }

    /// Closes the connection so that the peer sees that it broke off, where the transport can say
    /// that: TCP resets it. AF_VSOCK and unix sockets close, which a peer can take for an orderly
    /// end; TLS above tells a cut from an end.
    pub fn reset(self) {
        if let Inner::Tcp(stream) = &self.0 {
            // Without it the peer sees an orderly end, no more.
            let _ = stream.set_zero_linger();
        }
    }
}

impl From<TcpStream> for Connection {
    fn from(stream: TcpStream) -> Self {
        // Small records must not wait for an acknowledgement. An error here means that the
        // connection is gone, and the first read says so.
        let _ = stream.set_nodelay(true);
        Self(Inner::Tcp(stream))
    }
}

impl From<UnixStream> for Connection {
    fn from(stream: UnixStream) -> Self {
        Self(Inner::Unix(stream))
    }
}

impl From<VsockStream> for Connection {
    fn from(stream: VsockStream) -> Self {
        Self(Inner::Vsock(stream))
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Connection")
    }
}

/// Calls a method of the stream inside.
macro_rules! inner {
    ($connection:expr, $stream:ident => $call:expr) => {
        match &mut $connection.0 {
            Inner::Vsock(stream) => {
                let $stream = Pin::new(stream);
                $call
            }
            Inner::Unix(stream) => {
                let $stream = Pin::new(stream);
                $call
            }
            Inner::Tcp(stream) => {
                let $stream = Pin::new(stream);
                $call
            }
            Inner::Other(stream) => {
                let $stream = Pin::new(stream);
                $call
            }
        }
    };
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        inner!(self, stream => stream.poll_read(context, buffer))
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        inner!(self, stream => stream.poll_write(context, bytes))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        inner!(self, stream => stream.poll_flush(context))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        inner!(self, stream => stream.poll_shutdown(context))
    }
}
