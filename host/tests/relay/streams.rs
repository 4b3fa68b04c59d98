//! Bytes and the ends of directions.

use crate::support::*;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// A whole job (docs/job-protocol.md).
const JOB: usize = 50 << 20;
/// Of the small writes.
const WRITE: usize = 1000;

/// A job's bytes, no two pieces alike.
fn pattern(seed: u64) -> Vec<u8> {
    let mut bytes = vec![0; JOB];
    for (number, piece) in (seed << 32..).zip(bytes.chunks_mut(64)) {
        piece[..8].copy_from_slice(&number.to_le_bytes());
        piece[56..].copy_from_slice(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes());
    }
    bytes
}

async fn write_small(writer: &mut (impl AsyncWriteExt + Unpin), bytes: &[u8]) {
    for piece in bytes.chunks(WRITE) {
        writer.write_all(piece).await.unwrap();
    }
    writer.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_mebibytes_in_small_writes_arrive_intact_both_ways_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let (listener, target) = listen().await;
    for unix in [true, false] {
        let relay = if unix {
            unix_relay(folder.path(), to(target)).await
        } else {
            relay(to(target)).await
        };
        let enclave = dial(&relay, PLAIN).await;
        let (service, _) = listener.accept().await.unwrap();
        let enclave = tokio::spawn(async move {
            let (mut reader, mut writer) = tokio::io::split(enclave);
            let (bytes, mut back) = (pattern(1), Vec::new());
            tokio::join!(write_small(&mut writer, &bytes), async {
                reader.read_to_end(&mut back).await.unwrap();
            });
            assert!(back == pattern(2), "from the service");
        });
        let (mut reader, mut writer) = service.into_split();
        let (bytes, mut back) = (pattern(2), Vec::new());
        tokio::join!(write_small(&mut writer, &bytes), async {
            reader.read_to_end(&mut back).await.unwrap();
        });
        assert!(back == pattern(1), "from the enclave");
        enclave.await.unwrap();
        assert_eq!(relay.held_bytes(), 0);
        relay.shutdown().await;
    }
}

#[tokio::test]
async fn the_end_of_one_direction_is_passed_on_and_the_other_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let (listener, target) = listen().await;
    for unix in [true, false] {
        let relay = if unix {
            unix_relay(folder.path(), to(target)).await
        } else {
            relay(to(target)).await
        };
        for enclave_first in [true, false] {
            let enclave = dial(&relay, PLAIN).await;
            let service: Box<dyn Stream> = Box::new(listener.accept().await.unwrap().0);
            let (mut first, mut second) = if enclave_first {
                (enclave, service)
            } else {
                (service, enclave)
            };
            first.write_all(b"question").await.unwrap();
            first.shutdown().await.unwrap();
            let mut text = String::new();
            second.read_to_string(&mut text).await.unwrap();
            second
                .write_all(text.replace("question", "answer").as_bytes())
                .await
                .unwrap();
            second.shutdown().await.unwrap();
            text.clear();
            first.read_to_string(&mut text).await.unwrap();
            assert_eq!(text, "answer");
        }
        until("connections end", || relay.connections() == 0).await;
        relay.shutdown().await;
    }
}

#[tokio::test]
async fn a_quiet_connection_is_closed_on_both_sides() {
    let (listener, target) = listen().await;
    let options = letsesign_host::relay::Options {
        idle: Duration::from_millis(300),
        ..to(target)
    };
    let relay = relay(options).await;
    let mut enclave = dial(&relay, PLAIN).await;
    let (mut service, _) = listener.accept().await.unwrap();
    let start = tokio::time::Instant::now();
    assert!(is_closed(&mut enclave).await && is_closed(&mut service).await);
    assert!(start.elapsed() >= Duration::from_millis(200));
}

#[tokio::test]
async fn shutdown_lets_connections_end_and_takes_no_more() {
    let target = echo().await;
    let relay = relay(to(target)).await;
    let address = relay.addresses()[0].1.clone();
    let mut enclave = dial(&relay, PLAIN).await;
    enclave.write_all(b"x").await.unwrap();
    enclave.read_u8().await.unwrap();
    let shutdown = tokio::spawn(relay.shutdown());
    until("the listener ends", || {
        std::net::TcpStream::connect(&address).is_err()
    })
    .await;
    enclave.write_all(b"y").await.unwrap();
    assert_eq!(enclave.read_u8().await.unwrap(), b'y');
    enclave.shutdown().await.unwrap();
    assert!(is_closed(&mut enclave).await);
    assert_eq!(shutdown.await.unwrap(), 0);
}

#[tokio::test]
async fn shutdown_closes_what_does_not_end_in_time_and_so_does_a_drop() {
    let target = echo().await;
    let mut options = to(target);
    options.drain = Duration::from_millis(100);
    for dropped in [false, true] {
        let relay = relay(options.clone()).await;
        let mut enclave = dial(&relay, PLAIN).await;
        enclave.write_all(b"x").await.unwrap();
        enclave.read_u8().await.unwrap();
        if dropped {
            drop(relay);
        } else {
            assert_eq!(relay.shutdown().await, 1);
        }
        assert!(is_closed(&mut enclave).await);
    }
}
