//! The stream filters that cross-reference and object streams, and page contents, are found with.

use super::lex::is_space;
use super::lzw::{Given, lzw, run_length};
use super::object::{Dict, Object};
use crate::budget::Budget;
use crate::error::Error;
use flate2::{Decompress, FlushDecompress, Status};

/// Why data cannot be had.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Failed {
    /// A filter is not known, or the data is broken from its start.
    Broken,
    /// It would be longer than the limit.
    TooLong,
}

/// Filters of one stream. Each can give as much as the limit allows.
const MAX_FILTERS: usize = 8;

/// Bytes that are compressed between two questions whether to stop.
const STEP: usize = 1 << 16;
/// What compressing a byte costs.
const PRESSING: usize = 16;

/// Room that is made before it is known how much a filter gives.
const ROOM: usize = 1 << 18;

/// What filters gave.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Decoded {
    pub(crate) data: Vec<u8>,
    /// Whether every filter read its data to their mark of the end. If not, readers take different
    /// data.
    pub(crate) whole: bool,
}

/// Undoes the filters named in `dict`. Data that breaks off gives what is readable before. `take` is
/// told the length of what each filter gave, and says whether there may be more.
pub(crate) fn decode(
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
            b"Crypt" => continue,
            _ => return Err(Failed::Broken),
        };
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

