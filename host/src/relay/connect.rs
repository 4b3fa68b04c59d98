//! A connection to the first address that accepts.

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpStream;

/// Tries addresses in turn: the next one as soon as one fails, or beside it when it has not
/// answered for the time `next` (RFC 8305, section 5). The caller bounds the time; `failed` is
/// called for every address that fails.
pub(super) async fn connect(
    addresses: &[SocketAddr],
    next: Duration,
    failed: impl Fn(SocketAddr, &io::Error),
) -> io::Result<TcpStream> {
    let mut addresses = addresses.iter().copied();
    let mut attempts = FuturesUnordered::new();
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    loop {
        match addresses.next() {
            Some(address) => attempts.push(attempt(address)),
            None if attempts.is_empty() => return Err(last),
            None => {}
        }
        let more = addresses.len() > 0;
        tokio::select! {
            Some((address, result)) = attempts.next() => match result {
                Ok(stream) => return Ok(stream),
                Err(error) => {
                    failed(address, &error);
                    last = error;
                }
            },
            () = tokio::time::sleep(next), if more => {}
        }
    }
}

async fn attempt(address: SocketAddr) -> (SocketAddr, io::Result<TcpStream>) {
    (address, TcpStream::connect(address).await)
}
