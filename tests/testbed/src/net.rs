//! Listening on loopback, and the faults of connections.

use crate::fault::{Counters, Fault, Faults, WrongCertificate};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::server::TlsStream;

/// A connection whose TCP stream can be reached.
pub(crate) trait Wire: AsyncRead + AsyncWrite + Unpin + Send {
    fn tcp(&self) -> &TcpStream;
}

impl Wire for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

impl Wire for TlsStream<TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0
    }
}

/// Ends a connection with RST.
pub(crate) fn reset(wire: impl Wire) {
    let _ = wire.tcp().set_zero_linger();
    drop(wire);
}

/// A task that ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Guard(JoinHandle<()>);

impl Guard {
    pub(crate) fn spawn(future: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(tokio::spawn(future))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A connection that got through, and what its first fault was, if the protocol has to see to it.
pub(crate) struct Accepted {
    pub(crate) stream: TcpStream,
    pub(crate) wrong: Option<WrongCertificate>,
    pub(crate) no_starttls: bool,
    pub(crate) silent_tls: bool,
}

/// Accepts connections on an ephemeral port until the guard is dropped, which ends all of them.
pub(crate) async fn listen<F, R>(
    faults: Arc<Faults>,
    counters: Arc<Counters>,
    serve: F,
) -> io::Result<(SocketAddr, Guard)>
where
    F: Fn(Accepted) -> R + Send + 'static,
    R: Future<Output = io::Result<()>> + Send + 'static,
{
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let guard = Guard::spawn(async move {
        let mut open = JoinSet::new();
        loop {
            let stream = tokio::select! {
                // Reap finished connections, so that a long test does not collect them.
                Some(_) = open.join_next() => continue,
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => stream,
                    Err(_) => continue,
                },
            };
            Counters::count(&counters.connections);
            let _ = stream.set_nodelay(true);
            let mut accepted = Accepted {
                stream,
                wrong: None,
                no_starttls: false,
                silent_tls: false,
            };
            match faults.take(Fault::is_of_connections) {
                Some(Fault::Reset) => {
                    reset(accepted.stream);
                    continue;
                }
                Some(Fault::Hang) => {
                    open.spawn(async move { silence(&mut accepted.stream).await });
                    continue;
                }
                Some(Fault::Garbage(bytes)) => {
                    open.spawn(async move {
                        accepted.stream.write_all(&bytes).await?;
                        silence(&mut accepted.stream).await
                    });
                    continue;
                }
                Some(Fault::Certificate(wrong)) => accepted.wrong = Some(wrong),
                Some(Fault::NoStartTls) => accepted.no_starttls = true,
                Some(Fault::HangAtTls) => accepted.silent_tls = true,
                _ => {}
            }
            open.spawn(serve(accepted));
        }
    });
    Ok((address, guard))
}

/// Says nothing until the peer has had enough.
pub(crate) async fn silence(wire: &mut impl Wire) -> io::Result<()> {
    use tokio::io::AsyncReadExt;
    let mut buffer = [0; 4096];
    while wire.read(&mut buffer).await? > 0 {}
    Ok(())
}

/// Writes byte by byte.
pub(crate) async fn trickle(
    wire: &mut impl Wire,
    bytes: &[u8],
    pause: std::time::Duration,
) -> io::Result<()> {
    for byte in bytes {
        wire.write_all(&[*byte]).await?;
        wire.flush().await?;
        tokio::time::sleep(pause).await;
    }
    Ok(())
}