/// The length of encoded data that end by themselves, the mark of their end included. `None` for
/// other filters, and for data without such a mark. `take` is as for [`decode`].
pub(crate) fn measure(
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
            // Stuffing, padding, and marks without a length.
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

/// One value or an array of them.
fn list(value: Option<&Object>) -> &[Object] {
    match value {
        Some(Object::Array(items)) => items,
        Some(Object::Null) | None => &[],
        Some(one) => std::slice::from_ref(one),
    }
}

fn inflate(
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
    // No data at all are no data; data that give nothing may give something to other readers.
    if out.is_empty() && !data.is_empty() {
        return Err(Failed::Broken);
    }
    Ok(Given {
        data: out,
        whole: false,
        read: data.len(),
    })
}

fn predict(data: Vec<u8>, parameters: Option<&Dict>) -> Option<Vec<u8>> {
    let parameter = |key: &[u8], default| {
        parameters
            .and_then(|dict| dict.get(key))
            .and_then(Object::as_int)
            .map_or(Some(default), |value| usize::try_from(value).ok())
    };
    let predictor = parameter(b"Predictor", 1)?;
    if predictor < 2 || data.is_empty() {
        return Some(data);
    }
    let depth = parameter(b"BitsPerComponent", 8)?;
    let bits = parameter(b"Colors", 1)?.checked_mul(depth)?;
    let columns = parameter(b"Columns", 1)?;
    let row = bits.checked_mul(columns)?.div_ceil(8);
    let pixel = bits.div_ceil(8);
    if row == 0 || pixel == 0 || row > data.len() {
        return None;
    }
    if predictor < 10 {
        // TIFF's. Other depths than 8 bits are for images alone.
        return (predictor == 2 && depth == 8).then(|| differences(data, row, pixel));
    }
    let mut out = Vec::with_capacity(data.len());
    let mut above = vec![0_u8; row];
    for line in data.chunks(row + 1) {
        let (&kind, values) = line.split_first()?;
        let mut current = Vec::with_capacity(row);
        for (index, value) in values.iter().enumerate() {
            let left = index.checked_sub(pixel);
            let a = left.and_then(|at| current.get(at)).copied().unwrap_or(0);
            let b = above.get(index).copied().unwrap_or(0);
            let c = left.and_then(|at| above.get(at)).copied().unwrap_or(0);
            current.push(value.wrapping_add(match kind {
                1 => a,
                2 => b,
                3 => u8::midpoint(a, b),
                4 => paeth(a, b, c),
                _ => 0,
            }));
        }
        out.extend_from_slice(&current);
        above = current;
    }
    Some(out)
}

/// Undoes TIFF's predictor: each value is the difference to the one at its left.
fn differences(mut data: Vec<u8>, row: usize, pixel: usize) -> Vec<u8> {
    for line in data.chunks_mut(row) {
        for at in pixel..line.len() {
            let left = line.get(at - pixel).copied().unwrap_or(0);
            if let Some(value) = line.get_mut(at) {
                *value = value.wrapping_add(left);
            }
        }
    }
    data
}

fn paeth(a: u8, b: u8, c: u8) -> u8 {
    let (pa, pb, pc) = (i16::from(a), i16::from(b), i16::from(c));
    let p = pa + pb - pc;
    let (da, db, dc) = ((p - pa).abs(), (p - pb).abs(), (p - pc).abs());
    if da <= db && da <= dc {
        a
    } else if db <= dc {
        b
    } else {
        c
    }
}

fn hex(data: &[u8]) -> Given {
    let end = memchr::memchr(b'>', data);
    let digits = data.get(..end.unwrap_or(data.len())).unwrap_or_default();
    let clean = digits
        .iter()
        .all(|byte| byte.is_ascii_hexdigit() || is_space(*byte));
    let mut text = b"<".to_vec();
    text.extend_from_slice(digits);
    text.push(b'>');
    let data = match super::lex::Lexer::new(&text, 0).object() {
        Some(Object::String(bytes)) => bytes,
        _ => Vec::new(),
    };
    Given {
        data,
        whole: end.is_some() && clean,
        read: digits.len() + 1,
    }
}

fn base85(data: &[u8]) -> Given {
    let mut out = Vec::new();
    let mut group = Vec::with_capacity(5);
    let mut read = 0;
    let (mut clean, mut end) = (true, false);
    for byte in data {
        read += 1;
        match byte {
            b'z' if group.is_empty() => out.extend_from_slice(&[0; 4]),
            b'!'..=b'u' => group.push(byte - b'!'),
            b'~' => {
                end = true;
                break;
            }
            _ => {
                clean &= is_space(*byte);
                continue;
            }
        }
        if group.len() == 5 {
            out.extend_from_slice(&word(&group));
            group.clear();
        }
    }
    if group.len() > 1 {
        let length = group.len() - 1;
        group.resize(5, 84);
        out.extend(word(&group).into_iter().take(length));
    }
    Given {
        data: out,
        whole: end && clean,
        read,
    }
}

fn word(group: &[u8]) -> [u8; 4] {
    group
        .iter()
        .fold(0_u32, |value, digit| {
            value.wrapping_mul(85).wrapping_add(u32::from(*digit))
        })
        .to_be_bytes()
}

/// Compresses for a stream of ours whose content no document has a say in.
pub(crate) fn deflate(data: &[u8]) -> Vec<u8> {
    let mut state = flate2::Compress::new(flate2::Compression::new(6), true);
    let mut out = Vec::with_capacity(data.len() / 2 + 64);
    press(&mut state, data, flate2::FlushCompress::Finish, &mut out);
    out
}

/// As [`deflate`], within the budget.
pub(crate) fn deflate_within(data: &[u8], budget: &Budget<'_>) -> Result<Vec<u8>, Error> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn flate() -> Dict {
        Dict::default().with("Filter", Object::named("FlateDecode"))
    }

    #[test]
    fn flate_round_trip_and_limit() {
        let data = b"0123456789".repeat(1000);
        let packed = deflate(&data);
        let whole = decode(&flate(), &packed, 10_000, &mut |_| true).unwrap();
        assert!(whole.whole && whole.data == data);
        assert_eq!(
            decode(&flate(), &packed, 9_999, &mut |_| true),
            Err(Failed::TooLong)
        );
        let part = decode(
            &flate(),
            packed.get(..packed.len() - 8).unwrap(),
            10_000,
            &mut |_| true,
        )
        .unwrap();
        assert!(data.starts_with(&part.data) && !part.whole);
        assert_eq!(
            decode(&flate(), b"nonsense", 100, &mut |_| true),
            Err(Failed::Broken)
        );
    }

    #[test]
    fn pieces_are_compressed_as_one() {
        let data: Vec<u8> = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
        let budget = Budget::new(crate::Limits::default());
        let packed = deflate_within(&data, &budget).unwrap();
        let unpacked = decode(&flate(), &packed, 2_000_000, &mut |_| true).unwrap();
        assert!(unpacked.whole && unpacked.data == data);
        assert_eq!(
            deflate_within(b"small", &budget).unwrap(),
            deflate(b"small")
        );
        let budget = Budget::new(crate::Limits {
            work: 1 << 20,
            ..crate::Limits::default()
        });
        assert_eq!(deflate_within(&data, &budget), Err(Error::Budget));
    }

    #[test]
    fn bombs_stop_at_the_limit() {
        let bomb = deflate(&vec![0; 50_000_000]);
        assert_eq!(
            decode(&flate(), &bomb, 1_000_000, &mut |_| true),
            Err(Failed::TooLong)
        );
    }

    fn text(dict: &Dict, data: &[u8]) -> (Vec<u8>, bool) {
        let decoded = decode(dict, data, 100, &mut |_| true).unwrap();
        (decoded.data, decoded.whole)
    }

    #[test]
    fn data_that_end_by_themselves_are_measured() {
        let packed = deflate(b"some data");
        let jpeg = b"\xff\xd8\xff\xe0\0\x04EI\xff\xda\0\x02 EI \xff\0 EI \xff\xd9";
        for (filter, data) in [
            (&b"Fl"[..], packed.as_slice()),
            (b"RL", b"\x02EI \x80"),
            (b"AHx", b"00>"),
            (b"A85", b"zz~>"),
            (b"DCT", jpeg),
        ] {
            let all = [data, b" EI Q"].concat();
            let length = measure(filter, None, &all, 1000, &mut |_| true);
            assert_eq!(length, Some(data.len()));
            let cut = data.get(..data.len() - 1).unwrap();
            assert_eq!(measure(filter, None, cut, 1000, &mut |_| true), None);
        }
    }

    #[test]
    fn text_filters() {
        let dict = Dict::default().with("Filter", Object::named("ASCII85Decode"));
        assert_eq!(
            text(&dict, b"87cUR D]i,\"Ebo80~>"),
            (b"Hello World!".to_vec(), true)
        );
        assert_eq!(text(&dict, b"z!!~>"), (vec![0; 5], true));
        assert_eq!(text(&dict, b"z!!"), (vec![0; 5], false));
        let dict = Dict::default().with(
            "Filter",
            Object::Array(vec![Object::named("AHx"), Object::named("A85")]),
        );
        assert_eq!(text(&dict, b"38 37 63 55 52 7e>"), (b"Hell".to_vec(), true));
    }

    #[test]
    fn png_predictors() {
        let parameters = Dict::default()
            .with("Predictor", Object::Int(12))
            .with("Columns", Object::Int(3));
        let rows = [2, 1, 2, 3, 2, 1, 1, 1, 1, 5, 1, 1, 4, 1, 0, 0];
        let out = predict(rows.to_vec(), Some(&parameters)).unwrap();
        assert_eq!(out, [1, 2, 3, 2, 3, 4, 5, 6, 7, 6, 6, 7]);
    }
}
