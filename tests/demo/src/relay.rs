//! The host's relay: forwards the enclave's connections and records every byte.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// The bytes of connections, by direction.
#[derive(Debug, Clone, Default)]
pub(crate) struct Flow {
    /// Bytes from the enclave.
    pub(crate) up: Vec<u8>,
    /// Bytes to the enclave.
    pub(crate) down: Vec<u8>,
}

/// The start of a TLS record with application data: type 23, version 1.2 (also in TLS 1.3; RFC
/// 8446, section 5.1).
const APPLICATION_DATA: [u8; 3] = [23, 3, 3];
/// Number of bytes to display.
const SAMPLE: usize = 32;

impl Flow {
    /// Encrypted application data as the host sees them: the bytes after the header of the last
    /// large record.
    pub(crate) fn ciphertext(&self) -> Option<&[u8]> {
        let mut records = memchr::memmem::rfind_iter(&self.up, &APPLICATION_DATA);
        records.find_map(|at| {
            let record = self.up.get(at + 3..)?;
            let (length, data) = record.split_first_chunk::<2>()?;
            (usize::from(u16::from_be_bytes(*length)) >= SAMPLE).then_some(())?;
            data.get(..SAMPLE)
        })
    }

    /// Number of bytes in both directions.
    pub(crate) fn bytes(&self) -> u64 {
        (self.up.len() + self.down.len()) as u64
    }
}

/// Forwards connections to one service, as the host forwards a vsock port.
pub(crate) struct Relay {
    /// Name and port of the service, as the enclave knows them.
    pub(crate) service: &'static str,
    address: SocketAddr,
    seen: Arc<Mutex<Flow>>,
    task: JoinHandle<()>,
}

impl Relay {
    /// Listens on loopback.
    pub(crate) async fn start(service: &'static str, target: SocketAddr) -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let seen = Arc::new(Mutex::new(Flow::default()));
        let shared = Arc::clone(&seen);
        let task = tokio::spawn(async move {
            while let Ok((enclave, _)) = listener.accept().await {
                let Ok(service) = TcpStream::connect(target).await else {
                    continue;
                };
                let _ = (enclave.set_nodelay(true), service.set_nodelay(true));
                let ((from_enclave, to_enclave), (from_service, to_service)) =
                    (enclave.into_split(), service.into_split());
                tokio::spawn(forward(from_enclave, to_service, Arc::clone(&shared), true));
                tokio::spawn(forward(
                    from_service,
                    to_enclave,
                    Arc::clone(&shared),
                    false,
                ));
            }
        });
        Ok(Self {
            service,
            address,
            seen,
            task,
        })
    }

    /// `kms.us-east-1.amazonaws.com:443=127.0.0.1:40001`
    pub(crate) fn override_entry(&self) -> String {
        format!("{}={}", self.service, self.address)
    }

    /// The bytes recorded since the last call.
    pub(crate) fn take(&self) -> Flow {
        std::mem::take(&mut *lock(&self.seen))
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn lock(seen: &Mutex<Flow>) -> MutexGuard<'_, Flow> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn forward(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    seen: Arc<Mutex<Flow>>,
    up: bool,
) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(count) = from.read(&mut buffer).await {
        let Some(bytes) = buffer.get(..count).filter(|bytes| !bytes.is_empty()) else {
            break;
        };
        {
            let mut seen = lock(&seen);
            let flow = &mut *seen;
            let kept = if up { &mut flow.up } else { &mut flow.down };
            kept.extend_from_slice(bytes);
        }
        if to.write_all(bytes).await.is_err() {
            return;
        }
    }
    let _ = to.shutdown().await;
}
