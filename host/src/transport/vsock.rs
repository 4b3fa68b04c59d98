//! AF_VSOCK. A port belongs to the whole parent instance, so one socket serves all enclaves, and
//! each connection goes to the listener of the enclave whose CID it comes from. The hypervisor
//! sets that CID: an enclave cannot pretend to be another.

use super::backoff::Backoff;
use super::{Connection, Listener, LogLimit, Transport};
use async_trait::async_trait;
use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::mpsc::{self, error::TrySendError};
use tokio::task::JoinHandle;
use tokio_vsock::{VMADDR_CID_ANY, VsockAddr, VsockListener};

/// Accepted connections of one enclave that its listener has not taken yet.
const QUEUE: usize = 128;

/// AF_VSOCK. Ports stay bound until it is dropped, so that an enclave that is started again finds
/// its listener at once.
#[derive(Debug, Default)]
pub struct Vsock(Mutex<HashMap<u32, Port>>);

#[async_trait]
impl Transport for Vsock {
    async fn listen(&self, cid: u32, port: u32) -> io::Result<Box<dyn Listener>> {
        let mut ports = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(shared) = ports.get(&port) {
            return shared.register(cid);
        }
        let socket =
            VsockListener::bind(VsockAddr::new(VMADDR_CID_ANY, port)).map_err(|error| {
                let text = format!("cannot listen on vsock port {port}: {error}");
                io::Error::new(error.kind(), text)
            })?;
        let shared = Port::start(port, Socket(socket));
        let listener = shared.register(cid);
        ports.insert(port, shared);
        listener
    }
}

/// Where connections come from, each with the CID of its peer.
#[async_trait]
pub(super) trait Source: Send + 'static {
    async fn accept(&mut self) -> io::Result<(Connection, u32)>;
}

struct Socket(VsockListener);

#[async_trait]
impl Source for Socket {
    async fn accept(&mut self) -> io::Result<(Connection, u32)> {
        let (stream, peer) = self.0.accept().await?;
        Ok((stream.into(), peer.cid()))
    }
}

/// The listeners of one port by CID.
#[derive(Debug, Default)]
struct Listeners(Mutex<HashMap<u32, mpsc::Sender<Connection>>>);

impl Listeners {
    fn lock(&self) -> MutexGuard<'_, HashMap<u32, mpsc::Sender<Connection>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One port, with the task that hands out its connections.
#[derive(Debug)]
pub(super) struct Port {
    number: u32,
    listeners: Arc<Listeners>,
    task: JoinHandle<()>,
}

impl Port {
    pub(super) fn start(port: u32, source: impl Source) -> Self {
        let listeners = Arc::new(Listeners::default());
        let task = tokio::spawn(dispatch(port, source, Arc::clone(&listeners)));
        Self {
            number: port,
            listeners,
            task,
        }
    }

    pub(super) fn register(&self, cid: u32) -> io::Result<Box<dyn Listener>> {
        let mut listeners = self.listeners.lock();
        if listeners
            .get(&cid)
            .is_some_and(|sender| !sender.is_closed())
        {
            let text = format!(
                "vsock port {} of CID {cid} is listened on already",
                self.number
            );
            return Err(io::Error::new(io::ErrorKind::AddrInUse, text));
        }
        let (sender, receiver) = mpsc::channel(QUEUE);
        listeners.insert(cid, sender);
        Ok(Box::new(VsockPort {
            cid,
            port: self.number,
            receiver,
        }))
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Hands each connection to the listener of its CID; others are closed, which vsock tells their
/// peer by a reset.
async fn dispatch(port: u32, mut source: impl Source, listeners: Arc<Listeners>) {
    let (mut backoff, log) = (Backoff::default(), LogLimit::default());
    loop {
        let (connection, cid) = match source.accept().await {
            Ok(accepted) => {
                backoff.succeeded();
                accepted
            }
            Err(error) => {
                backoff.failed(port, &error).await;
                continue;
            }
        };
        let sender = listeners.lock().get(&cid).cloned();
        let (connection, reason) = match sender.map(|sender| sender.try_send(connection)) {
            Some(Ok(())) => continue,
            Some(Err(TrySendError::Full(connection))) => (Some(connection), "queue_full"),
            Some(Err(TrySendError::Closed(connection))) => (Some(connection), "unknown_cid"),
            // The connection was dropped with the closure.
            None => (None, "unknown_cid"),
        };
        if let Some(connection) = connection {
            connection.reset();
        }
        metrics::counter!(
            "letsesign_host_vsock_refused_total", "port" => port.to_string(), "reason" => reason
        )
        .increment(1);
        if let Some(left_out) = log.due() {
            tracing::warn!(port, cid, reason, left_out, "a vsock connection was reset");
        }
    }
}

struct VsockPort {
    cid: u32,
    port: u32,
    receiver: mpsc::Receiver<Connection>,
}

#[async_trait]
impl Listener for VsockPort {
    async fn accept(&mut self) -> io::Result<Connection> {
        self.receiver.recv().await.ok_or_else(|| {
            let text = format!("vsock port {} was closed", self.port);
            io::Error::new(io::ErrorKind::ConnectionAborted, text)
        })
    }

    fn address(&self) -> String {
        format!("vsock:{}:{}", self.cid, self.port)
    }
}
