//! One pass over the bytes of an image: hashed twice, checksummed and written in parallel.
//!
//! The thread that reads fills buffers from a fixed ring. A full buffer is shared, not copied, by
//! up to three threads: one hashes PCR0 (and PCR1, which is the same stream stopped after the first
//! ramdisk), one hashes PCR2, one computes the CRC and writes. When the last of them drops it, the
//! buffer returns to the ring; so memory is bounded by the ring whatever the size of the image, and
//! the slowest thread sets the pace.

mod workers;

use crate::error::{Error, Result};
use crate::format::SectionKind;
use crate::pcr::Pcrs;
use crate::progress::Progress;
use letsesign_pcr::Pcr;
use sha2::{Digest, Sha384};
use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use workers::{Block, Message, Output, Worker, hash_all, hash_boot_and_all, write_out};

/// Bytes of one buffer. Measured: from 128 KiB to 1 MiB the speed is the same within noise; at 64
/// KiB it drops.
pub(crate) const BUFFER_SIZE: usize = 256 << 10;
/// Bytes of the smallest buffer.
const SMALLEST_BUFFER: usize = 4096;
/// Buffers in the ring: 8 MiB, deep enough that a slow `write` does not stall the hashes.
const BUFFERS: usize = 32;

/// Which registers a section counts for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Measured {
    /// Metadata and signature.
    No,
    /// Kernel, cmdline: PCR0 and PCR1.
    Boot,
    /// First ramdisk: PCR0 and PCR1, and PCR1 ends with it.
    FirstRamdisk,
    /// Later ramdisks: PCR0 and PCR2.
    Ramdisk,
}

impl Measured {
    /// For the next section of this kind; `ramdisks` counts those so far.
    pub(crate) fn of(kind: SectionKind, ramdisks: &mut usize) -> Self {
        match kind {
            SectionKind::Kernel | SectionKind::Cmdline => Measured::Boot,
            SectionKind::Metadata | SectionKind::Signature => Measured::No,
            SectionKind::Ramdisk => {
                *ramdisks += 1;
                if *ramdisks == 1 {
                    Measured::FirstRamdisk
                } else {
                    Measured::Ramdisk
                }
            }
        }
    }
}

/// Result of a whole pass.
pub(crate) struct Passed {
    /// The output file, positioned at its end, with room left for the headers; `None` when nothing
    /// is written.
    pub(crate) file: Option<File>,
    /// Per section, in order: the CRC over its contents and its size.
    pub(crate) sections: Vec<(crc32fast::Hasher, u64)>,
}

/// The pass itself. It is moved into a compressor's thread and back, hence owns all it needs.
pub(crate) struct Pipeline {
    ring: Receiver<Vec<u8>>,
    home: Sender<Vec<u8>>,
    current: Vec<u8>,
    filled: usize,
    measured: Measured,
    /// Size of the buffers for this section.
    wanted: usize,
    sizes: Vec<u64>,
    pcr0: Option<Worker<(Sha384, Option<Sha384>)>>,
    pcr2: Option<Worker<Sha384>>,
    output: Worker<Result<Output>>,
    progress: Arc<dyn Progress>,
}

impl Pipeline {
    /// Starts the threads. `output` is the file that sections go to, with its path for messages.
    pub(crate) fn start(
        output: Option<(File, PathBuf)>,
        progress: Arc<dyn Progress>,
    ) -> Result<Self> {
        let (home, ring) = channel();
        for _ in 0..BUFFERS {
            // A ring that was just made accepts its buffers.
            let _ = home.send(Vec::new());
        }
        Ok(Pipeline {
            ring,
            home,
            current: Vec::new(),
            filled: 0,
            measured: Measured::No,
            wanted: BUFFER_SIZE,
            sizes: Vec::new(),
            pcr0: Some(Worker::spawn("PCR0", hash_boot_and_all)?),
            pcr2: Some(Worker::spawn("PCR2", hash_all)?),
            output: Worker::spawn("output", move |queue| write_out(queue, output))?,
            progress,
        })
    }

    /// Starts the next section. A small section whose `size` is known beforehand takes small
    /// buffers.
    pub(crate) fn begin(&mut self, measured: Measured, size: Option<u64>) -> Result<()> {
        self.measured = measured;
        let size = size
            .and_then(|size| usize::try_from(size).ok())
            .unwrap_or(BUFFER_SIZE);
        self.wanted = size.clamp(SMALLEST_BUFFER, BUFFER_SIZE);
        self.sizes.push(0);
        self.output.send(Message::Mark)
    }

