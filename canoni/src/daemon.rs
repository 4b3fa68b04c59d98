//! Images by name: Docker's daemon, or podman's socket, which speaks the same protocol (Docker
//! Engine API).

use crate::error::{Error, Result};
use crate::limits::Limits;
use crate::source::Archive;
use crate::write::{Canonical, Format};
use bollard::query_parameters::ImportImageOptionsBuilder;
use bollard::{API_DEFAULT_VERSION, Docker};
use bytes::{Buf, Bytes};
use futures_util::{Stream, StreamExt};
use std::env;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;

/// Seconds until an answer begins. A daemon writes large images to disk before it sends their first
/// byte.
const TIMEOUT: u64 = 3600;
/// Bytes that are sent at a time.
const PIECE: usize = 256 << 10;

/// A connection to a daemon.
#[derive(Debug)]
pub struct Daemon {
    docker: Docker,
    runtime: Runtime,
    address: String,
}

/// Where a daemon may listen, by the variables and files that docker and podman look at.
fn address() -> Option<String> {
    let variable = |name| env::var(name).ok().filter(|value| !value.is_empty());
    if let Some(host) = variable("DOCKER_HOST").or_else(|| variable("CONTAINER_HOST")) {
        return Some(host);
    }
    let own = variable("XDG_RUNTIME_DIR").map(PathBuf::from);
    let own = |name: &str| own.as_ref().map(|folder| folder.join(name));
    [
        Some("/var/run/docker.sock".into()),
        own("docker.sock"),
        own("podman/podman.sock"),
        Some("/run/podman/podman.sock".into()),
    ]
    .into_iter()
    .flatten()
    .find(|path| path.exists())
    .map(|path| format!("unix://{}", path.display()))
}

impl Daemon {
    /// Connects to the daemon of `DOCKER_HOST` or `CONTAINER_HOST` (`unix://PATH`,
    /// `tcp://HOST:PORT`), else to the first socket that is there: Docker's, its rootless one,
    /// podman's of this user, podman's of the system.
    pub fn connect() -> Result<Self> {
        let Some(address) = address() else {
            return Err(Error::image(
                "daemon",
                "there is no socket of Docker or podman here; start one (podman: systemctl --user start podman.socket), or set DOCKER_HOST",
            ));
        };
        let fail = |error: String| Error::image(format!("daemon at {address}"), error);
        let connection = if let Some(path) = address.strip_prefix("unix://") {
            if !Path::new(path).exists() {
                return Err(fail("there is no such socket".into()));
            }
            Docker::connect_with_unix(&address, TIMEOUT, API_DEFAULT_VERSION)
        } else if address.starts_with("tcp://") || address.starts_with("http://") {
            if env::var_os("DOCKER_TLS_VERIFY").is_some_and(|value| !value.is_empty()) {
                return Err(fail(
                    "TLS to a daemon is not supported; forward its socket (ssh -L), or use docker save NAME | canoni -".into(),
                ));
            }
            Docker::connect_with_http(&address, TIMEOUT, API_DEFAULT_VERSION)
        } else {
            return Err(fail(
                "only unix:// and tcp:// are supported; use docker save NAME | canoni -".into(),
            ));
        };
        let docker = connection.map_err(|error| fail(error.to_string()))?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Error::io("start", "the connection to the daemon", error))?;
        // Daemons of the last years differ in what they speak.
        let docker = runtime
            .block_on(docker.negotiate_version())
            .map_err(|error| fail(words(&error)))?;
        Ok(Self {
            docker,
            runtime,
            address,
        })
    }

    /// Where the daemon listens.
    pub fn address(&self) -> &str {
        &self.address
    }

    fn fail(&self, reason: impl Into<String>) -> Error {
        Error::image(format!("daemon at {}", self.address), reason)
    }

    /// Whether the daemon has an image of this name.
    pub fn has(&self, reference: &str) -> Result<bool> {
        match self.runtime.block_on(self.docker.inspect_image(reference)) {
            Ok(_) => Ok(true),
            Err(bollard::errors::Error::DockerResponseServerError {
                status_code: 404, ..
            }) => Ok(false),
            Err(error) => Err(self.fail(words(&error))),
        }
    }

    /// Fetches an image, as `docker save` does.
    pub fn save(&self, reference: &str, limits: &Limits) -> Result<Archive> {
        let reader = StreamReader {
            runtime: &self.runtime,
            stream: Box::pin(self.docker.export_image(reference)),
            current: Bytes::new(),
        };
        Archive::from_reader(reader, reference, limits)
    }

    /// Hands an image to the daemon, as `docker load` does, and makes sure that its layers arrived.
    pub fn load(&self, canonical: &Canonical) -> Result<()> {
        let (sender, receiver) = mpsc::channel::<io::Result<Bytes>>(4);
        let body = futures_util::stream::unfold(receiver, |mut receiver| async {
            receiver.recv().await.map(|piece| (piece, receiver))
        });
        let answers = self.docker.import_image(
            ImportImageOptionsBuilder::default().quiet(true).build(),
            bollard::body_try_stream(body),
            None,
        );
        let (written, loaded) = std::thread::scope(|scope| {
            let writer = scope.spawn(move || {
                let mut pieces = Pieces {
                    sender,
                    current: Vec::with_capacity(PIECE),
                };
                let result = canonical
                    .write_tar(&mut pieces, Format::DockerArchive, "the daemon")
                    .and_then(|()| {
                        pieces
                            .flush()
                            .map_err(|error| Error::io("write", "the daemon", error))
                    });
                if let Err(error) = &result {
                    // The daemon must not take half an image for a whole one.
                    let _ = pieces
                        .sender
                        .blocking_send(Err(io::Error::other(error.to_string())));
                }
                result
            });
            let loaded = self.runtime.block_on(drain(answers));
            let written = writer
                .join()
                .unwrap_or_else(|_| Err(self.fail("the thread that wrote the image failed")));
            (written, loaded)
        });
        // Where both failed, the daemon's complaint is the cause.
        loaded.map_err(|reason| self.fail(format!("cannot load the image: {reason}")))?;
        written?;
        for tag in canonical.tags() {
            self.compare(tag, canonical)?;
        }
        Ok(())
    }

    /// The daemon's image of this name has these layers. (Its ID does not decide: it depends on the
    /// daemon's image store.)
    fn compare(&self, tag: &str, canonical: &Canonical) -> Result<()> {
        let image = self
            .runtime
            .block_on(self.docker.inspect_image(tag))
            .map_err(|error| self.fail(words(&error)))?;
        let layers = image
            .root_fs
            .and_then(|root| root.layers)
            .unwrap_or_default();
        if layers == canonical.diff_ids() {
            Ok(())
        } else {
            Err(self.fail(format!("{tag} has other layers after it was loaded")))
        }
    }
}

