//! Stream filters for cross-reference streams, object streams and page content.

mod ascii;
mod flate;
mod predictor;

use crate::lzw::{lzw, run_length};
use crate::object::{Dict, Object};
use ascii::{base85, hex};
use flate::inflate;
use predictor::predict;

pub use flate::{deflate, deflate_within};

/// Why data cannot be decoded.
#[derive(Debug, PartialEq, Eq)]
pub enum Failed {
    /// A filter is unknown, or its data are broken from the start.
    Broken,
    /// The decoded data exceed the limit.
    TooLong,
}

/// The most filters of one stream. The output of each may reach the limit.
const MAX_FILTERS: usize = 8;

/// The output of a chain of filters.
#[derive(Debug, PartialEq, Eq)]
pub struct Decoded {
    /// The decoded bytes.
    pub data: Vec<u8>,
    /// Whether every filter reached its end-of-data marker. Otherwise readers may decode different
    /// data.
    pub whole: bool,
}

/// Applies the filters named in `dict`. Truncated data yield the readable part. `take` gets the
/// length of each filter's output and returns whether the budget sufficed.
pub fn decode(
    dict: &Dict,
    data: &[u8],
    limit: usize,
    take: &mut dyn FnMut(usize) -> bool,
) -> Result<Decoded, Failed> {
    let (filters, parameters) = (list(dict.get(b"Filter")), list(dict.get(b"DecodeParms")));
    if filters.len() > MAX_FILTERS {
        return Err(Failed::Broken);
    }
    let mut data = std::borrow::Cow::Borrowed(data);
    let mut whole = true;
    for (index, filter) in filters.iter().enumerate() {
        let parameters = parameters.get(index).and_then(Object::dict);
        let given = match filter.name().ok_or(Failed::Broken)? {
            b"FlateDecode" | b"Fl" => {
                let mut given = inflate(&data, limit, take)?;
                given.data = predict(given.data, parameters).ok_or(Failed::Broken)?;
                given
            }
            b"LZWDecode" | b"LZW" => {
                let mut given = lzw(&data, early(parameters), limit);
                given.data = predict(given.data, parameters).ok_or(Failed::Broken)?;
                given
            }
            b"RunLengthDecode" | b"RL" => run_length(&data, limit),
            b"ASCIIHexDecode" | b"AHx" => hex(&data),
            b"ASCII85Decode" | b"A85" => base85(&data),
            // The crypt filter is applied by decryption, before the other filters.
            b"Crypt" => continue,
            _ => return Err(Failed::Broken),
        };
        // Checked after each filter: a short chain of filters can expand a few bytes to gigabytes.
        if !take(given.data.len()) || given.data.len() > limit {
            return Err(Failed::TooLong);
        }
        whole &= given.whole;
        data = std::borrow::Cow::Owned(given.data);
    }
    if data.len() > limit {
        return Err(Failed::TooLong);
    }
    Ok(Decoded {
        data: data.into_owned(),
        whole,
    })
}

/// The length of encoded data with an end-of-data marker, marker included. `None` for other
/// filters, and without a marker. `take` is as for [`decode`].
pub fn measure(
    filter: &[u8],
    parameters: Option<&Dict>,
    data: &[u8],
    limit: usize,
    take: &mut dyn FnMut(usize) -> bool,
) -> Option<usize> {
    let given = match filter {
        b"FlateDecode" | b"Fl" => inflate(data, limit, take).ok()?,
        b"LZWDecode" | b"LZW" => lzw(data, early(parameters), limit),
        b"RunLengthDecode" | b"RL" => run_length(data, limit),
        b"ASCIIHexDecode" | b"AHx" => return Some(memchr::memchr(b'>', data)? + 1),
        b"ASCII85Decode" | b"A85" => return Some(memchr::memmem::find(data, b"~>")? + 2),
        b"DCTDecode" | b"DCT" => return jpeg(data),
        _ => return None,
    };
    let cost = given.data.len().saturating_add(given.read);
    (take(cost) && given.whole).then_some(given.read)
}

fn early(parameters: Option<&Dict>) -> bool {
    parameters.and_then(|dict| dict.get(b"EarlyChange")) != Some(&Object::Int(0))
}

/// The length of a JPEG: segments up to the end of the image (ITU-T T.81, Annex B).
fn jpeg(data: &[u8]) -> Option<usize> {
    let mut at = 2;
    data.starts_with(&[0xff, 0xd8]).then_some(())?;
    loop {
        at += memchr::memchr(0xff, data.get(at..)?)? + 1;
        match data.get(at)? {
            // Stuffing, padding, and markers without a length.
            0xff => {}
            0 | 1 | 0xd0..=0xd8 => at += 1,
            0xd9 => return Some(at + 1),
            _ => {
                let length = data.get(at + 1..at + 3)?.first_chunk::<2>()?;
                at += 1 + usize::from(u16::from_be_bytes(*length)).max(2);
            }
        }
    }
}

/// The elements of an array, or a single value.
fn list(value: Option<&Object>) -> &[Object] {
    match value {
        Some(Object::Array(items)) => items,
        Some(Object::Null) | None => &[],
        Some(one) => std::slice::from_ref(one),
    }
}

#[cfg(test)]
mod tests;
