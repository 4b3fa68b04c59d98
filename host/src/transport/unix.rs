//! The unix sockets of vhost-device-vsock, for an enclave in QEMU (docs/emulator.md).
//!
//! The device connects to `PREFIX_PORT` when its enclave connects to `PORT` of the host, where
//! `PREFIX` is the device's `uds-path`: here `FOLDER/vmCID.vsock`.

use super::backoff::Backoff;
use super::{Connection, Listener, Transport};
use async_trait::async_trait;
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use tokio::net::{UnixListener, UnixStream};

/// Sockets in a folder. Whoever may connect to them is taken for the enclave: keep the folder to
/// the users of the host and of the device.
#[derive(Debug)]
pub struct UnixSockets {
    /// The folder; it must exist.
    pub folder: PathBuf,
}

impl UnixSockets {
    /// The device's `uds-path` for an enclave.
    pub fn prefix(&self, cid: u32) -> PathBuf {
        self.folder.join(format!("vm{cid}.vsock"))
    }
}

#[async_trait]
impl Transport for UnixSockets {
    async fn listen(&self, cid: u32, port: u32) -> io::Result<Box<dyn Listener>> {
        let path = self.folder.join(format!("vm{cid}.vsock_{port}"));
        remove_stale(&path).await?;
        let listener = UnixListener::bind(&path).map_err(|error| {
            let text = format!("cannot listen on {}: {error}", path.display());
            io::Error::new(error.kind(), text)
        })?;
        Ok(Box::new(UnixPort {
            listener,
            path,
            port,
            backoff: Backoff::default(),
        }))
    }
}

/// Removes the socket of a process that was killed. A socket that somebody serves stays, and
/// anything else of that name as well: then binding fails.
async fn remove_stale(path: &Path) -> io::Result<()> {
    let is_socket = std::fs::symlink_metadata(path).is_ok_and(|kind| kind.file_type().is_socket());
    if is_socket
        && let Err(error) = UnixStream::connect(path).await
        && error.kind() == io::ErrorKind::ConnectionRefused
    {
        std::fs::remove_file(path)?;
    }
    Ok(())
}

struct UnixPort {
    listener: UnixListener,
    path: PathBuf,
    port: u32,
    backoff: Backoff,
}

#[async_trait]
impl Listener for UnixPort {
    async fn accept(&mut self) -> io::Result<Connection> {
        let listener = &self.listener;
        let (stream, _) = self.backoff.accept(self.port, || listener.accept()).await;
        Ok(stream.into())
    }

    fn address(&self) -> String {
        self.path.display().to_string()
    }
}

impl Drop for UnixPort {
    fn drop(&mut self) {
        // A socket that stays is found stale by the next start.
        let _ = std::fs::remove_file(&self.path);
    }
}
