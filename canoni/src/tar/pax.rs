//! PAX extended headers (POSIX.1-2001, pax: "pax Extended Header").

use super::problem::Problem;
use crate::error::printable;

/// The records that matter; see [`parse`].
#[derive(Debug, Default)]
pub(super) struct Pax {
    pub(super) path: Option<Vec<u8>>,
    pub(super) linkpath: Option<Vec<u8>>,
    pub(super) size: Option<u64>,
    pub(super) uid: Option<u64>,
    pub(super) gid: Option<u64>,
    pub(super) mtime: Option<i64>,
    pub(super) xattrs: Vec<(Vec<u8>, Vec<u8>)>,
    /// `GNU.sparse.*`, without that prefix, in order.
    pub(super) sparse: Vec<(Vec<u8>, Vec<u8>)>,
    /// Keywords with a meaning that an image cannot carry.
    pub(super) other: Vec<Vec<u8>>,
}

/// Keyword and value.
pub(super) type Record<'a> = (&'a [u8], &'a [u8]);

/// Splits records `LENGTH KEY=VALUE\n`.
pub(super) fn records(mut text: &[u8]) -> Result<Vec<Record<'_>>, Problem> {
    let mut records = Vec::new();
    while !text.is_empty() {
        let space = text
            .iter()
            .take(20)
            .position(|&b| b == b' ')
            .ok_or(Problem::Pax("record without a length"))?;
        let (digits, _) = text.split_at(space);
        let length = decimal(digits)
            .and_then(|n| usize::try_from(n).ok())
            .ok_or(Problem::Pax("record length is not a number"))?;
        if digits.first() == Some(&b'0') || length <= space + 1 {
            return Err(Problem::Pax("record length is wrong"));
        }
        let record = text
            .get(space + 1..length)
            .ok_or(Problem::Pax("record length is wrong"))?;
        let record = record
            .strip_suffix(b"\n")
            .ok_or(Problem::Pax("record does not end in a newline"))?;
        let equals = record
            .iter()
            .position(|&b| b == b'=')
            .ok_or(Problem::Pax("record without '='"))?;
        let (key, value) = record.split_at(equals);
        if key.is_empty() || key.contains(&0) {
            return Err(Problem::Pax("empty keyword or one with a NUL byte"));
        }
        records.push((key, value.get(1..).unwrap_or_default()));
        text = text.get(length..).unwrap_or_default();
    }
    Ok(records)
}

/// Digits alone.
pub(super) fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// Interprets the records of one `x` header.
pub(super) fn parse(text: &[u8]) -> Result<Pax, Problem> {
    let mut pax = Pax::default();
    let mut seen = std::collections::HashSet::new();
    let mut libarchive = Vec::new();
    for (key, value) in records(text)? {
        // GNU's sparse format 0.0 repeats these two by design.
        let repeats = matches!(key, b"GNU.sparse.offset" | b"GNU.sparse.numbytes");
        if !repeats && !seen.insert(key) {
            return Err(Problem::DuplicateKey(printable(key)));
        }
        let number = |what| decimal(value).ok_or(Problem::Number(what));
        match key {
            b"path" => pax.path = Some(text_value(value, "path")?),
            b"linkpath" => pax.linkpath = Some(text_value(value, "link name")?),
            b"size" => pax.size = Some(number("size")?),
            b"uid" => pax.uid = Some(number("uid")?),
            b"gid" => pax.gid = Some(number("gid")?),
            b"mtime" => pax.mtime = Some(seconds(value)?),
            b"hdrcharset" if !matches!(value, b"BINARY" | b"ISO-IR 10646 2000 UTF-8") => {
                return Err(Problem::Pax("unknown hdrcharset"));
            }
            // Dropped by the canonical form: times, names of owners, and what tells of the machine
            // that wrote it.
            b"hdrcharset"
            | b"charset"
            | b"atime"
            | b"ctime"
            | b"uname"
            | b"gname"
            | b"comment"
            | b"LIBARCHIVE.creationtime"
            | b"SCHILY.dev"
            | b"SCHILY.ino"
            | b"SCHILY.nlink" => {}
            _ => {
                if let Some(name) = key.strip_prefix(b"SCHILY.xattr.") {
                    pax.xattrs.push((name.to_vec(), value.to_vec()));
                } else if let Some(name) = key.strip_prefix(b"LIBARCHIVE.xattr.") {
                    libarchive.push((key, unescape(name)?, base64(value)?));
                } else if let Some(name) = key.strip_prefix(b"GNU.sparse.") {
                    pax.sparse.push((name.to_vec(), value.to_vec()));
                } else {
                    pax.other.push(key.to_vec());
                }
            }
        }
    }
    // bsdtar writes every attribute in both spellings. Container engines read SCHILY's alone: to
    // take an attribute from LIBARCHIVE's would give a file what no engine gave it.
    for (key, name, value) in libarchive {
        match pax.xattrs.iter().find(|(known, _)| *known == name) {
            None => pax.other.push(key.to_vec()),
            Some((_, known)) if *known == value => {}
            Some(_) => return Err(Problem::Conflict("an extended attribute")),
        }
    }
    pax.xattrs.sort();
    Ok(pax)
}

