//! Formats made of blocks that are compressed on their own: several threads work, the output keeps
//! the order.

use crate::error::{Error, Result};
use crate::pipeline::Pipeline;
use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex};

/// A format of independent blocks.
pub(super) trait BlockFormat: Send + Sync + 'static {
    /// Plain bytes in every block but the last.
    const BLOCK_SIZE: usize;
    /// Most blocks being worked on at a time; together with the block size this bounds memory.
    const MOST_WORKERS: usize;
    /// Zero bytes that mark the end where the format has no end mark of its own.
    const ENDING: usize;

    /// Bytes in front of the first block.
    fn head(&self) -> Vec<u8>;
    /// One block. `last` is true for exactly one block, which may be empty.
    fn encode(&self, plain: &[u8], last: bool) -> Vec<u8>;
    /// Bytes after the last block, from the CRC-32 and the length of all plain bytes.
    fn tail(&self, crc32: u32, length: u64) -> Vec<u8>;
}

struct Job {
    plain: Vec<u8>,
    last: bool,
    reply: SyncSender<Encoded>,
}

struct Encoded {
    bytes: Vec<u8>,
    checksum: crc32fast::Hasher,
    /// The input buffer, to be used again.
    plain: Vec<u8>,
}

/// Splits what is written into blocks, lets threads compress them and writes the results in order.
pub(super) struct BlockEncoder {
    plain: Vec<u8>,
    block_size: usize,
    ending: usize,
    jobs: Sender<Job>,
    waiting: VecDeque<Receiver<Encoded>>,
    spare: Vec<Vec<u8>>,
    most_waiting: usize,
    checksum: crc32fast::Hasher,
    length: u64,
    tail: Box<dyn Fn(u32, u64) -> Vec<u8> + Send>,
}

impl BlockEncoder {
    /// Starts the threads, which end when the encoder is dropped, and writes the head.
    pub(super) fn new<F: BlockFormat>(format: F, pipeline: &mut Pipeline) -> Result<Self> {
        let format = Arc::new(format);
        let workers = std::thread::available_parallelism()
            .map_or(1, usize::from)
            .min(F::MOST_WORKERS);
        let (jobs, queue) = channel();
        let queue = Arc::new(Mutex::new(queue));
        for _ in 0..workers {
            let (format, queue) = (Arc::clone(&format), Arc::clone(&queue));
            std::thread::Builder::new()
                .name("compress".to_owned())
                .spawn(move || work(&*format, &queue))
                .map_err(|cause| Error::Read {
                    what: "(starting a compression thread)".to_owned(),
                    cause,
                })?;
        }
        pipeline.write(&format.head())?;
        Ok(BlockEncoder {
            plain: Vec::new(),
            block_size: F::BLOCK_SIZE,
            ending: F::ENDING,
            jobs,
            waiting: VecDeque::new(),
            spare: Vec::new(),
            most_waiting: workers,
            checksum: crc32fast::Hasher::new(),
            length: 0,
            tail: Box::new(move |crc32, length| format.tail(crc32, length)),
        })
    }

    pub(super) fn write(&mut self, mut bytes: &[u8], pipeline: &mut Pipeline) -> Result<()> {
        while !bytes.is_empty() {
            let count = bytes.len().min(self.block_size - self.plain.len());
            let (now, later) = bytes.split_at(count);
            self.plain.extend_from_slice(now);
            bytes = later;
            if self.plain.len() == self.block_size {
                self.submit(false, pipeline)?;
            }
        }
        Ok(())
    }

    /// Returns how many zero bytes must follow at least.
    pub(super) fn finish(mut self, pipeline: &mut Pipeline) -> Result<usize> {
        self.submit(true, pipeline)?;
        while !self.waiting.is_empty() {
            self.collect(pipeline)?;
        }
        pipeline.write(&(self.tail)(self.checksum.finalize(), self.length))?;
        Ok(self.ending)
    }

    fn submit(&mut self, last: bool, pipeline: &mut Pipeline) -> Result<()> {
        if self.waiting.len() >= self.most_waiting {
            self.collect(pipeline)?;
        }
        let (reply, receiver) = sync_channel(1);
        let next = self.spare.pop().unwrap_or_default();
        let plain = std::mem::replace(&mut self.plain, next);
        self.length += plain.len() as u64;
        self.jobs
            .send(Job { plain, last, reply })
            .map_err(|_| Error::Thread("compression"))?;
        self.waiting.push_back(receiver);
        Ok(())
    }

    fn collect(&mut self, pipeline: &mut Pipeline) -> Result<()> {
        let Some(receiver) = self.waiting.pop_front() else {
            return Ok(());
        };
        let mut encoded = receiver.recv().map_err(|_| Error::Thread("compression"))?;
        self.checksum.combine(&encoded.checksum);
        encoded.plain.clear();
        self.spare.push(encoded.plain);
        pipeline.write(&encoded.bytes)
    }
}

fn work<F: BlockFormat>(format: &F, queue: &Mutex<Receiver<Job>>) {
    loop {
        // The lock is held only while waiting for a job; whoever gets one lets the next thread
        // wait.
        let job = match queue.lock() {
            Ok(queue) => queue.recv(),
            Err(_) => return,
        };
        let Ok(Job { plain, last, reply }) = job else {
            return;
        };
        let mut checksum = crc32fast::Hasher::new();
        checksum.update(&plain);
        let bytes = format.encode(&plain, last);
        // Sending fails only when the build has failed elsewhere.
        let _ = reply.send(Encoded {
            bytes,
            checksum,
            plain,
        });
    }
}
