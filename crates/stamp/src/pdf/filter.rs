//! The stream filters that cross-reference and object streams, and page contents, are found with.

use super::object::{Dict, Object};
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

/// Undoes the filters named in `dict`. Data that breaks off gives what is readable before. `take` is
/// told the length of what each filter gave, and says whether there may be more.
pub(crate) fn decode(
    dict: &Dict,
    data: &[u8],
    limit: usize,
    take: &mut dyn FnMut(usize) -> bool,
) -> Result<Vec<u8>, Failed> {
    let (filters, parameters) = (list(dict.get(b"Filter")), list(dict.get(b"DecodeParms")));
    if filters.len() > MAX_FILTERS {
        return Err(Failed::Broken);
    }
    let mut data = std::borrow::Cow::Borrowed(data);
    for (index, filter) in filters.iter().enumerate() {
        let parameters = parameters.get(index).and_then(Object::dict);
        let decoded = match filter.name().ok_or(Failed::Broken)? {
            b"FlateDecode" | b"Fl" => {
                predict(inflate(&data, limit, take)?, parameters).ok_or(Failed::Broken)?
            }
            b"ASCIIHexDecode" | b"AHx" => hex(&data),
            b"ASCII85Decode" | b"A85" => base85(&data),
            b"Crypt" => continue,
            _ => return Err(Failed::Broken),
        };
        if !take(decoded.len()) {
            return Err(Failed::TooLong);
        }
        data = std::borrow::Cow::Owned(decoded);
    }
    if data.len() > limit {
        return Err(Failed::TooLong);
    }
    Ok(data.into_owned())
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
) -> Result<Vec<u8>, Failed> {
    let mut out = Vec::with_capacity(data.len().saturating_mul(4).min(limit).max(512));
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
            Ok(Status::StreamEnd) => return Ok(out),
            Ok(_) if out.len() < out.capacity() && out.len() == before => break,
            Ok(_) => {}
            Err(_) => break,
        }
        if out.len() == out.capacity() {
            out.reserve(out.len().max(4096));
        }
    }
    if out.is_empty() {
        return Err(Failed::Broken);
    }
    Ok(out)
}

fn predict(data: Vec<u8>, parameters: Option<&Dict>) -> Option<Vec<u8>> {
    let parameter = |key: &[u8], default| {
        parameters
            .and_then(|dict| dict.get(key))
            .and_then(Object::as_int)
            .map_or(Some(default), |value| usize::try_from(value).ok())
    };
    let predictor = parameter(b"Predictor", 1)?;
    if predictor < 10 {
        // 2 is TIFF's, which no writer uses for tables.
        return (predictor != 2).then_some(data);
    }
    let bits = parameter(b"Colors", 1)?.checked_mul(parameter(b"BitsPerComponent", 8)?)?;
    let columns = parameter(b"Columns", 1)?;
    let row = bits.checked_mul(columns)?.div_ceil(8);
    let pixel = bits.div_ceil(8);
    if row == 0 || pixel == 0 || row > data.len() {
        return None;
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

fn hex(data: &[u8]) -> Vec<u8> {
    let mut text = b"<".to_vec();
    text.extend_from_slice(data);
    match super::lex::Lexer::new(&text, 0).object() {
        Some(Object::String(bytes)) => bytes,
        _ => Vec::new(),
    }
}

fn base85(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut group = Vec::with_capacity(5);
    for byte in data {
        match byte {
            b'z' if group.is_empty() => out.extend_from_slice(&[0; 4]),
            b'!'..=b'u' => group.push(byte - b'!'),
            b'~' => break,
            _ => continue,
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
    out
}

fn word(group: &[u8]) -> [u8; 4] {
    group
        .iter()
        .fold(0_u32, |value, digit| {
            value.wrapping_mul(85).wrapping_add(u32::from(*digit))
        })
        .to_be_bytes()
}

/// Compresses for a stream of ours.
pub(crate) fn deflate(data: &[u8]) -> Vec<u8> {
    let mut state = flate2::Compress::new(flate2::Compression::new(6), true);
    let mut out = Vec::with_capacity(data.len() / 2 + 64);
    loop {
        let read = usize::try_from(state.total_in()).unwrap_or(usize::MAX);
        let rest = data.get(read..).unwrap_or_default();
        match state.compress_vec(rest, &mut out, flate2::FlushCompress::Finish) {
            Ok(Status::Ok | Status::BufError) => out.reserve(out.len().max(256)),
            // Compression into memory has no other errors.
            Ok(Status::StreamEnd) | Err(_) => return out,
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
        assert_eq!(
            decode(&flate(), &packed, 10_000, &mut |_| true),
            Ok(data.clone())
        );
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
        assert!(data.starts_with(&part));
        assert_eq!(
            decode(&flate(), b"nonsense", 100, &mut |_| true),
            Err(Failed::Broken)
        );
    }

    #[test]
    fn bombs_stop_at_the_limit() {
        let bomb = deflate(&vec![0; 50_000_000]);
        assert_eq!(
            decode(&flate(), &bomb, 1_000_000, &mut |_| true),
            Err(Failed::TooLong)
        );
    }

    #[test]
    fn text_filters() {
        let dict = Dict::default().with("Filter", Object::named("ASCII85Decode"));
        assert_eq!(
            decode(&dict, b"87cUR D]i,\"Ebo80~>", 100, &mut |_| true),
            Ok(b"Hello World!".to_vec())
        );
        assert_eq!(decode(&dict, b"z!!~>", 100, &mut |_| true), Ok(vec![0; 5]));
        let dict = Dict::default().with(
            "Filter",
            Object::Array(vec![Object::named("AHx"), Object::named("A85")]),
        );
        assert_eq!(
            decode(&dict, b"38 37 63 55 52 >", 100, &mut |_| true),
            Ok(b"Hell".to_vec())
        );
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