fn text_value(value: &[u8], what: &'static str) -> Result<Vec<u8>, Problem> {
    if value.is_empty() {
        return Err(Problem::Empty(what));
    }
    if value.contains(&0) {
        return Err(Problem::Nul(what));
    }
    Ok(value.to_vec())
}

/// Whole seconds of a decimal time, rounded down.
fn seconds(value: &[u8]) -> Result<i64, Problem> {
    let bad = || Problem::Number("mtime");
    let (negative, value) = match value.strip_prefix(b"-") {
        Some(rest) => (true, rest),
        None => (false, value),
    };
    let (whole, fraction) = match value.iter().position(|&b| b == b'.') {
        Some(dot) => (
            value.get(..dot).unwrap_or_default(),
            value.get(dot + 1..).unwrap_or_default(),
        ),
        None => (value, &b""[..]),
    };
    if !fraction.iter().all(u8::is_ascii_digit) {
        return Err(bad());
    }
    let whole = decimal(whole)
        .and_then(|n| i64::try_from(n).ok())
        .ok_or_else(bad)?;
    let part = fraction.iter().any(|&b| b != b'0');
    Ok(if negative {
        -whole - i64::from(part)
    } else {
        whole
    })
}

/// `%XX` as in URLs.
fn unescape(name: &[u8]) -> Result<Vec<u8>, Problem> {
    let bad = Problem::Pax("malformed LIBARCHIVE.xattr name");
    let mut out = Vec::with_capacity(name.len());
    let mut rest = name;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        if byte == b'%' {
            let (digits, tail) = rest.split_at_checked(2).ok_or(bad.clone())?;
            out.extend(hex::decode(digits).map_err(|_| bad.clone())?);
            rest = tail;
        } else {
            out.push(byte);
        }
    }
    Ok(out)
}

/// Base64 as libarchive writes it: standard alphabet, no padding (padding is accepted).
fn base64(value: &[u8]) -> Result<Vec<u8>, Problem> {
    let bad = || Problem::Pax("malformed LIBARCHIVE.xattr value");
    let end = value
        .iter()
        .rposition(|&b| b != b'=')
        .map_or(0, |at| at + 1);
    let mut out = Vec::with_capacity(value.len() / 4 * 3);
    let (mut bits, mut have) = (0_u32, 0);
    for &byte in value.get(..end).unwrap_or_default() {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return Err(bad()),
        };
        bits = (bits << 6) | u32::from(six);
        have += 6;
        if have >= 8 {
            have -= 8;
            out.push(u8::try_from((bits >> have) & 0xff).map_err(|_| bad())?);
        }
    }
    if have == 6 || bits & ((1 << have) - 1) != 0 {
        return Err(bad());
    }
    Ok(out)
}
