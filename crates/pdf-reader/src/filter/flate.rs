//! Deflate, both ways.

use super::Failed;
use crate::budget::Budget;
use crate::error::Error;
use crate::lzw::Given;
use flate2::{Decompress, FlushDecompress, Status};

/// Bytes compressed between two charges to the budget.
const STEP: usize = 1 << 16;
/// Work for each compressed byte.
const PRESSING: usize = 16;

/// Initial capacity for output of unknown length.
const ROOM: usize = 1 << 18;

/// FlateDecode (ISO 32000-1, 7.4.4). Truncated data yield the readable part.
pub(super) fn inflate(
    data: &[u8],
    limit: usize,
    take: &mut dyn FnMut(usize) -> bool,
) -> Result<Given, Failed> {
    let mut out = Vec::with_capacity(data.len().saturating_mul(4).min(limit).clamp(512, ROOM));
    let mut state = Decompress::new(true);
    loop {
        let read = usize::try_from(state.total_in()).unwrap_or(usize::MAX);
        let before = out.len();
        let result = state.decompress_vec(
            data.get(read..).unwrap_or_default(),
            &mut out,
            FlushDecompress::None,
        );
        if out.len() > limit {
            take(limit);
            return Err(Failed::TooLong);
        }
        match result {
            Ok(Status::StreamEnd) => {
                let read = usize::try_from(state.total_in()).unwrap_or(usize::MAX);
                return Ok(Given {
                    data: out,
                    whole: true,
                    read,
                });
            }
            Ok(_) if out.len() < out.capacity() && out.len() == before => break,
            Ok(_) => {}
            Err(_) => break,
        }
        if out.len() == out.capacity() {
            out.reserve(out.len().max(4096));
        }
    }
    // Empty input decodes to nothing. If other input yields nothing, another reader may still
    // decode a part of it.
    if out.is_empty() && !data.is_empty() {
        return Err(Failed::Broken);
    }
    Ok(Given {
        data: out,
        whole: false,
        read: data.len(),
    })
}

/// Compresses content of ours that does not depend on a document.
pub fn deflate(data: &[u8]) -> Vec<u8> {
    let mut state = flate2::Compress::new(flate2::Compression::new(6), true);
    let mut out = Vec::with_capacity(data.len() / 2 + 64);
    press(&mut state, data, flate2::FlushCompress::Finish, &mut out);
    out
}

/// As [`deflate`], within the budget.
pub fn deflate_within(data: &[u8], budget: &Budget<'_>) -> Result<Vec<u8>, Error> {
    let mut state = flate2::Compress::new(flate2::Compression::new(6), true);
    let mut out = Vec::with_capacity(data.len() / 2 + 64);
    let mut rest = data;
    while rest.len() > STEP {
        let (part, after) = rest.split_at(STEP);
        budget.spend(PRESSING * part.len())?;
        press(&mut state, part, flate2::FlushCompress::None, &mut out);
        rest = after;
    }
    budget.spend(PRESSING * rest.len())?;
    press(&mut state, rest, flate2::FlushCompress::Finish, &mut out);
    Ok(out)
}

fn press(
    state: &mut flate2::Compress,
    data: &[u8],
    flush: flate2::FlushCompress,
    out: &mut Vec<u8>,
) {
    let start = state.total_in();
    loop {
        let read = usize::try_from(state.total_in() - start).unwrap_or(usize::MAX);
        let rest = data.get(read..).unwrap_or_default();
        if rest.is_empty() && flush == flate2::FlushCompress::None {
            return;
        }
        match state.compress_vec(rest, out, flush) {
            Ok(Status::Ok | Status::BufError) => out.reserve(out.len().max(256)),
            // Compression into memory has no other errors.
            Ok(Status::StreamEnd) | Err(_) => return,
        }
    }
}
