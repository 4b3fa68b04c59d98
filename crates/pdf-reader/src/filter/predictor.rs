//! Predictors of FlateDecode and LZWDecode.

use crate::object::{Dict, Object};

/// Undoes the predictor of the parameters (ISO 32000-1, 7.4.4.4); `None` for parameters that
/// cannot be.
pub(super) fn predict(data: Vec<u8>, parameters: Option<&Dict>) -> Option<Vec<u8>> {
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
        // TIFF's predictor. Bit depths other than 8 occur in images only.
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

/// Undoes TIFF's predictor: each value is the difference from its left neighbour.
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
