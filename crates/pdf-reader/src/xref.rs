//! Cross-reference tables and streams (ISO 32000-1, 7.5.4 and 7.5.8), hybrid files included.

use crate::body;
use crate::budget::Budget;
use crate::filter;
use crate::lex::Lexer;
use crate::object::{Dict, Object};
use crate::table::{Entry, MAX_NUMBER, Table};

/// The most entries in all sections together, which bounds memory.
const MAX_ENTRIES: usize = 1_000_000;
/// The most sections of one file: each incremental update adds one.
const MAX_SECTIONS: usize = 4096;

/// The entry for an unreadable row. Its offset is behind the end of every file, so repair searches
/// for the object.
const NOWHERE: Entry = Entry::At(usize::MAX, 0);

/// The most unpacked bytes of all cross-reference streams together.
const MAX_UNPACKED: usize = MAX_ENTRIES * 16;

/// The content of a file's cross-reference sections.
pub(crate) struct Sections {
    pub(crate) table: Table,
    /// The newest trailer.
    pub(crate) trailer: Dict,
    /// Offset of the newest section, relative to the header.
    pub(crate) start: usize,
    /// Whether the newest section is a stream.
    pub(crate) stream: bool,
    /// Whether all sections were readable to their ends.
    pub(crate) whole: bool,
    /// Whether every row in them was readable: strict readers give up at the first bad one.
    pub(crate) clean: bool,
}

/// Reads all sections from `startxref` on, as far as possible. `None` when the newest one is
/// unreadable: then the file is repaired. `base` is the base of the file's offsets.
pub(crate) fn read(data: &[u8], base: usize, budget: &Budget<'_>) -> Option<Sections> {
    let start = start_of_newest(data)?;
    let mut found = Found::new(budget);
    let mut newest: Option<(Dict, bool)> = None;
    let mut seen = Vec::new();
    let mut next = Some(start);
    while let Some(offset) = next {
        if seen.contains(&offset) || seen.len() > MAX_SECTIONS {
            found.whole = false;
            break;
        }
        seen.push(offset);
        let group = seen.len();
        let Some((trailer, stream)) = section(data, base, offset, group, &mut found) else {
            found.whole = false;
            break;
        };
        if !stream && let Some(hybrid) = trailer.get(b"XRefStm") {
            // Readers that support streams find more objects there, directly after the table's own
            // ones.
            let read = hybrid.as_int().and_then(|at| usize::try_from(at).ok());
            let read = read.and_then(|at| section(data, base, at, group, &mut found));
            found.whole &= read.is_some();
        }
        next = offset_in(&trailer, b"Prev");
        found.whole &= next.is_some() || trailer.get(b"Prev").is_none();
        newest.get_or_insert((trailer, stream));
    }
    let (trailer, stream) = newest?;
    let (whole, clean) = (found.whole, found.clean);
    Some(Sections {
        table: Table::new(drop_hidden(found.entries)),
        trailer,
        start,
        stream,
        whole,
        clean,
    })
}

/// In hybrid files, the table marks objects of object streams as free, and the stream of the
/// section lists them. There the compressed entry replaces the free one.
fn drop_hidden(entries: Vec<(u32, Entry, usize)>) -> Vec<(u32, Entry)> {
    let mut compressed: Vec<(u32, usize)> = entries
        .iter()
        .filter(|(_, entry, _)| matches!(entry, Entry::In(..)))
        .map(|(number, _, section)| (*number, *section))
        .collect();
    compressed.sort_unstable();
    entries
        .into_iter()
        .filter(|(number, entry, section)| {
            *entry != Entry::Free || compressed.binary_search(&(*number, *section)).is_err()
        })
        .map(|(number, entry, _)| (number, entry))
        .collect()
}

/// Entries with the group of their section, and the remaining budget for more.
struct Found<'a> {
    entries: Vec<(u32, Entry, usize)>,
    unpacked: usize,
    /// Whether nothing was left out.
    whole: bool,
    /// Whether every row was readable.
    clean: bool,
    /// Overlapping sections could make reading quadratic.
    budget: &'a Budget<'a>,
}

impl<'a> Found<'a> {
    fn new(budget: &'a Budget<'a>) -> Self {
        Self {
            entries: Vec::new(),
            unpacked: MAX_UNPACKED,
            whole: true,
            clean: true,
            budget,
        }
    }

