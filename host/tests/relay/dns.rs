//! Names, with a DNS server of the test.

use crate::support::*;
use hickory_resolver::config::{
    ConnectionConfig, NameServerConfig, ProtocolConfig, ResolverConfig,
};
use letsesign_host::relay::{DnsError, NameOptions, Options, Relay, Resolve, SystemResolver};
use letsesign_host::transport::{Tcp, Transport};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};

/// The server's answer to a question for an IPv4 address.
#[derive(Clone)]
enum Say {
    Addresses(Vec<Ipv4Addr>, u32),
    /// SERVFAIL.
    Fail,
    /// NXDOMAIN.
    NoName,
    Garbage,
    Nothing,
}

struct Server {
    say: Mutex<Say>,
    /// Names of the questions for IPv4 addresses, in lower case.
    asked: Mutex<Vec<String>>,
    address: SocketAddr,
}

impl Server {
    async fn start(say: Say) -> Arc<Self> {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let server = Arc::new(Self {
            say: Mutex::new(say),
            asked: Mutex::default(),
            address: socket.local_addr().unwrap(),
        });
        let shared = Arc::clone(&server);
        tokio::spawn(async move {
            let mut buffer = [0; 2048];
            loop {
                let (count, peer) = socket.recv_from(&mut buffer).await.unwrap();
                if let Some(answer) = shared.answer(&buffer[..count]) {
                    socket.send_to(&answer, peer).await.unwrap();
                }
            }
        });
        server
    }

    /// RFC 1035, section 4: header, the question once more, and records with a pointer to its name.
    fn answer(&self, query: &[u8]) -> Option<Vec<u8>> {
        let (mut at, mut labels) = (12, Vec::new());
        while query[at] != 0 {
            let end = at + 1 + usize::from(query[at]);
            labels.push(String::from_utf8_lossy(&query[at + 1..end]).to_lowercase());
            at = end;
        }
        let question = &query[12..at + 5];
        let is_ipv4 = query[at + 1..at + 3] == [0, 1];
        if is_ipv4 {
            self.asked.lock().unwrap().push(labels.join("."));
        }
        let (code, addresses, ttl) = match self.say.lock().unwrap().clone() {
            Say::Addresses(addresses, ttl) if is_ipv4 => (0, addresses, ttl),
            Say::Addresses(..) => (0, vec![], 0),
            Say::Fail => (2, vec![], 0),
            Say::NoName => (3, vec![], 0),
            Say::Garbage => return Some(b"garbage".to_vec()),
            Say::Nothing => return None,
        };
        let count = u8::try_from(addresses.len()).unwrap();
        let mut answer = [
            &query[..2],
            &[0x81, 0x80 | code, 0, 1, 0, count, 0, 0, 0, 0],
        ]
        .concat();
        answer.extend(question);
        for address in addresses {
            answer.extend([0xc0, 12, 0, 1, 0, 1]);
            answer.extend(ttl.to_be_bytes());
            answer.extend([0, 4]);
            answer.extend(address.octets());
        }
        Some(answer)
    }

    fn say(&self, say: Say) {
        *self.say.lock().unwrap() = say;
    }

    fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    fn resolver(&self) -> Arc<dyn Resolve> {
        let mut connection = ConnectionConfig::new(ProtocolConfig::Udp);
        connection.port = self.address.port();
        let server = NameServerConfig::new(self.address.ip(), true, vec![connection]);
        let config = ResolverConfig::from_parts(None, vec![], vec![server]);
        Arc::new(SystemResolver::with_servers(config))
    }
}

/// A relay for one destination, `kms.example:PORT`, that may go to loopback.
async fn relay(server: &Server, port: u16, allowed: &[&str]) -> Relay {
    let mut egress = egress();
    egress.destinations.truncate(1);
    let destination = egress.destinations.first_mut().unwrap();
    (destination.host, destination.port) = ("kms.example".into(), port);
    let allowed = allowed
        .iter()
        .map(|network| network.parse().unwrap())
        .collect();
    let options = Options {
        allow_addresses: [("kms.example".into(), allowed)].into(),
        connect: Duration::from_millis(1500),
        names: NameOptions {
            ttl_least: Duration::from_millis(50),
            retry_first: Duration::from_millis(50),
            retry_most: Duration::from_millis(200),
            lookup: Duration::from_millis(500),
            ..NameOptions::default()
        },
        ..Options::default()
    };
    let transport: Arc<dyn Transport> = Arc::new(Tcp::default());
    Relay::start(transport, CID, &egress, options, server.resolver())
        .await
        .unwrap()
}

/// A target that says who it is, on an address of loopback.
async fn target(address: Ipv4Addr, port: u16, name: &'static [u8]) -> u16 {
    let listener = TcpListener::bind((address, port)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.write_all(name).await.unwrap();
        }
    });
    port
}

/// Text of the target that the relay connects to; empty when the relay closes.
async fn reached(relay: &Relay, port: u16) -> Vec<u8> {
    let mut stream = dial(relay, ("kms.example", port)).await;
    let mut said = Vec::new();
    let _ = stream.read_to_end(&mut said).await;
    said
}

