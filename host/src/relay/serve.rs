//! One destination: its listener, its limits, and the way of a connection.

use super::client_hello::{HelloReader, Refusal};
use super::connect::connect;
use super::counters::Metrics;
use super::egress::Destination;
use super::names::Names;
use super::options::Options;
use super::pump::{Budget, Count, End, forward};
use crate::transport::{Connection, Listener, LogLimit};
use futures_util::FutureExt;
use std::io;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Bytes of a ClientHello that are read at once.
const HELLO_PIECE: usize = 2048;

/// Shared by all destinations of an enclave.
pub(super) struct Shared {
    pub(super) cid: u32,
    pub(super) options: Options,
    pub(super) connections: Arc<Semaphore>,
    pub(super) budget: Budget,
    pub(super) tracker: TaskTracker,
    /// Ends the listeners.
    pub(super) stop: CancellationToken,
    /// Ends the connections.
    pub(super) kill: CancellationToken,
}

/// Where the addresses of a destination come from.
pub(super) enum Target {
    /// The host's settings.
    Fixed(SocketAddr),
    /// DNS.
    Named(Names),
}

/// One destination.
pub(super) struct Port {
    pub(super) destination: Destination,
    pub(super) target: Target,
    pub(super) connections: Arc<Semaphore>,
    pub(super) metrics: Metrics,
    pub(super) log: LogLimit,
    pub(super) shared: Arc<Shared>,
}

/// Why a connection did not reach its destination.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error(transparent)]
    Hello(#[from] Refusal),
    #[error("the ClientHello did not come in time")]
    HelloTime,
    #[error("the enclave closed before its ClientHello was whole")]
    HelloEnd,
    #[error("the destination's name has no known address")]
    NoAddress,
    #[error("no address accepted in time")]
    ConnectTime,
    #[error("no address accepted")]
    Connect,
    #[error("the destination closed at once")]
    Write,
    #[error("the relay ended")]
    Stopped,
}

impl Refused {
    fn label(&self) -> &'static str {
        match self {
            Refused::Hello(refusal) => refusal.label(),
            Refused::HelloTime => "hello_time",
            Refused::HelloEnd => "hello_end",
            Refused::NoAddress => "no_address",
            Refused::ConnectTime => "connect_time",
            Refused::Connect => "connect",
            Refused::Write => "write",
            Refused::Stopped => "stopped",
        }
    }
}

