//! zstd (RFC 8878): one frame. ruzstd pulls its input and cannot report errors of its source and
//! drain, so it runs in a thread of its own between two queues, which never fail.

use crate::error::{Error, Result};
use crate::pipeline::{BUFFER_SIZE, Pipeline};
use ruzstd::encoding::{CompressionLevel, compress};
use std::io::{self, Read, Write};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;

pub(super) struct StreamEncoder {
    plain: Vec<u8>,
    input: SyncSender<Vec<u8>>,
    /// Not bounded by itself, but drained after each buffer that is put in.
    output: Receiver<Vec<u8>>,
    thread: JoinHandle<()>,
}

impl StreamEncoder {
    pub(super) fn new() -> Result<Self> {
        let (input, source) = sync_channel(4);
        let (drain, output) = channel();
        let thread = std::thread::Builder::new()
            .name("compress".to_owned())
            .spawn(move || {
                let source = Source {
                    queue: source,
                    current: io::Cursor::default(),
                };
                compress(source, Drain(drain), CompressionLevel::Fastest);
            })
            .map_err(|cause| Error::Read {
                what: "(starting the compression thread)".to_owned(),
                cause,
            })?;
        Ok(StreamEncoder {
            plain: Vec::new(),
            input,
            output,
            thread,
        })
    }

    pub(super) fn write(&mut self, mut bytes: &[u8], pipeline: &mut Pipeline) -> Result<()> {
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(BUFFER_SIZE - self.plain.len()));
            self.plain.extend_from_slice(now);
            bytes = later;
            if self.plain.len() == BUFFER_SIZE {
                self.push(pipeline)?;
            }
        }
        Ok(())
    }

    pub(super) fn finish(mut self, pipeline: &mut Pipeline) -> Result<()> {
        if !self.plain.is_empty() {
            self.push(pipeline)?;
        }
        drop(self.input);
        for bytes in self.output {
            pipeline.write(&bytes)?;
        }
        self.thread.join().map_err(|_| Error::Thread("compression"))
    }

    fn push(&mut self, pipeline: &mut Pipeline) -> Result<()> {
        let next = Vec::with_capacity(BUFFER_SIZE);
        self.input
            .send(std::mem::replace(&mut self.plain, next))
            .map_err(|_| Error::Thread("compression"))?;
        for bytes in self.output.try_iter() {
            pipeline.write(&bytes)?;
        }
        Ok(())
    }
}

struct Source {
    queue: Receiver<Vec<u8>>,
    current: io::Cursor<Vec<u8>>,
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let count = self.current.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            match self.queue.recv() {
                Ok(next) => self.current = io::Cursor::new(next),
                Err(_) => return Ok(0),
            }
        }
    }
}

struct Drain(Sender<Vec<u8>>);

impl Write for Drain {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Sending fails only when the build has failed elsewhere.
        let _ = self.0.send(bytes.to_vec());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
