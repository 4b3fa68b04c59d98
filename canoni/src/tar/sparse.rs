//! Sparse files: GNU's old format (type S) and its three PAX formats (0.0, 0.1, 1.0; GNU tar
//! manual, "Storing Sparse Files").

use super::header::number;
use super::pax::decimal;
use super::problem::Problem;
use crate::blob::Blob;
use crate::content::{Content, Extent};

/// More runs than any real file has.
const MAX_EXTENTS: usize = 1 << 20;

/// A map as it is read: (offset, length) pairs.
pub(super) type Map = Vec<(u64, u64)>;

/// Turns a map into content. `stored` holds the runs one after the other and nothing else.
pub(super) fn content(
    map: &[(u64, u64)],
    stored: &Blob,
    real_size: u64,
) -> Result<Content, Problem> {
    let mut extents = Vec::with_capacity(map.len());
    let (mut end, mut at) = (0, 0);
    for &(offset, len) in map {
        let next = offset.checked_add(len).filter(|&next| next <= real_size);
        let next = next.ok_or(Problem::Sparse("a run lies beyond the file's end"))?;
        if offset < end {
            return Err(Problem::Sparse("runs overlap or are out of order"));
        }
        // GNU tar marks the end of a file with an empty run.
        if len > 0 {
            extents.push(Extent {
                offset,
                len,
                stored: at,
            });
        }
        at += len;
        end = next;
    }
    if at != stored.len() {
        return Err(Problem::Sparse("runs and stored size disagree"));
    }
    Ok(Content::Sparse {
        blob: stored.clone(),
        extents: extents.into(),
        len: real_size,
    })
}

/// Pairs out of a header's or an extension block's fields of 24 bytes; a blank one ends the list.
pub(super) fn old_map(fields: &[u8], map: &mut Map) -> Result<(), Problem> {
    for field in fields.as_chunks::<24>().0 {
        if field.iter().all(|&byte| byte == 0) {
            break;
        }
        let (offset, len) = field.split_at(12);
        push(
            map,
            number(offset, "sparse offset")?,
            number(len, "sparse length")?,
        )?;
    }
    Ok(())
}

pub(super) fn push(map: &mut Map, offset: u64, len: u64) -> Result<(), Problem> {
    if map.len() >= MAX_EXTENTS {
        return Err(Problem::Sparse("too many runs"));
    }
    map.push((offset, len));
    Ok(())
}

/// The PAX records of a sparse file.
pub(super) struct PaxSparse {
    pub(super) name: Option<Vec<u8>>,
    pub(super) real_size: u64,
    /// `None`: format 1.0, the map stands before the data.
    pub(super) map: Option<Map>,
}