    fn push(&mut self, number: u32, entry: Entry, group: usize) -> Option<()> {
        if self.entries.len() >= MAX_ENTRIES || number > MAX_NUMBER {
            return None;
        }
        self.entries.push((number, entry, group));
        Some(())
    }

    fn spend(&self, bytes: usize) -> Option<()> {
        self.budget.spend(bytes).ok()
    }
}

fn start_of_newest(data: &[u8]) -> Option<usize> {
    let tail = data.len().saturating_sub(2048);
    let at = memchr::memmem::rfind(data.get(tail..)?, b"startxref")?;
    let mut lexer = Lexer::new(data, tail + at + 9);
    usize::try_from(lexer.unsigned()?).ok()
}

fn offset_in(trailer: &Dict, key: &[u8]) -> Option<usize> {
    usize::try_from(trailer.get(key)?.as_int()?).ok()
}

/// Reads one section: its trailer, and whether it is a stream. Table and stream of a hybrid section
/// share a `group`.
fn section(
    data: &[u8],
    base: usize,
    offset: usize,
    group: usize,
    found: &mut Found<'_>,
) -> Option<(Dict, bool)> {
    let mut lexer = Lexer::new(data, base.checked_add(offset)?);
    let start = lexer.at;
    lexer.skip_space();
    found.spend(lexer.at.saturating_sub(start))?;
    if lexer.take(b"xref") {
        Some((table(&mut lexer, base, group, found)?, false))
    } else {
        Some((stream(data, base, lexer.at, group, found)?, true))
    }
}

fn table(lexer: &mut Lexer<'_>, base: usize, group: usize, found: &mut Found<'_>) -> Option<Dict> {
    let start = lexer.at;
    loop {
        lexer.skip_space();
        if lexer.take(b"trailer") {
            let trailer = lexer.object()?;
            found.spend(lexer.at.saturating_sub(start))?;
            return match trailer {
                Object::Dict(dict) => Some(dict),
                _ => None,
            };
        }
        let first = u32::try_from(lexer.unsigned()?).ok()?;
        let count = u32::try_from(lexer.unsigned()?).ok()?;
        for number in first..first.checked_add(count)? {
            lexer.skip_space();
            let start = lexer.at;
            let entry = if lexer.data.get(start..)?.starts_with(b"trailer") {
                // Fewer rows than announced: the existing ones count.
                found.whole = false;
                break;
            } else if let Some(entry) = row(lexer, base) {
                entry
            } else {
                // A bad row does not affect others. Repair searches for its object.
                found.clean = false;
                lexer.at = start;
                let rest = lexer.data.get(start..)?;
                lexer.at += memchr::memchr2(b'\n', b'\r', rest)?;
                NOWHERE
            };
            found.push(number, entry, group)?;
        }
    }
}

/// Parses a row of a table.
fn row(lexer: &mut Lexer<'_>, base: usize) -> Option<Entry> {
    let offset = usize::try_from(lexer.unsigned()?).ok()?;
    let generation = lexer.unsigned()?;
    lexer.skip_space();
    let used = lexer.take(b"n");
    if !used && !lexer.take(b"f") {
        return None;
    }
    // The header is at the very start of a file, not an object: some writers mark free objects with
    // offset 0.
    Some(if used && offset != 0 {
        Entry::At(base.checked_add(offset)?, u16::try_from(generation).ok()?)
    } else {
        Entry::Free
    })
}

