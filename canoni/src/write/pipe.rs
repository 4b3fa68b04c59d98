//! Large buffers between one thread that reads and one that hashes.

use crate::content::Content;
use crate::error::{Error, Result, printable};
use crate::progress::{Event, Progress};
use sha2::{Digest, Sha256};
use std::io::{self, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

const BUFFER: usize = 1 << 20;
const BUFFERS: usize = 3;

/// Where the reading side puts bytes.
pub(super) struct Chunks {
    current: Vec<u8>,
    full: SyncSender<Vec<u8>>,
    empty: Receiver<Vec<u8>>,
    total: u64,
    /// The hash of what is put, and where in `current` the bytes begin that it lacks.
    hash: Option<(Sha256, usize)>,
    progress: Progress,
}

impl Chunks {
    /// Bytes put so far.
    pub(super) fn total(&self) -> u64 {
        self.total + self.current.len() as u64
    }

    /// Begins to hash what is put from here on.
    pub(super) fn hash(&mut self) {
        self.hash = Some((Sha256::new(), self.current.len()));
    }

    /// The hash of what was put since [`Chunks::hash`].
    pub(super) fn finish_hash(&mut self) -> [u8; 32] {
        self.update_hash();
        self.hash
            .take()
            .map(|(hash, _)| hash.finalize().into())
            .unwrap_or_default()
    }

    fn update_hash(&mut self) {
        if let Some((hash, from)) = &mut self.hash {
            hash.update(self.current.get(*from..).unwrap_or_default());
            *from = self.current.len();
        }
    }

    fn flush(&mut self) -> Result<()> {
        self.update_hash();
        if let Some((_, from)) = &mut self.hash {
            *from = 0;
        }
        self.progress
            .send(Event::Advance(self.current.len() as u64))?;
        let next = self.empty.recv().unwrap_or_default();
        self.total += self.current.len() as u64;
        let full = std::mem::replace(&mut self.current, next);
        self.current.clear();
        // The consumer hangs up when it failed; its error is the one to report.
        self.full
            .send(full)
            .map_err(|_| Error::io("write", "output", io::ErrorKind::BrokenPipe.into()))
    }

    fn room(&mut self) -> Result<()> {
        if self.current.len() >= BUFFER {
            self.flush()?;
        }
        Ok(())
    }

    /// Small things: headers, padding, JSON.
    pub(super) fn put(&mut self, mut bytes: &[u8]) -> Result<()> {
        while !bytes.is_empty() {
            self.room()?;
            let (now, later) = bytes.split_at(bytes.len().min(BUFFER - self.current.len()));
            self.current.extend_from_slice(now);
            bytes = later;
        }
        Ok(())
    }

    /// A file's content, read straight into the buffer.
    pub(super) fn content(&mut self, content: &Content, path: &[u8]) -> Result<()> {
        if content.is_empty() {
            return Ok(());
        }
        let mut reader = content.open()?;
        while reader.remaining() > 0 {
            self.room()?;
            let start = self.current.len();
            let want = usize::try_from(reader.remaining())
                .unwrap_or(usize::MAX)
                .min(BUFFER - start);
            self.current.resize(start + want, 0);
            let result = reader.read(self.current.get_mut(start..).unwrap_or_default());
            self.current
                .truncate(start + *result.as_ref().unwrap_or(&0));
            match result {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                    return Err(Error::io("read", printable(path), error));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// Runs `produce` here and `consume` on another thread, the latter once for each full buffer, in
/// order.
pub(super) fn pipe<T: Send>(
    progress: &Progress,
    produce: impl FnOnce(&mut Chunks) -> Result<()>,
    state: T,
    mut consume: impl FnMut(&mut T, &[u8]) -> Result<()> + Send,
) -> Result<T> {
    let (full, incoming) = sync_channel::<Vec<u8>>(BUFFERS);
    let (outgoing, empty) = sync_channel::<Vec<u8>>(BUFFERS);
    for _ in 1..BUFFERS {
        // The channel has room for all of them.
        let _ = outgoing.try_send(Vec::with_capacity(BUFFER));
    }
    std::thread::scope(|scope| {
        let consumer = scope.spawn(move || -> Result<T> {
            let mut state = state;
            while let Ok(buffer) = incoming.recv() {
                consume(&mut state, &buffer)?;
                // Nobody waits for it once the producer is done.
                let _ = outgoing.send(buffer);
            }
            Ok(state)
        });
        let current = Vec::with_capacity(BUFFER);
        let progress = progress.clone();
        let mut chunks = Chunks {
            current,
            full,
            empty,
            total: 0,
            hash: None,
            progress,
        };
        let produced = produce(&mut chunks).and_then(|()| chunks.flush_last());
        drop(chunks);
        let consumed = consumer.join().unwrap_or_else(|_| {
            Err(Error::io(
                "write",
                "output",
                io::Error::other("a thread failed"),
            ))
        });
        match (produced, consumed) {
            (_, Err(error)) | (Err(error), Ok(_)) => Err(error),
            (Ok(()), Ok(state)) => Ok(state),
        }
    })
}

impl Chunks {
    fn flush_last(&mut self) -> Result<()> {
        self.progress
            .send(Event::Advance(self.current.len() as u64))?;
        let last = std::mem::take(&mut self.current);
        if last.is_empty() {
            return Ok(());
        }
        self.full
            .send(last)
            .map_err(|_| Error::io("write", "output", io::ErrorKind::BrokenPipe.into()))
    }
}
