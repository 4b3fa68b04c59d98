//! The form of the zip that signers get. docs/verify.md, "The zip", has the rules;
//! verify/web/src/zip.js implements the same ones with the same error texts.
//!
//! Programs that unpack zips read malformed ones differently: some believe the directory, some the
//! headers before the files, and each file system maps different names to one file. So exactly one
//! form is accepted, with nothing before, between or behind its parts. Whoever opens it with any
//! program gets the files that were verified.
//! opens it with whatever program gets what was verified.

use anyhow::{Context, Result, bail, ensure};

const LOCAL: u32 = 0x0403_4b50;
const CENTRAL: u32 = 0x0201_4b50;
const END: u32 = 0x0605_4b50;

/// A file is encrypted.
const ENCRYPTED: u16 = 1;
/// Flags that a file may have: encrypted, the level of compression (two bits), a UTF-8 name.
const FLAGS: u16 = ENCRYPTED | 0b110 | UTF8;
const UTF8: u16 = 1 << 11;

/// Compression methods: none, Deflate, and AES around either.
const STORED: u16 = 0;
const DEFLATED: u16 = 8;
const AES: u16 = 99;

/// Extra fields that change neither name nor size: Unix and NTFS times, Unix owners, AES.
const EXTRAS: &[u16] = &[0x5455, 0x7875, 0x000a, EXTRA_AES];
const EXTRA_AES: u16 = 0x9901;

/// The longest name in bytes, as in common file systems.
const NAME_MAX: usize = 255;

/// One file of the zip.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) encrypted: bool,
    /// Whether it is compressed with Deflate; meaningless for an encrypted file.
    pub(super) deflated: bool,
    pub(super) crc: u32,
    /// Uncompressed size in bytes.
    pub(super) size: usize,
    /// Range of its compressed bytes in the zip.
    pub(super) data: std::ops::Range<usize>,
}

/// The two files of a zip.
#[derive(Debug)]
pub(super) struct Archive {
    pub(super) pdf: Entry,
    pub(super) spf: Entry,
}

/// Checks the form and locates both files without unpacking them.
///
/// # Errors
/// The first broken rule, described for people.
pub(super) fn parse(bytes: &[u8]) -> Result<Archive> {
    let end = Reader::at(
        bytes,
        bytes.len().checked_sub(22).context("it has no directory")?,
    );
    let end_at = end.at;
    ensure!(
        end.u32(0)? == END,
        "it has no directory at its very end, where no comment may be"
    );
    ensure!(end.u16(20)? == 0, "it has a comment");
    ensure!(end.u32(4)? == 0, "it is a part of several");
    let (here, all) = (end.u16(8)?, end.u16(10)?);
    ensure!(
        here == 2 && all == 2,
        "it holds {all} files, not NAME.pdf and NAME.spf alone"
    );
    let (size, start) = (end.size(12)?, end.size(16)?);
    ensure!(
        start.checked_add(size) == Some(end_at),
        "its directory is not where it should be"
    );
    let mut at = start;
    let mut next = 0;
    let mut entries = Vec::new();
    for _ in 0..2 {
        let (entry, length) = entry(bytes, at, next, start)?;
        at = at.saturating_add(length);
        next = entry.data.end;
        entries.push(entry);
    }
    ensure!(at == end_at, "its directory is not where it should be");
    ensure!(next == start, "there are bytes between its parts");
    pair(entries)
}

/// Assigns the two files by their extensions.
fn pair(entries: Vec<Entry>) -> Result<Archive> {
    let [first, second] =
        <[Entry; 2]>::try_from(entries).map_err(|_| anyhow::anyhow!("it holds not two files"))?;
    for entry in [&first, &second] {
        check_name(&entry.name)?;
    }
    let stem = |entry: &Entry, extension| entry.name.strip_suffix(extension).map(str::to_owned);
    let (pdf, spf) = if stem(&first, ".pdf").is_some() {
        (first, second)
    } else {
        (second, first)
    };
    match (stem(&pdf, ".pdf"), stem(&spf, ".spf")) {
        (Some(one), Some(other)) if one == other => {
            check_stem(&one)?;
            Ok(Archive { pdf, spf })
        }
        _ => bail!("its files are not NAME.pdf and NAME.spf of one NAME"),
    }
}