fn stream(
    data: &[u8],
    base: usize,
    at: usize,
    group: usize,
    found: &mut Found<'_>,
) -> Option<Dict> {
    let mut lexer = Lexer::new(data, at);
    lexer.head()?;
    let Object::Dict(dict) = lexer.object()? else {
        return None;
    };
    if !dict.is(b"Type", b"XRef") {
        return None;
    }
    let body = body::direct(data, lexer.at, &dict)?;
    found.spend(lexer.at.saturating_sub(at))?;
    let rows = filter::decode(&dict, body, found.unpacked, &mut |bytes| {
        found.spend(bytes).is_some()
    })
    .ok()?
    .data;
    found.unpacked = found.unpacked.saturating_sub(rows.len());
    let sizes: Vec<usize> = dict
        .get(b"W")?
        .array()?
        .iter()
        .map(|size| {
            size.as_int()
                .and_then(|size| usize::try_from(size).ok())
                .filter(|size| *size <= 8)
        })
        .collect::<Option<_>>()?;
    let [kind_size, second_size, third_size] = *sizes.as_slice() else {
        return None;
    };
    let width = kind_size + second_size + third_size;
    if width == 0 {
        return None;
    }
    let size = dict.get(b"Size")?.as_int()?;
    let index: Vec<i64> = match dict.get(b"Index") {
        Some(index) => index
            .array()?
            .iter()
            .map(Object::as_int)
            .collect::<Option<_>>()?,
        None => vec![0, size],
    };
    let mut rows = rows.chunks_exact(width);
    for pair in index.chunks_exact(2) {
        let [first, count] = *pair else { return None };
        let first = u32::try_from(first).ok()?;
        let count = u32::try_from(count).ok()?;
        for number in first..first.checked_add(count)? {
            let Some(row) = rows.next() else {
                // Fewer rows than announced: the existing ones count, as in other readers.
                return Some(dict);
            };
            let kind = if kind_size == 0 {
                1
            } else {
                big_endian(row.get(..kind_size)?)
            };
            let second = big_endian(row.get(kind_size..kind_size + second_size)?);
            let third = big_endian(row.get(kind_size + second_size..)?);
            let entry = match kind {
                1 if second != 0 => placed(base, second, third).unwrap_or(NOWHERE),
                2 => packed(second, third).unwrap_or(NOWHERE),
                _ => Entry::Free,
            };
            found.push(number, entry, group)?;
        }
    }
    Some(dict)
}

fn placed(base: usize, offset: u64, generation: u64) -> Option<Entry> {
    let at = base.checked_add(usize::try_from(offset).ok()?)?;
    Some(Entry::At(at, u16::try_from(generation).ok()?))
}

fn packed(stream: u64, index: u64) -> Option<Entry> {
    Some(Entry::In(
        u32::try_from(stream).ok()?,
        u32::try_from(index).ok()?,
    ))
}

fn big_endian(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0, |value, byte| value << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Limits;

    #[test]
    fn a_table_with_two_sections_and_an_update() {
        let first = "%PDF-1.4\nxref\n0 1\n0000000000 65535 f \n3 1\n0000000050 00000 n \n\
            trailer <</Size 4/Root 3 0 R>>\n";
        let start = first.len();
        let text = format!(
            "{first}xref\n3 1\n0000000070 00001 n \ntrailer <</Size 4/Root 3 1 R/Prev 9>>\nstartxref\n{start}\n%%EOF"
        );
        let sections = read(text.as_bytes(), 0, &Budget::new(Limits::default())).unwrap();
        assert_eq!(sections.start, start);
        assert!(!sections.stream);
        assert_eq!(sections.table.get(3), Some(Entry::At(70, 1)));
        assert_eq!(sections.table.get(0), Some(Entry::Free));
        assert_eq!(sections.table.get(1), None);
        assert_eq!(sections.table.end(), 4);
    }

    #[test]
    fn a_bad_row_does_not_affect_others() {
        let text = "xref\n0 4\n0000000000 65535 f \n00000x0050 00000 n \n0000000070 99999 n \n\
            0000000090 00000 n \ntrailer <</Size 4>>\nstartxref 0";
        let sections = read(text.as_bytes(), 0, &Budget::new(Limits::default())).unwrap();
        let entry = |number| sections.table.get(number).unwrap();
        assert_eq!([1, 2].map(entry), [NOWHERE; 2]);
        assert_eq!(entry(3), Entry::At(90, 0));
        assert!(sections.whole && !sections.clean);
    }

    #[test]
    fn loops_and_false_counts_end() {
        for text in [
            &b"xref\n0 0\ntrailer <</Prev 0>>\nstartxref 0"[..],
            b"xref\n0 4000000000\n0000000000 65535 f \ntrailer <<>>\nstartxref 0",
            b"xref\n8388608 1\n0000000001 00000 n \ntrailer <<>>\nstartxref 0",
            b"startxref 99999999999999999999",
            b"startxref 5",
        ] {
            let sections = read(text, 0, &Budget::new(Limits::default()));
            assert!(sections.is_none_or(|sections| !sections.whole));
        }
    }
}
