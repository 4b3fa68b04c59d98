//! Contents of two files: whether they differ, and a look at where.

use super::Difference;
use crate::content::Content;
use crate::error::{Error, Result};
use similar::TextDiff;
use std::io::Read;

/// Larger files are shown as bytes, whatever they hold.
const TEXT_MAX: u64 = 256 << 10;
/// Lines of detail for each file.
const LINES_MAX: usize = 24;
const ROW: usize = 16;

pub(super) fn compare(
    place: &str,
    path: &str,
    left: &Content,
    right: &Content,
) -> Result<Option<Difference>> {
    let Some(at) = first_difference(left, right, path)? else {
        return Ok(None);
    };
    let size = |content: &Content| Some(format!("{} bytes", content.len()));
    let mut difference = Difference::new(true, place, path, "content", size(left), size(right));
    difference.detail = match (text(left, path)?, text(right, path)?) {
        (Some(one), Some(other)) => lines(&one, &other),
        _ => rows(left, right, at, path)?,
    };
    Ok(Some(difference))
}

/// Where the contents first differ; the shorter one's end counts.
fn first_difference(left: &Content, right: &Content, path: &str) -> Result<Option<u64>> {
    let (mut one, mut other) = (left.open()?, right.open()?);
    let mut buffers = (vec![0; 64 << 10], vec![0; 64 << 10]);
    let mut at = 0;
    loop {
        let a = fill(&mut one, &mut buffers.0, path)?;
        let b = fill(&mut other, &mut buffers.1, path)?;
        if let Some(found) = a.iter().zip(b).position(|(a, b)| a != b) {
            return Ok(Some(at + found as u64));
        }
        let common = a.len().min(b.len());
        at += common as u64;
        if a.len() != b.len() {
            return Ok(Some(at));
        }
        if common == 0 {
            return Ok(None);
        }
    }
}

/// Reads until the buffer is full or the content ends.
fn fill<'a>(reader: &mut impl Read, buffer: &'a mut [u8], path: &str) -> Result<&'a [u8]> {
    let mut done = 0;
    while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
        match reader
            .read(rest)
            .map_err(|error| Error::io("read", path, error))?
        {
            0 => break,
            count => done += count,
        }
    }
    Ok(buffer.get(..done).unwrap_or_default())
}

/// The content as text, if it is short enough and text at all.
fn text(content: &Content, path: &str) -> Result<Option<String>> {
    if content.len() > TEXT_MAX {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    content
        .open()?
        .read_to_end(&mut bytes)
        .map_err(|error| Error::io("read", path, error))?;
    let text = String::from_utf8(bytes).ok();
    Ok(text.filter(|text| !text.contains('\0')))
}

/// The changed lines with their numbers' hunk headers, as `diff -U1` prints them.
fn lines(left: &str, right: &str) -> Vec<String> {
    let diff = TextDiff::from_lines(left, right);
    let unified = diff.unified_diff().context_radius(1).to_string();
    // Contents are foreign: what would move the cursor is escaped.
    let mut lines: Vec<String> = unified
        .lines()
        .map(|line| crate::printable(line.as_bytes()))
        .collect();
    if lines.len() > LINES_MAX {
        let more = lines.len() - LINES_MAX;
        lines.truncate(LINES_MAX);
        lines.push(format!("... and {more} more lines"));
    }
    lines
}

/// The bytes around the first difference, in hexadecimal.
fn rows(left: &Content, right: &Content, at: u64, path: &str) -> Result<Vec<String>> {
    let start = at - at % ROW as u64;
    let mut rows = vec![format!("first difference at byte {at}")];
    for (sign, content) in [('-', left), ('+', right)] {
        let mut reader = content.open()?;
        std::io::copy(&mut reader.by_ref().take(start), &mut std::io::sink())
            .map_err(|error| Error::io("read", path, error))?;
        let mut row = [0; ROW];
        let row = fill(&mut reader, &mut row, path)?;
        let digits: Vec<String> = row.iter().map(|byte| format!("{byte:02x}")).collect();
        let shown: String = row
            .iter()
            .map(|&byte| {
                if (b' '..=b'~').contains(&byte) {
                    char::from(byte)
                } else {
                    '.'
                }
            })
            .collect();
        rows.push(format!(
            "{sign}{start:08x}  {:<47}  {shown}",
            digits.join(" ")
        ));
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detail(left: &[u8], right: &[u8]) -> Option<Vec<String>> {
        compare("p", "f", &left.to_vec().into(), &right.to_vec().into())
            .unwrap()
            .map(|difference| difference.detail)
    }

    #[test]
    fn equal_contents_have_no_difference() {
        assert_eq!(detail(b"", b""), None);
        assert_eq!(detail(&vec![7; 200_000], &vec![7; 200_000]), None);
    }

    #[test]
    fn text_is_shown_as_lines() {
        let shown = detail(b"a\nb\nc\n", b"a\nB\nc\n").unwrap();
        assert!(
            shown.contains(&"-b".to_owned()) && shown.contains(&"+B".to_owned()),
            "{shown:?}"
        );
        let shown = detail(b"a\x1b[2J\n", b"a\n").unwrap();
        assert!(!shown.concat().contains('\x1b'), "{shown:?}");
    }

    #[test]
    fn bytes_are_shown_where_they_first_differ() {
        let mut left = vec![0_u8; 70_000];
        let right = left.clone();
        left[69_999] = 0xff;
        let shown = detail(&left, &right).unwrap();
        assert_eq!(shown[0], "first difference at byte 69999");
        assert!(shown[1].starts_with("-00011160  00 00"), "{shown:?}");
        assert!(shown[1].contains(" ff "), "{shown:?}");
        // One is the beginning of the other.
        let shown = detail(&left, &left[..100]).unwrap();
        assert_eq!(shown[0], "first difference at byte 100");
    }

    #[test]
    fn long_differences_are_cut() {
        let many = "line\n".repeat(1000);
        let shown = detail(many.as_bytes(), b"").unwrap();
        assert_eq!(shown.len(), LINES_MAX + 1);
        assert!(shown[LINES_MAX].contains("more lines"));
    }
}
