//! For unit tests: ramdisks in memory.

use crate::compress::{Compression, RamdiskSink};
use crate::error::Result;
use crate::pipeline::{Measured, Pipeline};
use crate::progress::Silent;
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::Arc;

/// The bytes of a ramdisk in the image, with the entries that `fill` writes.
pub(crate) fn ramdisk(
    compression: Compression,
    fill: impl FnOnce(&mut RamdiskSink<'_>) -> Result<()>,
) -> Result<Vec<u8>> {
    let mut file = tempfile::tempfile().unwrap();
    let target = (file.try_clone().unwrap(), PathBuf::from("ramdisk"));
    let mut pipeline = Pipeline::start(Some(target), Arc::new(Silent))?;
    pipeline.begin(Measured::Ramdisk, None)?;
    let mut sink = RamdiskSink::new(&mut pipeline, compression)?;
    fill(&mut sink)?;
    sink.finish()?;
    pipeline.end()?;
    pipeline.finish()?;
    let mut bytes = Vec::new();
    // The section's header comes first.
    file.seek(SeekFrom::Start(12)).unwrap();
    file.read_to_end(&mut bytes).unwrap();
    Ok(bytes)
}
