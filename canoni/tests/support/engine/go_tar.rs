//! Headers as Go's archive/tar returns them.

use std::collections::BTreeMap;

pub(super) type Attributes = BTreeMap<Vec<u8>, Vec<u8>>;

/// One header as Go's reader returns it.
#[derive(Debug, Clone)]
pub(super) struct Header {
    pub(super) name: Vec<u8>,
    pub(super) link: Vec<u8>,
    pub(super) kind: u8,
    pub(super) mode: u64,
    pub(super) uid: u64,
    pub(super) gid: u64,
    pub(super) device: (u64, u64),
    pub(super) xattrs: Attributes,
    pub(super) content: Vec<u8>,
}

fn text(field: &[u8]) -> Vec<u8> {
    field.split(|&byte| byte == 0).next().unwrap().to_vec()
}

/// parseNumeric: base 256 where the first bit is set, else octal between spaces and NULs.
fn numeric(field: &[u8]) -> Result<u64, String> {
    if field[0] & 0x80 != 0 {
        let first = [field[0] & 0x7f];
        if field[0] & 0x40 != 0 {
            return Err("negative".into());
        }
        return first
            .iter()
            .chain(&field[1..])
            .try_fold(0_u64, |value, &byte| {
                value
                    .checked_mul(256)
                    .map(|value| value + u64::from(byte))
                    .ok_or("large".into())
            });
    }
    let blank = |byte: &u8| matches!(byte, b' ' | 0);
    let Some(start) = field.iter().position(|byte| !blank(byte)) else {
        return Ok(0);
    };
    let end = field.iter().rposition(|byte| !blank(byte)).unwrap();
    let digits = String::from_utf8_lossy(&text(&field[start..=end])).into_owned();
    u64::from_str_radix(&digits, 8).map_err(|error| error.to_string())
}

/// Keyword and value.
type Record = (Vec<u8>, Vec<u8>);

fn records(mut bytes: &[u8]) -> Result<Vec<Record>, String> {
    let mut list = Vec::new();
    while !bytes.is_empty() {
        let space = bytes
            .iter()
            .position(|&byte| byte == b' ')
            .ok_or("record")?;
        let length: usize = String::from_utf8_lossy(&bytes[..space])
            .parse()
            .map_err(|_| "record")?;
        let record = bytes
            .get(space + 1..length)
            .and_then(|record| record.strip_suffix(b"\n"))
            .ok_or("record")?;
        let equals = record
            .iter()
            .position(|&byte| byte == b'=')
            .ok_or("record")?;
        let (key, value) = (record[..equals].to_vec(), record[equals + 1..].to_vec());
        let names = matches!(key.as_slice(), b"path" | b"linkpath" | b"uname" | b"gname");
        if key.is_empty()
            || (if names {
                value.contains(&0)
            } else {
                key.contains(&0)
            })
        {
            return Err("record".into());
        }
        list.push((key, value));
        bytes = &bytes[length..];
    }
    Ok(list)
}

/// The records before an entry's own header.
#[derive(Debug, Default)]
struct Before {
    pax: Vec<Record>,
    name: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
}

/// The fields of one block, and the size that it gives.
fn fields(block: &[u8]) -> Result<(Header, usize), String> {
    let summed = |(at, &byte): (usize, &u8)| {
        if (148..156).contains(&at) {
            32
        } else {
            u64::from(byte)
        }
    };
    let sum: u64 = block.iter().enumerate().map(summed).sum();
    if numeric(&block[148..156])? != sum {
        return Err("checksum".into());
    }
    let ustar = block[257..263] == *b"ustar\0";
    let star = ustar && block.ends_with(b"tar\0");
    let gnu = block[257..265] == *b"ustar  \0";
    let mut device = (0, 0);
    if ustar || gnu {
        device = (numeric(&block[329..337])?, numeric(&block[337..345])?);
    }
    // Where GNU's times are not numbers, Go takes the field for the prefix that it is in ustar.
    let time = |at: usize| block[at] == 0 || numeric(&block[at..at + 12]).is_ok();
    let prefix = if star {
        text(&block[345..476])
    } else if ustar || (gnu && !(time(345) && time(357))) {
        text(&block[345..500])
    } else {
        Vec::new()
    };
    let mut name = text(&block[..100]);
    if !prefix.is_empty() {
        name = [&prefix[..], b"/", &name].concat();
    }
    let header = Header {
        name,
        link: text(&block[157..257]),
        kind: block[156],
        mode: numeric(&block[100..108])?,
        uid: numeric(&block[108..116])?,
        gid: numeric(&block[116..124])?,
        device,
        xattrs: Attributes::new(),
        content: Vec::new(),
    };
    let size = usize::try_from(numeric(&block[124..136])?).map_err(|_| "size")?;
    Ok((header, size))
}

/// mergePAX and GNU's long names; a record without a value changes nothing.
fn merge(header: &mut Header, size: &mut usize, before: Before) -> Result<(), String> {
    for (key, value) in before.pax {
        let number = || {
            let text = String::from_utf8_lossy(&value).into_owned();
            text.parse::<u64>().map_err(|_| format!("{key:?}"))
        };
        match key.as_slice() {
            _ if value.is_empty() => {}
            b"path" => header.name = value,
            b"linkpath" => header.link = value,
            b"uid" => header.uid = number()?,
            b"gid" => header.gid = number()?,
            b"size" => *size = usize::try_from(number()?).map_err(|_| "size")?,
            _ => {
                if let Some(name) = key.strip_prefix(b"SCHILY.xattr.") {
                    header.xattrs.insert(name.to_vec(), value);
                }
            }
        }
    }
    if let Some(name) = before.name {
        header.name = name;
    }
    if let Some(link) = before.link {
        header.link = link;
    }
    if header.kind == 0 {
        header.kind = if header.name.ends_with(b"/") {
            b'5'
        } else {
            b'0'
        };
    }
    if matches!(header.kind, b'1'..=b'6') {
        *size = 0;
    }
    Ok(())
}

pub(super) fn headers(archive: &[u8]) -> Result<Vec<Header>, String> {
    let mut list = Vec::new();
    let mut at = 0;
    let mut before = Before::default();
    while let Some(block) = archive.get(at..at + 512) {
        at += 512;
        let zero = |block: &[u8]| block.iter().all(|&byte| byte == 0);
        if zero(block) {
            return match archive.get(at..at + 512) {
                Some(next) if !zero(next) => Err("lone zero block".into()),
                _ => Ok(list),
            };
        }
        let (mut header, mut size) = fields(block)?;
        let kind = header.kind;
        if !matches!(kind, b'x' | b'g' | b'L' | b'K') {
            merge(&mut header, &mut size, std::mem::take(&mut before))?;
        }
        let content = archive.get(at..at + size).ok_or("truncated")?.to_vec();
        at += size.next_multiple_of(512);
        match kind {
            // A key that is there twice counts as it is there last.
            b'x' => before.pax = records(&content)?,
            b'L' => before.name = Some(text(&content)),
            b'K' => before.link = Some(text(&content)),
            _ => {
                header.content = content;
                list.push(header);
            }
        }
    }
    if at == archive.len() {
        Ok(list)
    } else {
        Err("truncated".into())
    }
}
