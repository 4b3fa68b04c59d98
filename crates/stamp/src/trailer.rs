//! The trailer line that marks signed documents.

use letsesign_pdf_reader::repair::head_before;
use memchr::memmem;

/// The last line of a signed document.
pub(crate) const MARK: &[u8] = b"letsesign=true";

/// Whether the mark is on a line after any `%%EOF`, outside of objects. Updates appended by others
/// do not hide it. Blanks, case and bytes outside ASCII are ignored. Runs in one pass.
pub fn is_signed(pdf: &[u8]) -> bool {
    let mut ends = memmem::find_iter(pdf, b"%%EOF").peekable();
    let mut words = memmem::find_iter(pdf, b"obj").peekable();
    // Start of the current line of the file itself: `None` before the first `%%EOF` and inside
    // objects.
    let mut outside: Option<usize> = None;
    let mut ended = false;
    loop {
        match (ends.peek().copied(), words.peek().copied()) {
            (Some(end), word) if word.is_none_or(|word| end < word) => {
                ends.next();
                ended = true;
                outside.get_or_insert(end + 5);
            }
            (_, Some(word)) => {
                words.next();
                let closes = pdf
                    .get(..word)
                    .is_some_and(|before| before.ends_with(b"end"));
                if closes && ended {
                    outside.get_or_insert(word + 3);
                } else if let Some(start) = outside
                    && let Some(head) = head_before(pdf, word)
                {
                    if is_marked(pdf.get(start..head).unwrap_or_default()) {
                        return true;
                    }
                    outside = None;
                }
            }
            _ => break,
        }
    }
    outside.is_some_and(|start| is_marked(pdf.get(start..).unwrap_or_default()))
}

/// Whether the visible ASCII characters of a line are `letsesign=true`.
fn is_marked(text: &[u8]) -> bool {
    text.split(|byte| matches!(byte, b'\r' | b'\n'))
        .any(|line| {
            let visible: Vec<u8> = line
                .iter()
                .filter(|byte| byte.is_ascii_graphic())
                .map(u8::to_ascii_lowercase)
                .collect();
            memmem::find(&visible, MARK).is_some()
        })
}

#[cfg(test)]
mod tests {
    use super::is_signed;

    #[test]
    fn after_any_end() {
        for (pdf, signed) in [
            (&b"%PDF-1.7\n%%EOF\nletsesign=true\n"[..], true),
            (b"%PDF-1.7\n%%EOF\r\nletsesign=true", true),
            (
                b"%PDF-1.7\n%%EOF\nletsesign=true\n7 0 obj\n1\nendobj\n%%EOF\n",
                true,
            ),
            (
                b"%PDF-1.7\n%%EOF\n7 0 obj\n(letsesign=true)\nendobj\n%%EOF\n",
                false,
            ),
            (b"%PDF-1.7\nletsesign=true\n%%EOF\n", false),
            (b"%PDF-1.7\n%%EOF\nletsesign=false", false),
            (b"%%EOF\n letsesign = true \n", true),
            (b"%%EOF\rLETSESIGN\t=\tTrue\r", true),
            (b"%%EOF\x0c\0letsesign=\0true\x0c", true),
            (b"%%EOF\nother=1\nletsesign=true\xff\xfe\nother=2", true),
            (b"%%EOF\nletsesign=true\n\xff\xfe\n", true),
            (b"%%EOF\n\xef\xbb\xbfletsesign=true", true),
            (b"%%EOF\n7 0 obj\n1\nendobj\nletsesign=true\n", true),
            (b"%%EOF\n1\nobj\nletsesign=true\n", true),
            (b"%%EOF\nletsesign\n=true\n", false),
            (b"%%EOF\n7 0 obj\n(\nletsesign=true\n)\nendobj\nxref", false),
            (b"", false),
        ] {
            assert_eq!(is_signed(pdf), signed, "{}", String::from_utf8_lossy(pdf));
        }
    }

    #[test]
    fn many_end_markers_are_scanned_quickly() {
        assert!(!is_signed(&b"%%EOF obj".repeat(100_000)));
        // 2 MB of `%%EOF` without objects once took 89 s.
        assert!(!is_signed(&b"%%EOF\n".repeat(4_000_000)));
        assert!(!is_signed(&b"%%EOF 1 0 obj ".repeat(2_000_000)));
        assert!(!is_signed(&b"endobj".repeat(4_000_000)));
    }
}