    /// Ends the section; returns the size of its contents.
    pub(crate) fn end(&mut self) -> Result<u64> {
        self.flush()?;
        if self.measured == Measured::FirstRamdisk
            && let Some(pcr0) = &self.pcr0
        {
            pcr0.send(Message::Mark)?;
        }
        self.measured = Measured::No;
        Ok(self.section_size())
    }

    /// Bytes of the current section so far.
    pub(crate) fn section_size(&self) -> u64 {
        self.sizes.last().copied().unwrap_or_default()
    }

    /// Appends bytes to the section.
    pub(crate) fn write(&mut self, mut bytes: &[u8]) -> Result<()> {
        while !bytes.is_empty() {
            let room = self.room()?;
            let count = room.len().min(bytes.len());
            let (now, later) = bytes.split_at(count);
            if let Some(target) = room.get_mut(..count) {
                target.copy_from_slice(now);
            }
            self.advance(count)?;
            bytes = later;
        }
        Ok(())
    }

    /// Appends what `source` yields, up to `limit` bytes, reading straight into the ring. Returns
    /// how much came.
    pub(crate) fn copy_from<R: Read + ?Sized>(
        &mut self,
        source: &mut R,
        limit: u64,
        what: &dyn Fn() -> String,
    ) -> Result<u64> {
        let mut copied = 0;
        while copied < limit {
            let room = self.room()?;
            let want =
                usize::try_from(limit - copied).map_or(room.len(), |left| room.len().min(left));
            let Some(target) = room.get_mut(..want) else {
                break;
            };
            match source.read(target) {
                Ok(0) => break,
                Ok(count) => {
                    copied += count as u64;
                    self.advance(count)?;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Error::read(what())(error)),
            }
        }
        Ok(copied)
    }

    /// Ends the hashes and returns PCR0 to PCR2; later sections are written but can no longer be
    /// measured.
    pub(crate) fn finish_pcrs(&mut self) -> Result<Pcrs> {
        let (Some(pcr0), Some(pcr2)) = (self.pcr0.take(), self.pcr2.take()) else {
            return Err(Error::Thread("PCR0"));
        };
        let (all, boot) = pcr0.join()?;
        let boot = boot.unwrap_or_else(|| all.clone());
        let extend = |hash: Sha384| Pcr::extend_from_zero(&hash.finalize());
        Ok(Pcrs {
            pcr0: extend(all),
            pcr1: extend(boot),
            pcr2: extend(pcr2.join()?),
            pcr8: None,
        })
    }

    /// Waits until everything is written.
    pub(crate) fn finish(mut self) -> Result<Passed> {
        self.flush()?;
        let output = self.output.join()??;
        Ok(Passed {
            file: output.file,
            sections: output.checksums.into_iter().zip(self.sizes).collect(),
        })
    }

    /// After `error` stopped the reading side: the error to report, which is the output's own when
    /// it failed first.
    pub(crate) fn cause_of(self, error: Error) -> Error {
        match (error, self.output.join()) {
            (Error::Thread(_), Ok(Err(cause))) => cause,
            (error, _) => error,
        }
    }

    fn room(&mut self) -> Result<&mut [u8]> {
        if self.current.is_empty() {
            self.current = self.ring.recv().map_err(|_| Error::Thread("output"))?;
            // Buffers are made on first use: a small image does not pay for the whole ring.
            if self.current.len() < self.wanted {
                self.current.resize(self.wanted, 0);
            }
        }
        Ok(self.current.get_mut(self.filled..).unwrap_or_default())
    }

    fn advance(&mut self, count: usize) -> Result<()> {
        self.filled += count;
        if let Some(size) = self.sizes.last_mut() {
            *size += count as u64;
        }
        if self.filled == self.current.len() {
            self.flush()
        } else {
            Ok(())
        }
    }

    fn flush(&mut self) -> Result<()> {
        if self.filled == 0 {
            return Ok(());
        }
        let filled = std::mem::take(&mut self.filled);
        let block = Arc::new(Block {
            buffer: std::mem::take(&mut self.current),
            filled,
            home: self.home.clone(),
        });
        if self.measured != Measured::No
            && let Some(pcr0) = &self.pcr0
        {
            pcr0.send(Message::Data(Arc::clone(&block)))?;
        }
        if self.measured == Measured::Ramdisk
            && let Some(pcr2) = &self.pcr2
        {
            pcr2.send(Message::Data(Arc::clone(&block)))?;
        }
        self.output.send(Message::Data(block))?;
        self.progress.advance(filled as u64);
        Ok(())
    }
}
