//! Enclaves and targets that misbehave. After each the relay still works.

use crate::support::*;
use letsesign_host::relay::{Options, Relay};
use letsesign_host::transport::{Connection, Listener, Transport};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf};
use tokio::net::TcpListener;

/// A new connection reaches the target.
async fn forwards(relay: &Relay, listener: &TcpListener) {
    let mut enclave = dial(relay, PLAIN).await;
    let (mut target, _) = listener.accept().await.unwrap();
    target.write_all(b"!").await.unwrap();
    assert_eq!(enclave.read_u8().await.unwrap(), b'!');
}

#[tokio::test]
async fn connections_beyond_the_bounds_are_closed_at_once() {
    let target = echo().await;
    for (all, own) in [(5, 100), (100, 5)] {
        let options = Options {
            connections: all,
            connections_per_port: own,
            ..to(target)
        };
        let relay = relay(options).await;
        let mut open = Vec::new();
        for number in 0..5_u8 {
            let mut stream = dial(&relay, PLAIN).await;
            stream.write_all(&[number]).await.unwrap();
            assert_eq!(stream.read_u8().await.unwrap(), number);
            open.push(stream);
        }
        for _ in 0..20 {
            assert!(is_closed(&mut dial(&relay, PLAIN).await).await);
        }
        assert_eq!(relay.connections(), 5);
        // The bound of one port leaves the other free, and that of the enclave does not.
        let mut other = dial(&relay, HTTPS).await;
        if own == 5 {
            other.write_all(&[22]).await.unwrap();
            until("one more", || relay.connections() == 6).await;
        } else {
            assert!(is_closed(&mut other).await);
        }
        // The five are not disturbed, and one that ends makes room.
        for stream in &mut open {
            stream.write_all(b"x").await.unwrap();
            assert_eq!(stream.read_u8().await.unwrap(), b'x');
        }
        drop((open, other));
        until("room", || relay.connections() == 0).await;
        works(&relay).await;
    }
}

#[tokio::test]
async fn a_target_that_refuses_or_resets_costs_its_connection_alone() {
    let (listener, target) = listen().await;
    let relay = relay(to(target)).await;
    // A reset after some bytes.
    let mut enclave = dial(&relay, PLAIN).await;
    let (mut service, _) = listener.accept().await.unwrap();
    service.write_all(b"220 ").await.unwrap();
    let mut greeting = [0; 4];
    enclave.read_exact(&mut greeting).await.unwrap();
    service.set_zero_linger().unwrap();
    drop(service);
    assert!(is_closed(&mut enclave).await);
    // Nobody listens.
    drop(listener);
    for _ in 0..3 {
        assert!(is_closed(&mut dial(&relay, PLAIN).await).await);
    }
    until("no connection is left", || relay.connections() == 0).await;
    // Somebody listens again at the same place.
    let listener = TcpListener::bind(target).await.unwrap();
    forwards(&relay, &listener).await;
}

#[tokio::test]
async fn an_enclave_that_resets_costs_its_connection_alone() {
    let target = echo().await;
    let relay = relay(to(target)).await;
    let address = relay.addresses()[0].1.clone();
    for _ in 0..10 {
        let mut stream = tokio::net::TcpStream::connect(&address).await.unwrap();
        stream.write_all(b"x").await.unwrap();
        stream.set_zero_linger().unwrap();
    }
    until("no connection is left", || relay.connections() == 0).await;
    works(&relay).await;
}

