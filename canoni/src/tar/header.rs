//! One header block: checksum, dialect, numbers, names.

use super::problem::Problem;
use crate::error::printable;
use tar::Header;

/// Who wrote the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Before POSIX.1-1988: no magic, no prefix.
    V7,
    /// `ustar\0` `00`.
    Ustar,
    /// ustar with times where the end of the prefix is, and `tar\0` at the end (Schily's star).
    Star,
    /// `ustar  \0`.
    Gnu,
}

/// A header whose checksum and dialect are right.
pub(super) struct Block {
    pub(super) header: Box<Header>,
    pub(super) dialect: Dialect,
}

impl Block {
    pub(super) fn parse(bytes: &[u8; 512]) -> Result<Self, Problem> {
        // Unsigned sum only. Some readers also take a sum over signed bytes; the two agree on
        // ASCII.
        let sum: u32 = bytes
            .iter()
            .enumerate()
            .map(|(at, &byte)| {
                if (148..156).contains(&at) {
                    32
                } else {
                    u32::from(byte)
                }
            })
            .sum();
        let mut header = Header::new_old();
        header.as_mut_bytes().copy_from_slice(bytes);
        let said = number(&header.as_old().cksum, "checksum").map_err(|_| Problem::Checksum)?;
        if said != u64::from(sum) {
            return Err(Problem::Checksum);
        }
        let magic = bytes.get(257..265).unwrap_or_default();
        let dialect = match magic {
            // Some writers leave the version out.
            b"ustar\x0000" | b"ustar\0\0\0" if bytes.ends_with(b"tar\0") => Dialect::Star,
            b"ustar\x0000" | b"ustar\0\0\0" => Dialect::Ustar,
            b"ustar  \0" => Dialect::Gnu,
            [0, 0, 0, 0, 0, 0, 0, 0] => Dialect::V7,
            _ => return Err(Problem::Dialect),
        };
        if dialect == Dialect::Gnu {
            // GNU's times stand where ustar has its prefix. Go takes them for a prefix if they are
            // no numbers.
            for (times, what) in [(345..357, "atime"), (357..369, "ctime")] {
                let field = bytes.get(times).unwrap_or_default();
                if field.first() != Some(&0) {
                    signed(field, what)?;
                }
            }
        }
        Ok(Self {
            header: Box::new(header),
            dialect,
        })
    }

    pub(super) fn type_byte(&self) -> u8 {
        let [byte] = self.header.as_old().linkflag;
        byte
    }

    /// Name as stored: prefix and name joined.
    pub(super) fn name(&self) -> Result<Vec<u8>, Problem> {
        let name = terminated(&self.header.as_old().name, "name")?;
        let bytes = self.header.as_bytes();
        let prefix = match self.dialect {
            Dialect::Ustar => terminated(bytes.get(345..500).unwrap_or_default(), "prefix")?,
            // Times follow it. Readers that do not know star go on until a NUL, so there must be
            // one.
            Dialect::Star if bytes.get(475) != Some(&0) => return Err(Problem::Dialect),
            Dialect::Star => terminated(bytes.get(345..475).unwrap_or_default(), "prefix")?,
            Dialect::V7 | Dialect::Gnu => &[],
        };
        if !prefix.is_empty() {
            return Ok([prefix, b"/", name].concat());
        }
        Ok(name.to_vec())
    }

    pub(super) fn link_name(&self) -> Result<Vec<u8>, Problem> {
        Ok(terminated(&self.header.as_old().linkname, "link name")?.to_vec())
    }

    pub(super) fn size(&self) -> Result<u64, Problem> {
        number(&self.header.as_old().size, "size")
    }

    /// Permission bits; the file type that some writers leave above them is dropped.
    pub(super) fn mode(&self) -> Result<u32, Problem> {
        let mode = number(&self.header.as_old().mode, "mode")?;
        u32::try_from(mode & 0o7777).map_err(|_| Problem::Number("mode"))
    }

    pub(super) fn uid(&self) -> Result<u64, Problem> {
        number(&self.header.as_old().uid, "uid")
    }