const ONE: Ipv4Addr = Ipv4Addr::LOCALHOST;
const TWO: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
const LOOPBACK: [&str; 1] = ["127.0.0.0/8"];

#[tokio::test]
async fn a_name_that_moves_is_followed_when_its_time_to_live_is_over() {
    let port = target(ONE, 0, b"one").await;
    assert_eq!(target(TWO, port, b"two").await, port);
    let server = Server::start(Say::Addresses(vec![ONE], 1)).await;
    let relay = relay(&server, port, &LOOPBACK).await;
    assert_eq!(reached(&relay, port).await, b"one");
    // The name is whole: no search list makes another of it.
    assert_eq!(server.asked.lock().unwrap()[0], "kms.example");
    server.say(Say::Addresses(vec![TWO], 1));
    let start = tokio::time::Instant::now();
    while reached(&relay, port).await != b"two" {
        assert!(start.elapsed() < LONG);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // A long time to live is not asked about again.
    server.say(Say::Addresses(vec![TWO], 200));
    let before = server.asked();
    until("the next answer", || server.asked() > before).await;
    let before = server.asked();
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(server.asked(), before);
}

#[tokio::test]
async fn the_last_good_addresses_serve_while_dns_is_gone_and_a_new_one_when_it_is_back() {
    let port = target(ONE, 0, b"one").await;
    target(TWO, port, b"two").await;
    let server = Server::start(Say::Addresses(vec![ONE], 0)).await;
    let relay = relay(&server, port, &LOOPBACK).await;
    assert_eq!(reached(&relay, port).await, b"one");
    for say in [
        Say::Fail,
        Say::NoName,
        Say::Garbage,
        Say::Addresses(vec![], 0),
        Say::Nothing,
    ] {
        server.say(say);
        let before = server.asked();
        until("questions go on", || server.asked() > before + 2).await;
        assert_eq!(reached(&relay, port).await, b"one");
    }
    server.say(Say::Addresses(vec![TWO], 0));
    let start = tokio::time::Instant::now();
    while reached(&relay, port).await != b"two" {
        assert!(start.elapsed() < LONG);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn without_dns_from_the_start_connections_fail_until_it_comes() {
    let port = target(ONE, 0, b"one").await;
    let server = Server::start(Say::Fail).await;
    let relay = relay(&server, port, &LOOPBACK).await;
    assert_eq!(reached(&relay, port).await, b"");
    server.say(Say::Addresses(vec![ONE], 60));
    assert_eq!(reached(&relay, port).await, b"one");
}

#[tokio::test]
async fn private_addresses_are_not_connected_to_unless_they_are_listed() {
    let port = target(ONE, 0, b"one").await;
    let server = Server::start(Say::Addresses(vec![ONE], 0)).await;
    for allowed in [&[][..], &["127.0.0.2/32"], &["10.0.0.0/8"]] {
        let relay = relay(&server, port, allowed).await;
        assert_eq!(reached(&relay, port).await, b"", "{allowed:?}");
    }
    let listed = relay(&server, port, &["127.0.0.1/32"]).await;
    assert_eq!(reached(&listed, port).await, b"one");
    // A server that turns to a private address changes nothing.
    server.say(Say::Addresses(vec!["169.254.169.254".parse().unwrap()], 0));
    let before = server.asked();
    until("questions go on", || server.asked() > before + 2).await;
    assert_eq!(reached(&listed, port).await, b"one");
}

#[tokio::test]
async fn of_several_addresses_the_next_is_tried() {
    // On 127.0.0.2 nobody listens.
    let port = target(ONE, 0, b"one").await;
    let server = Server::start(Say::Addresses(vec![TWO, ONE], 60)).await;
    let relay = relay(&server, port, &LOOPBACK).await;
    for _ in 0..5 {
        assert_eq!(reached(&relay, port).await, b"one");
    }
}

#[tokio::test]
async fn errors_say_what_is_wrong_with_dns() {
    let server = Server::start(Say::Fail).await;
    for (say, expected) in [
        (Say::NoName, DnsError::NoAddresses),
        (Say::Fail, DnsError::Failed),
        (Say::Addresses(vec![], 0), DnsError::NoAddresses),
    ] {
        server.say(say);
        assert_eq!(server.resolver().lookup("kms.example").await, Err(expected));
    }
    server.say(Say::Addresses(vec![ONE, TWO], 77));
    let answer = server.resolver().lookup("kms.example").await.unwrap();
    assert_eq!(answer.addresses, [ONE, TWO]);
    assert!(
        (70..=77).contains(&answer.ttl.as_secs()),
        "{:?}",
        answer.ttl
    );
}

#[tokio::test]
async fn the_systems_hosts_file_counts() {
    // Every system names loopback there.
    let answer = SystemResolver::default().lookup("localhost").await.unwrap();
    assert!(
        answer.addresses.iter().all(std::net::IpAddr::is_loopback),
        "{answer:?}"
    );
}