/// Reads all answers to a load; errors of the daemon come as answers, too.
async fn drain<T>(
    answers: impl Stream<Item = std::result::Result<T, bollard::errors::Error>>,
) -> std::result::Result<(), String>
where
    T: Into<bollard::models::BuildInfo>,
{
    let mut answers = Box::pin(answers);
    while let Some(answer) = answers.next().await {
        let info = answer.map_err(|error| words(&error))?.into();
        if let Some(message) = info.error_detail.and_then(|detail| detail.message) {
            return Err(message);
        }
    }
    Ok(())
}

/// An error with the way out where there is one.
fn words(error: &bollard::errors::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        let more = next.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = next.source();
    }
    if text.contains("Permission denied") {
        text.push_str(" (whoever may use the socket may do everything; join its group, or use docker save NAME | canoni -)");
    }
    text
}

type Pinned<'a> =
    Pin<Box<dyn Stream<Item = std::result::Result<Bytes, bollard::errors::Error>> + 'a>>;

/// A stream as something to read from.
struct StreamReader<'a> {
    runtime: &'a Runtime,
    stream: Pinned<'a>,
    current: Bytes,
}

impl Read for StreamReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            match self.runtime.block_on(self.stream.next()) {
                None => return Ok(0),
                Some(Ok(bytes)) => self.current = bytes,
                Some(Err(error)) => return Err(io::Error::other(words(&error))),
            }
        }
        let count = self.current.len().min(buffer.len());
        if let Some(window) = buffer.get_mut(..count) {
            self.current.copy_to_slice(window);
        }
        Ok(count)
    }
}

/// Something to write to that becomes a stream.
struct Pieces {
    sender: mpsc::Sender<io::Result<Bytes>>,
    current: Vec<u8>,
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.current.extend_from_slice(bytes);
        if self.current.len() >= PIECE {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let piece = std::mem::replace(&mut self.current, Vec::with_capacity(PIECE));
        self.sender
            .blocking_send(Ok(piece.into()))
            .map_err(|_| io::Error::new(io::ErrorKind::BrokenPipe, "the daemon stopped reading"))
    }
}
