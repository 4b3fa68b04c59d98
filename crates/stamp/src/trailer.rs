//! The mark of signed documents.

use memchr::memmem;

/// The last line of a signed document.
pub(crate) const MARK: &[u8] = b"letsesign=true";

/// Whether the mark stands after any `%%EOF`. Updates that others append later do not hide it.
pub fn is_signed(pdf: &[u8]) -> bool {
    const END: &[u8] = b"%%EOF";
    memmem::find_iter(pdf, END).any(|at| {
        let after = pdf.get(at + END.len()..).unwrap_or_default();
        // Until objects begin again; text in them is not the file's own.
        let end = memmem::find(after, b" obj").unwrap_or(after.len());
        let after = after.get(..end).unwrap_or_default();
        memmem::find(after, MARK).is_some()
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
            (b"", false),
        ] {
            assert_eq!(is_signed(pdf), signed, "{}", String::from_utf8_lossy(pdf));
        }
    }

    #[test]
    fn many_ends_cost_little() {
        assert!(!is_signed(&b"%%EOF obj".repeat(100_000)));
    }
}
