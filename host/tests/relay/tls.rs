//! TLS through the relay, to the testbed's services.

use crate::support::*;
use letsesign_host::relay::{Egress, Options, Relay};
use letsesign_host::transport::Tcp;
use letsesign_testbed::{Testbed, kms, sendgrid, smtp, twilio};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsConnector;

const EGRESS: &str = include_str!("../../../enclave/configs/egress.toml");

async fn start(testbed: &Testbed) -> Relay {
    let targets: [(&str, u16, SocketAddr); 4] = [
        (smtp::HOST, 587, testbed.ses.address()),
        (kms::HOST, 443, testbed.kms.address()),
        (twilio::HOST, 443, testbed.twilio.address()),
        (sendgrid::HOST, 443, testbed.sendgrid.address()),
    ];
    let overrides = targets.map(|(host, port, to)| ((host.to_owned(), port), to));
    let options = Options {
        overrides: overrides.into(),
        ..Options::default()
    };
    let egress = Egress::parse(EGRESS).unwrap();
    Relay::start(
        Arc::new(Tcp::default()),
        CID,
        &egress,
        options,
        Arc::new(NoDns),
    )
    .await
    .unwrap()
}

/// The status line of an answer to a request, over TLS with this name.
async fn ask(relay: &Relay, host: &str, name: &'static str) -> std::io::Result<String> {
    let stream = dial(relay, (host, 443)).await;
    let connector = TlsConnector::from(letsesign_testbed::tls::client());
    let mut stream = connector.connect(name.try_into().unwrap(), stream).await?;
    let request = format!("GET / HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut line = vec![0; 13];
    stream.read_exact(&mut line).await?;
    Ok(String::from_utf8_lossy(&line).into_owned())
}

#[tokio::test]
async fn handshakes_with_all_services_succeed_through_the_relay() {
    let testbed = Testbed::start(letsesign_testbed::Options::default())
        .await
        .unwrap();
    let relay = start(&testbed).await;
    for host in [kms::HOST, twilio::HOST, sendgrid::HOST] {
        let line = ask(&relay, host, host).await.unwrap();
        assert!(line.starts_with("HTTP/1.1 "), "{line}");
    }
    // Upper and lower case name the same host.
    let line = ask(&relay, kms::HOST, "KMS.us-east-1.AMAZONAWS.com")
        .await
        .unwrap();
    assert!(line.starts_with("HTTP/1.1 "), "{line}");
    // STARTTLS: the server speaks first.
    let mut stream = dial(&relay, (smtp::HOST, 587)).await;
    let mut greeting = [0; 4];
    stream.read_exact(&mut greeting).await.unwrap();
    assert_eq!(&greeting, b"220 ");
}

#[tokio::test]
async fn a_hello_for_another_service_does_not_get_through() {
    let testbed = Testbed::start(letsesign_testbed::Options::default())
        .await
        .unwrap();
    let relay = start(&testbed).await;
    // No name that differs, and no hello without a name (rustls sends none for an address).
    for name in [
        sendgrid::HOST,
        "kms.us-east-1.amazonaws.com.evil.example",
        "192.0.2.1",
    ] {
        let error = ask(&relay, kms::HOST, name).await.unwrap_err();
        assert!(
            matches!(
                error.kind(),
                std::io::ErrorKind::ConnectionReset | std::io::ErrorKind::UnexpectedEof
            ),
            "{error}"
        );
    }
    assert!(ask(&relay, kms::HOST, kms::HOST).await.is_ok());
}