    pub(super) fn gid(&self) -> Result<u64, Problem> {
        number(&self.header.as_old().gid, "gid")
    }

    pub(super) fn mtime(&self) -> Result<i64, Problem> {
        signed(&self.header.as_old().mtime, "mtime")
    }

    /// Device numbers, within what Linux has: 12 and 20 bits.
    pub(super) fn device(&self) -> Result<(u32, u32), Problem> {
        if self.dialect == Dialect::V7 {
            return Err(Problem::Number("devmajor"));
        }
        let bytes = self.header.as_bytes();
        let major = bytes.get(329..337).unwrap_or_default();
        let minor = bytes.get(337..345).unwrap_or_default();
        let within = |field: &[u8], what, limit: u64| {
            let number = number(field, what)?;
            u32::try_from(number)
                .ok()
                .filter(|_| number < limit)
                .ok_or(Problem::Number(what))
        };
        Ok((
            within(major, "devmajor", 1 << 12)?,
            within(minor, "devminor", 1 << 20)?,
        ))
    }
}

/// The bytes before the first NUL, which must be followed by NULs alone.
pub(super) fn terminated<'a>(field: &'a [u8], what: &'static str) -> Result<&'a [u8], Problem> {
    let end = field
        .iter()
        .position(|&byte| byte == 0)
        .unwrap_or(field.len());
    let (text, rest) = field.split_at(end);
    if rest.iter().any(|&byte| byte != 0) {
        return Err(Problem::Nul(what));
    }
    Ok(text)
}

/// An octal field, or GNU's base-256.
pub(super) fn number(field: &[u8], what: &'static str) -> Result<u64, Problem> {
    u64::try_from(signed(field, what)?).map_err(|_| Problem::Number(what))
}

fn signed(field: &[u8], what: &'static str) -> Result<i64, Problem> {
    let bad = || Problem::Number(what);
    let step = |value: i64, base: i64, digit: u8| {
        value
            .checked_mul(base)
            .and_then(|v| v.checked_add(i64::from(digit)))
            .ok_or_else(bad)
    };
    if let [first @ (0x80 | 0xff), rest @ ..] = field {
        let start = if *first == 0xff { -1 } else { 0 };
        return rest
            .iter()
            .try_fold(start, |value, &byte| step(value, 256, byte));
    }
    let blank = field.iter().take_while(|&&byte| byte == b' ').count();
    let digits = field.get(blank..).unwrap_or_default();
    let end = digits
        .iter()
        .position(|byte| !(b'0'..=b'7').contains(byte))
        .unwrap_or(digits.len());
    let (digits, rest) = digits.split_at(end);
    if rest.iter().any(|&byte| byte != 0 && byte != b' ') {
        return Err(bad());
    }
    digits
        .iter()
        .try_fold(0, |value, &digit| step(value, 8, digit - b'0'))
}

/// One spelling of a path within an image: no leading, trailing or doubled slash, no `.`; the root
/// is empty.
///
/// A leading slash is taken away, as Docker, podman, skopeo and umoci do. Refused: `..`, NUL, the
/// empty path, and what is longer than Linux allows (4095 bytes, 255 per name).
pub fn clean_path(path: &[u8]) -> Result<Vec<u8>, Problem> {
    if path.contains(&0) {
        return Err(Problem::Nul("path"));
    }
    if path.is_empty() {
        return Err(Problem::Empty("path"));
    }
    let mut clean = Vec::with_capacity(path.len());
    for name in path.split(|&byte| byte == b'/') {
        match name {
            b"" | b"." => {}
            b".." => return Err(Problem::DotDot(printable(path))),
            _ if name.len() > 255 => return Err(Problem::Long(printable(path))),
            _ => {
                if !clean.is_empty() {
                    clean.push(b'/');
                }
                clean.extend_from_slice(name);
            }
        }
    }
    if clean.len() > 4095 {
        return Err(Problem::Long(printable(path)));
    }
    Ok(clean)
}