/// Checks one file: its line in the directory, its header and where both place it. `next` is where
/// the previous file ends.
fn entry(bytes: &[u8], at: usize, next: usize, limit: usize) -> Result<(Entry, usize)> {
    let line = Reader::at(bytes, at);
    ensure!(line.u32(0)? == CENTRAL, "its directory is damaged");
    let (flags, method) = (line.u16(8)?, line.u16(10)?);
    let (packed, size) = (line.size(20)?, line.size(24)?);
    let (name_length, extra_length) = (line.u16(28)?.into(), usize::from(line.u16(30)?));
    ensure!(line.u16(32)? == 0, "a file has a comment");
    ensure!(line.u16(34)? == 0, "it is a part of several");
    let attributes = line.u32(38)?;
    let kind = attributes >> 16 & 0o170_000;
    ensure!(
        attributes & 0x18 == 0 && (kind == 0 || kind == 0o100_000),
        "it holds something else than files"
    );
    ensure!(
        line.size(42)? == next,
        "its files do not follow one another from its start on"
    );
    let raw_name = line.bytes(46, name_length)?;
    let aes = extras(line.bytes(46 + name_length, extra_length)?)?;

    let header = Reader::at(bytes, next);
    ensure!(header.u32(0)? == LOCAL, "the header of a file is damaged");
    // Flags, method, time, date, CRC, both sizes and the length of the name have the same order in
    // both.
    ensure!(
        header.bytes(6, 22)? == line.bytes(8, 22)? && header.bytes(30, name_length)? == raw_name,
        "its directory and the header of a file differ"
    );
    let header_extra = usize::from(header.u16(28)?);
    ensure!(
        extras(header.bytes(30 + name_length, header_extra)?)? == aes,
        "its directory and the header of a file differ"
    );

    ensure!(flags & !FLAGS == 0, "a file has a flag that ours have not");
    let encrypted = flags & ENCRYPTED != 0;
    ensure!(
        matches!(method, STORED | DEFLATED) && !aes || method == AES && aes && encrypted,
        "a file is packed in a way that ours are not"
    );
    let name = std::str::from_utf8(raw_name).ok();
    let name = name.context("the name of a file is no UTF-8")?;
    ensure!(
        name.is_ascii() || flags & UTF8 != 0,
        "the name of a file does not say that it is UTF-8"
    );
    let start = next + 30 + name_length + header_extra;
    let end = start.saturating_add(packed);
    ensure!(end <= limit, "a file is cut short");
    let entry = Entry {
        name: name.to_owned(),
        encrypted,
        deflated: method == DEFLATED,
        crc: line.u32(16)?,
        size,
        data: start..end,
    };
    Ok((entry, 46 + name_length + extra_length))
}

/// Checks extra fields and returns whether AES's is among them. Other fields could give a file
/// another name (Info-ZIP) or size (Zip64).
fn extras(mut bytes: &[u8]) -> Result<bool> {
    let mut aes = false;
    while !bytes.is_empty() {
        let field = Reader::at(bytes, 0);
        let (kind, length) = (field.u16(0)?, usize::from(field.u16(2)?));
        ensure!(
            EXTRAS.contains(&kind),
            "a file has an extra field that ours have not"
        );
        field.bytes(4, length)?;
        aes |= kind == EXTRA_AES;
        bytes = bytes.get(4 + length..).unwrap_or_default();
    }
    Ok(aes)
}

/// Allows only characters that Windows, macOS and Linux read alike and that display as what they
/// are.
fn check_name(name: &str) -> Result<()> {
    ensure!(
        name.len() <= NAME_MAX,
        "the name of a file has more than {NAME_MAX} bytes"
    );
    let bad = |c: char| {
        c.is_control()
            || matches!(c, '/' | '\\' | ':' | '<' | '>' | '"' | '|' | '?' | '*' | '\u{61c}' | '\u{200e}' | '\u{200f}'
                | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
    };
    ensure!(
        !name.chars().any(bad),
        "the name of a file has a character that systems read differently"
    );
    Ok(())
}

fn check_stem(stem: &str) -> Result<()> {
    let edge = |c: char| c == '.' || c.is_whitespace();
    ensure!(
        !stem.is_empty() && !stem.starts_with(edge) && !stem.ends_with(edge),
        "the name of a file starts or ends with a dot or a blank"
    );
    let base = stem.split('.').next().unwrap_or_default();
    let base = base.trim_end().to_ascii_uppercase();
    let numbered = |device| {
        let mut rest = base.strip_prefix(device).unwrap_or_default().chars();
        matches!(
            (rest.next(), rest.next()),
            (Some('0'..='9' | '\u{b9}' | '\u{b2}' | '\u{b3}'), None)
        )
    };
    let reserved = matches!(
        base.as_str(),
        "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$"
    );
    ensure!(
        !reserved && !numbered("COM") && !numbered("LPT"),
        "the name of a file is that of a device"
    );
    Ok(())
}

/// Reads little-endian numbers at an offset; an offset beyond the end is an error.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn at(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at }
    }

    fn bytes(&self, offset: usize, length: usize) -> Result<&'a [u8]> {
        let start = self.at.saturating_add(offset);
        let end = start.saturating_add(length);
        self.bytes.get(start..end).context("it is cut short")
    }

    fn u16(&self, offset: usize) -> Result<u16> {
        let bytes = self.bytes(offset, 2)?;
        Ok(bytes
            .iter()
            .rev()
            .fold(0, |sum, byte| sum << 8 | u16::from(*byte)))
    }

    fn u32(&self, offset: usize) -> Result<u32> {
        let bytes = self.bytes(offset, 4)?;
        Ok(bytes
            .iter()
            .rev()
            .fold(0, |sum, byte| sum << 8 | u32::from(*byte)))
    }

    /// A size or an offset. The largest number refers to a Zip64 field elsewhere, which these zips
    /// never need.
    fn size(&self, offset: usize) -> Result<usize> {
        let number = self.u32(offset)?;
        ensure!(number != u32::MAX, "it is a Zip64, and ours are not");
        Ok(usize::try_from(number)?)
    }
}