#[tokio::test]
async fn a_target_that_hangs_holds_a_bounded_number_of_bytes() {
    // It accepts and never reads; one whose queue is full does not even accept.
    let (listener, target) = listen().await;
    let options = Options {
        buffer_bytes: 1 << 20,
        idle: Duration::from_secs(2),
        ..to(target)
    };
    let relay = relay(options).await;
    let mut writers = Vec::new();
    for _ in 0..20 {
        let mut enclave = dial(&relay, PLAIN).await;
        writers.push(tokio::spawn(async move {
            let bytes = vec![7; 64 << 10];
            // Until the relay closes.
            while enclave.write_all(&bytes).await.is_ok() {}
        }));
    }
    let mut services = Vec::new();
    for _ in 0..20 {
        services.push(listener.accept().await.unwrap());
    }
    let mut most = 0;
    while relay.connections() > 0 {
        most = most.max(relay.held_bytes());
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert!(
        most > 0 && most < (1 << 20) + (128 << 10) + 20 * 4096,
        "{most}"
    );
    for writer in writers {
        writer.await.unwrap();
    }
    assert_eq!(relay.held_bytes(), 0);
}

#[tokio::test]
async fn a_target_that_does_not_answer_is_given_up_in_time() {
    // A queue of accepted connections that is full: the kernel answers no further SYN.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let target = listener.local_addr().unwrap();
    let mut fill = Vec::new();
    for _ in 0..8 {
        fill.push(tokio::spawn(tokio::net::TcpStream::connect(target)));
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    let options = Options {
        connect: Duration::from_millis(300),
        ..to(target)
    };
    let relay = relay(options).await;
    let start = tokio::time::Instant::now();
    let mut enclave = dial(&relay, PLAIN).await;
    assert!(is_closed(&mut enclave).await);
    assert!(start.elapsed() >= Duration::from_millis(200));
    assert_eq!(relay.connections(), 0);
    assert!(relay.is_serving());
}

#[tokio::test]
async fn wrong_slow_and_endless_hellos_reach_nobody() {
    let (listener, target) = listen().await;
    let options = Options {
        hello: Duration::from_millis(400),
        ..to(target)
    };
    let relay = relay(options).await;
    // Bytes that are not TLS, another protocol, a record without an end, and nothing at all.
    let endless = [vec![22, 3, 1, 0x3f, 0], vec![1; 100]].concat();
    for bytes in [
        &b"GET / HTTP/1.1\r\n\r\n"[..],
        b"EHLO a\r\n",
        &endless,
        b"",
        b"\x16\x03",
    ] {
        let mut enclave = dial(&relay, HTTPS).await;
        enclave.write_all(bytes).await.unwrap();
        assert!(is_closed(&mut enclave).await);
    }
    // One byte at a time does not extend the time.
    let mut enclave = dial(&relay, HTTPS).await;
    let start = tokio::time::Instant::now();
    for byte in &endless {
        if enclave.write_all(&[*byte]).await.is_err() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(is_closed(&mut enclave).await);
    assert!(start.elapsed() >= Duration::from_millis(300));
    // An end before the hello is whole.
    let mut enclave = dial(&relay, HTTPS).await;
    enclave.write_all(&endless).await.unwrap();
    enclave.shutdown().await.unwrap();
    assert!(is_closed(&mut enclave).await);
    // Nobody reached the target.
    let accepted = tokio::time::timeout(Duration::from_millis(100), listener.accept()).await;
    assert!(accepted.is_err());
    until("no connection is left", || relay.connections() == 0).await;
    forwards(&relay, &listener).await;
}

/// A connection whose reads panic, and then ordinary ones.
struct Panics(tokio::sync::Mutex<Option<DuplexStream>>);

struct PanicsOnRead;

impl AsyncRead for PanicsOnRead {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        panic!("a defect");
    }
}

impl AsyncWrite for PanicsOnRead {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Pending
    }
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

#[async_trait::async_trait]
impl Transport for Panics {
    async fn listen(&self, _: u32, _: u32) -> io::Result<Box<dyn Listener>> {
        Ok(Box::new(PanicsFirst(0, self.0.lock().await.take())))
    }
}

/// Yields a connection that panics, panics itself, and then yields the good one.
struct PanicsFirst(u32, Option<DuplexStream>);

#[async_trait::async_trait]
impl Listener for PanicsFirst {
    async fn accept(&mut self) -> io::Result<Connection> {
        self.0 += 1;
        match self.0 {
            1 => Ok(Connection::new(PanicsOnRead)),
            2 => panic!("a defect"),
            _ => match self.1.take() {
                Some(stream) => Ok(Connection::new(stream)),
                None => std::future::pending().await,
            },
        }
    }

    fn address(&self) -> String {
        String::new()
    }
}

#[tokio::test]
async fn a_panic_costs_its_connection_alone() {
    let target = echo().await;
    let (mut enclave, inner) = tokio::io::duplex(64);
    let mut egress = egress();
    egress.destinations.truncate(1);
    let transport = Arc::new(Panics(Some(inner).into()));
    let relay = Relay::start(transport, CID, &egress, to(target), Arc::new(NoDns))
        .await
        .unwrap();
    enclave.write_all(b"x").await.unwrap();
    assert_eq!(enclave.read_u8().await.unwrap(), b'x');
    assert!(relay.is_serving());
    drop(enclave);
    until("no connection is left", || relay.connections() == 0).await;
}
