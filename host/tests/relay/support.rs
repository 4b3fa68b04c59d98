//! A relay to a target of the test.

use letsesign_host::relay::{Answer, DnsError, Egress, Options, Relay, Resolve};
use letsesign_host::transport::{Tcp, Transport, UnixSockets};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixStream};

/// CID of the enclave.
pub(crate) const CID: u32 = 16;
/// A destination whose ClientHello is not checked, and one whose is.
pub(crate) const PLAIN: (&str, u16) = ("mail.example", 587);
pub(crate) const HTTPS: (&str, u16) = ("kms.example", 443);

/// A time that no test reaches unless something hangs.
pub(crate) const LONG: Duration = Duration::from_mins(1);

/// The map with both destinations.
pub(crate) fn egress() -> Egress {
    let services = [PLAIN, HTTPS].iter().zip(9002..).map(|((host, port), vsock)| {
        format!(
            "[[tls]]\nhost = \"{host}\"\nport = {port}\nvsock-port = {vsock}\nanchors = \"a.pem\"\n"
        )
    });
    let services: String = services.collect();
    Egress::parse(&format!("cid = 3\njob-api = 9001\n{services}")).unwrap()
}

/// Options that send both destinations to a target.
pub(crate) fn to(target: SocketAddr) -> Options {
    let overrides = [PLAIN, HTTPS].map(|(host, port)| ((host.to_owned(), port), target));
    Options {
        overrides: overrides.into(),
        ..Options::default()
    }
}

/// For relays that resolve nothing.
pub(crate) struct NoDns;

#[async_trait::async_trait]
impl Resolve for NoDns {
    async fn lookup(&self, _: &str) -> Result<Answer, DnsError> {
        panic!("a name was resolved");
    }
}

pub(crate) async fn relay(options: Options) -> Relay {
    let transport: Arc<dyn Transport> = Arc::new(Tcp::default());
    let egress = egress();
    Relay::start(transport, CID, &egress, options, Arc::new(NoDns))
        .await
        .unwrap()
}

/// A relay on unix sockets in a folder.
pub(crate) async fn unix_relay(folder: &std::path::Path, options: Options) -> Relay {
    let transport: Arc<dyn Transport> = Arc::new(UnixSockets {
        folder: folder.to_owned(),
    });
    let egress = egress();
    Relay::start(transport, CID, &egress, options, Arc::new(NoDns))
        .await
        .unwrap()
}

/// A byte stream to the relay.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// Connects as the enclave does.
pub(crate) async fn dial(relay: &Relay, destination: (&str, u16)) -> Box<dyn Stream> {
    let (_, address) = relay
        .addresses()
        .iter()
        .find(|(known, _)| (known.host.as_str(), known.port) == destination)
        .unwrap();
    if address.starts_with('/') {
        Box::new(UnixStream::connect(address).await.unwrap())
    } else {
        Box::new(TcpStream::connect(address).await.unwrap())
    }
}

/// A listener on loopback, with its address.
pub(crate) async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// A target that sends back what it gets, and ends when its peer has.
pub(crate) async fn echo() -> SocketAddr {
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        loop {
            let Ok((mut stream, _)) = listener.accept().await else {
                // Without descriptors: again, later.
                tokio::time::sleep(Duration::from_millis(10)).await;
                continue;
            };
            tokio::spawn(async move {
                let (mut reader, mut writer) = stream.split();
                let _ = tokio::io::copy(&mut reader, &mut writer).await;
            });
        }
    });
    address
}

/// Whether the relay closed a connection, in order or by a reset, without a byte of data.
pub(crate) async fn is_closed(stream: &mut (impl AsyncRead + Unpin)) -> bool {
    let read = tokio::time::timeout(LONG, stream.read(&mut [0])).await;
    matches!(read.expect("the relay closes it"), Ok(0) | Err(_))
}

/// Waits until a condition holds.
pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = tokio::time::Instant::now();
    while !holds() {
        assert!(start.elapsed() < LONG, "{what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Shows that the relay still forwards.
pub(crate) async fn works(relay: &Relay) {
    use tokio::io::AsyncWriteExt;
    assert!(relay.is_serving());
    let mut stream = dial(relay, PLAIN).await;
    stream.write_all(b"alive").await.unwrap();
    let mut back = [0; 5];
    stream.read_exact(&mut back).await.unwrap();
    assert_eq!(&back, b"alive");
}