/// Reads the `GNU.sparse.*` records (prefix removed); `None` when there are none.
pub(super) fn pax_sparse(records: &[(Vec<u8>, Vec<u8>)]) -> Result<Option<PaxSparse>, Problem> {
    if records.is_empty() {
        return Ok(None);
    }
    let bad = || Problem::Sparse("a record holds no number");
    let (mut name, mut size, mut real_size, mut major, mut minor, mut blocks) =
        (None, None, None, None, None, None);
    let (mut listed, mut offsets, mut lengths) = (None, Vec::new(), Vec::new());
    for (key, value) in records {
        let number = || decimal(value).ok_or_else(bad);
        match key.as_slice() {
            b"name" => name = Some(value.clone()),
            b"size" => size = Some(number()?),
            b"realsize" => real_size = Some(number()?),
            // Compared as texts: to Go, a version that it does not know makes the file an ordinary
            // one.
            b"major" => major = Some(value.as_slice()),
            b"minor" => minor = Some(value.as_slice()),
            b"numblocks" => blocks = Some(number()?),
            b"map" => listed = Some(value),
            b"offset" => offsets.push(number()?),
            b"numbytes" => lengths.push(number()?),
            _ => return Err(Problem::Sparse("unknown GNU.sparse record")),
        }
    }
    let pairs = listed.is_some() || !offsets.is_empty() || !lengths.is_empty();
    match (major, minor) {
        (Some(b"1"), Some(b"0")) if !pairs && size.is_none() && blocks.is_none() => {
            let real_size = real_size.ok_or(Problem::Sparse("no real size"))?;
            return Ok(Some(PaxSparse {
                name,
                real_size,
                map: None,
            }));
        }
        (Some(b"0"), Some(b"0" | b"1")) if real_size.is_none() => {}
        // Without a version, a map that is not empty says that the file is sparse.
        (None, None)
            if real_size.is_none() && listed.is_none_or(|list| !list.is_empty()) && pairs => {}
        (None, None) if !pairs || listed.is_some() => {
            return Err(Problem::Sparse(
                "no map and no version; readers differ on whether the file is sparse",
            ));
        }
        _ => return Err(Problem::Sparse("records of different formats are mixed")),
    }
    let mut map = Map::new();
    match listed {
        Some(_) if !offsets.is_empty() || !lengths.is_empty() => {
            return Err(Problem::Sparse("records of different formats are mixed"));
        }
        Some(list) if !list.is_empty() => {
            let numbers: Vec<u64> = list
                .split(|&b| b == b',')
                .map(|n| decimal(n).ok_or_else(bad))
                .collect::<Result<_, _>>()?;
            let (pairs, rest) = numbers.as_chunks::<2>();
            if !rest.is_empty() {
                return Err(Problem::Sparse("odd number of values"));
            }
            for &[offset, len] in pairs {
                push(&mut map, offset, len)?;
            }
        }
        Some(_) => {}
        None => {
            if offsets.len() != lengths.len() {
                return Err(Problem::Sparse("odd number of values"));
            }
            for (offset, len) in offsets.into_iter().zip(lengths) {
                push(&mut map, offset, len)?;
            }
        }
    }
    if blocks.is_some_and(|blocks| blocks != map.len() as u64) {
        return Err(Problem::Sparse("number of runs is wrong"));
    }
    let real_size = size.ok_or(Problem::Sparse("no real size"))?;
    Ok(Some(PaxSparse {
        name,
        real_size,
        map: Some(map),
    }))
}

/// Format 1.0: decimal lines before the data, padded to a block. Returns the map and the length of
/// its blocks.
pub(super) fn leading_map(stored: &Blob) -> Result<(Map, u64), Problem> {
    let truncated = Problem::Sparse("the map is longer than the entry");
    let mut lines = Lines {
        blob: stored,
        at: 0,
        block: [0; 512],
        have: 0,
    };
    let count = lines.number()?.ok_or(truncated.clone())?;
    if count > MAX_EXTENTS as u64 {
        return Err(Problem::Sparse("too many runs"));
    }
    let mut map = Map::new();
    for _ in 0..count {
        let offset = lines.number()?.ok_or(truncated.clone())?;
        let len = lines.number()?.ok_or(truncated.clone())?;
        push(&mut map, offset, len)?;
    }
    let blocks = lines.at.div_ceil(512) * 512;
    if blocks > stored.len() {
        return Err(truncated);
    }
    Ok((map, blocks))
}

struct Lines<'a> {
    blob: &'a Blob,
    at: u64,
    block: [u8; 512],
    have: usize,
}

impl Lines<'_> {
    fn byte(&mut self) -> Result<Option<u8>, Problem> {
        let within = usize::try_from(self.at % 512).unwrap_or(0);
        if within == 0 {
            self.have = self
                .blob
                .fill_at(self.at, &mut self.block)
                .map_err(|_| Problem::Truncated("in a sparse map"))?;
        }
        self.at += 1;
        Ok(self
            .block
            .get(within)
            .copied()
            .filter(|_| within < self.have))
    }

    fn number(&mut self) -> Result<Option<u64>, Problem> {
        let mut digits = Vec::new();
        loop {
            match self.byte()? {
                None => return Ok(None),
                Some(b'\n') => {
                    return decimal(&digits)
                        .map(Some)
                        .ok_or(Problem::Sparse("the map holds no number"));
                }
                Some(byte) if digits.len() < 20 => digits.push(byte),
                Some(_) => return Err(Problem::Sparse("the map holds no number")),
            }
        }
    }
}