/// Accepts connections until the relay stops.
pub(super) async fn accept(mut listener: Box<dyn Listener>, port: Arc<Port>) {
    loop {
        let accepted = AssertUnwindSafe(listener.accept()).catch_unwind();
        let accepted = tokio::select! {
            biased;
            () = port.shared.stop.cancelled() => return,
            accepted = accepted => accepted,
        };
        match accepted {
            Ok(Ok(connection)) => start(connection, &port),
            Ok(Err(error)) => {
                let destination = &port.metrics.label;
                tracing::error!(destination, %error, "the listener ended");
                return;
            }
            // A defect of a transport must not end the relay.
            Err(_panic) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

/// Takes a connection into a task of its own, or closes it where there are too many.
fn start(connection: Connection, port: &Arc<Port>) {
    let (all, own) = (&port.shared.connections, &port.connections);
    let Ok(one_of_all) = Arc::clone(all).try_acquire_owned() else {
        return refuse(connection, port, "enclave_limit");
    };
    let Ok(one_of_own) = Arc::clone(own).try_acquire_owned() else {
        return refuse(connection, port, "port_limit");
    };
    let port = Arc::clone(port);
    // In a task of its own a panic ends this connection alone.
    port.shared.tracker.clone().spawn(async move {
        let _permits = (one_of_all, one_of_own);
        serve(connection, &port).await;
    });
}

fn refuse(connection: Connection, port: &Port, reason: &'static str) {
    connection.reset();
    port.metrics.refused(reason);
    if let Some(left_out) = port.log.due() {
        let (cid, destination) = (port.shared.cid, &port.metrics.label);
        tracing::warn!(
            cid,
            destination,
            reason,
            left_out,
            "a connection was refused"
        );
    }
}

async fn serve(mut connection: Connection, port: &Port) {
    let _open = port.metrics.connection();
    let kill = &port.shared.kill;
    let opened = tokio::select! {
        biased;
        () = kill.cancelled() => Err(Refused::Stopped),
        opened = open(&mut connection, port) => opened,
    };
    let mut service = match opened {
        Ok(service) => service,
        Err(refused) => return refuse(connection, port, refused.label()),
    };
    let metrics = &port.metrics;
    let count = Count {
        sent: &|bytes| metrics.sent.increment(bytes),
        received: &|bytes| metrics.received.increment(bytes),
    };
    let (idle, budget) = (port.shared.options.idle, &port.shared.budget);
    let forwarded = tokio::select! {
        biased;
        () = kill.cancelled() => None,
        forwarded = forward(&mut connection, &mut service, idle, budget, &count) => Some(forwarded),
    };
    let how = match &forwarded {
        Some((_, Ok(End::Closed))) => "closed",
        Some((_, Ok(End::Idle))) => "idle",
        Some((_, Err(_))) => "broken",
        None => "stopped",
    };
    metrics.ended(how);
    if let Some((counts, end)) = forwarded {
        let destination = &metrics.label;
        let (sent, received, error) = (counts.sent, counts.received, end.as_ref().err());
        tracing::debug!(
            destination,
            sent,
            received,
            how,
            ?error,
            "a connection ended"
        );
    }
    if how != "closed" {
        connection.reset();
        service.reset();
    }
}

/// Checks the ClientHello, where there is one, and connects to the destination.
async fn open(connection: &mut Connection, port: &Port) -> Result<Connection, Refused> {
    let options = &port.shared.options;
    let hello = if port.destination.begins_with_tls() {
        let deadline = Instant::now() + options.hello;
        let read = read_hello(connection, &port.destination.host);
        timeout_at(deadline, read)
            .await
            .map_err(|_| Refused::HelloTime)??
    } else {
        Vec::new()
    };
    let start = Instant::now();
    let deadline = start + options.connect;
    let addresses = match &port.target {
        Target::Fixed(address) => vec![*address],
        Target::Named(names) => {
            let addresses = timeout_at(deadline, names.addresses())
                .await
                .map_err(|_| Refused::NoAddress)?;
            let with_port = |address| SocketAddr::new(address, port.destination.port);
            addresses.into_iter().map(with_port).collect()
        }
    };
    let failed = |address: SocketAddr, error: &io::Error| {
        port.metrics.connect_error(reason(error));
        if let Some(left_out) = port.log.due() {
            let destination = &port.metrics.label;
            tracing::warn!(destination, %address, %error, left_out, "cannot connect");
        }
    };
    let connected = timeout_at(deadline, connect(&addresses, options.next_address, failed)).await;
    let mut service: Connection = match connected {
        Ok(Ok(stream)) => stream.into(),
        Ok(Err(_)) => return Err(Refused::Connect),
        Err(_) => {
            port.metrics.connect_error("timed_out");
            return Err(Refused::ConnectTime);
        }
    };
    port.metrics.connect.record(start.elapsed());
    if !hello.is_empty() {
        // Into the empty buffer of a new socket.
        timeout_at(deadline, service.write_all(&hello))
            .await
            .map_err(|_| Refused::ConnectTime)?
            .map_err(|_| Refused::Write)?;
        port.metrics.sent.increment(hello.len() as u64);
    }
    Ok(service)
}

/// Reads until the ClientHello is whole and names the host.
async fn read_hello(connection: &mut Connection, host: &str) -> Result<Vec<u8>, Refused> {
    let mut reader = HelloReader::default();
    let mut buffer = vec![0; HELLO_PIECE];
    loop {
        let count = connection.read(&mut buffer).await.unwrap_or(0);
        if count == 0 {
            return Err(Refused::HelloEnd);
        }
        let name = reader.push(buffer.get(..count).unwrap_or_default())?;
        match name {
            Some(name) if name == host => return Ok(reader.into_bytes()),
            Some(_) => return Err(Refusal::OtherName.into()),
            None => {}
        }
    }
}

/// The value of the label `reason` of a failed connection.
fn reason(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "refused",
        io::ErrorKind::ConnectionReset => "reset",
        io::ErrorKind::TimedOut => "timed_out",
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => "unreachable",
        _ => "other",
    }
}
