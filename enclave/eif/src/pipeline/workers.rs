//! The threads behind the pipeline: two that hash, one that computes checksums and writes.

use super::BUFFERS;
use crate::error::{Error, Result};
use crate::format::SECTION_HEADER_SIZE;
use sha2::{Digest, Sha384};
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender, sync_channel};
use std::thread::JoinHandle;

pub(super) struct Block {
    pub(super) buffer: Vec<u8>,
    pub(super) filled: usize,
    pub(super) home: Sender<Vec<u8>>,
}

impl Block {
    pub(super) fn bytes(&self) -> &[u8] {
        self.buffer.get(..self.filled).unwrap_or_default()
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        // Fails only after the ring was dropped, when the buffer is not needed any more.
        let _ = self.home.send(std::mem::take(&mut self.buffer));
    }
}

pub(super) enum Message {
    Data(Arc<Block>),
    /// To the PCR0 thread: PCR1 ends here. To the output thread: a new section starts here.
    Mark,
}

pub(super) struct Worker<T> {
    queue: SyncSender<Message>,
    thread: JoinHandle<T>,
    name: &'static str,
}

impl<T> Worker<T> {
    pub(super) fn spawn(
        name: &'static str,
        work: impl FnOnce(Receiver<Message>) -> T + Send + 'static,
    ) -> Result<Self>
    where
        T: Send + 'static,
    {
        let (queue, receiver) = sync_channel(BUFFERS + 4);
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || work(receiver))
            .map_err(|cause| Error::Read {
                what: format!("(starting the {name} thread)"),
                cause,
            })?;
        Ok(Worker {
            queue,
            thread,
            name,
        })
    }

    pub(super) fn send(&self, message: Message) -> Result<()> {
        self.queue
            .send(message)
            .map_err(|_| Error::Thread(self.name))
    }

    pub(super) fn join(self) -> Result<T> {
        drop(self.queue);
        self.thread.join().map_err(|_| Error::Thread(self.name))
    }
}

/// The output thread's result.
pub(super) struct Output {
    pub(super) file: Option<File>,
    /// One CRC per section, over its contents.
    pub(super) checksums: Vec<crc32fast::Hasher>,
}

pub(super) fn hash_boot_and_all(queue: Receiver<Message>) -> (Sha384, Option<Sha384>) {
    let (mut all, mut boot) = (Sha384::new(), None);
    for message in queue {
        match message {
            Message::Data(block) => all.update(block.bytes()),
            Message::Mark => boot = Some(all.clone()),
        }
    }
    (all, boot)
}

pub(super) fn hash_all(queue: Receiver<Message>) -> Sha384 {
    let mut hash = Sha384::new();
    for message in queue {
        if let Message::Data(block) = message {
            hash.update(block.bytes());
        }
    }
    hash
}

pub(super) fn write_out(
    queue: Receiver<Message>,
    output: Option<(File, PathBuf)>,
) -> Result<Output> {
    let (mut file, path) = output.map_or((None, PathBuf::new()), |(file, path)| (Some(file), path));
    let mut checksums: Vec<crc32fast::Hasher> = Vec::new();
    for message in queue {
        match message {
            Message::Mark => {
                checksums.push(crc32fast::Hasher::new());
                if let Some(file) = &mut file {
                    // Room for the section's header; its size is known only at the end.
                    let header = i64::try_from(SECTION_HEADER_SIZE).unwrap_or_default();
                    file.seek(SeekFrom::Current(header))
                        .map_err(Error::io("write", path.clone()))?;
                }
            }
            Message::Data(block) => {
                if let Some(checksum) = checksums.last_mut() {
                    checksum.update(block.bytes());
                }
                if let Some(file) = &mut file {
                    file.write_all(block.bytes())
                        .map_err(Error::io("write", path.clone()))?;
                }
            }
        }
    }
    Ok(Output { file, checksums })
}
