//! Reads the text of a signed PDF's pages. The attestation covers all bytes, so finding the magic
//! number does not make a document genuine; a different number causes a warning.

mod content;
mod text;

use letsesign_proof::MagicNumber;
use lopdf::{Document, LoadOptions};
use text::Reader;

/// The largest decoded stream, in bytes.
const STREAM_MAX: usize = 64 << 20;

/// The longest time for reading a PDF. Ordinary PDFs take milliseconds; this limit catches what the
/// work budget does not.
const GUARD: std::time::Duration = std::time::Duration::from_mins(1);

/// Stack of the reading thread, in bytes: the parser recurses, and so do nested forms.
const STACK: usize = 16 << 20;

/// The line after the last %%EOF.
const TRAILER: &[u8] = b"letsesign=true";

/// Whether the pages show the magic number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shown {
    /// These pages show it, counted from 1.
    On(Vec<u32>),
    /// A page shows `number`, which looks like another magic number; the pages `on` show ours.
    Another { number: String, on: Vec<u32> },
    /// The text was read and does not contain one: no signer has a signature field.
    Nowhere,
    /// The text cannot be read; the reason.
    Unreadable(String),
}

/// Whether a PDF ends as the enclave writes it: after the last %%EOF comes the line
/// `letsesign=true` and nothing else.
pub(super) fn has_trailer(pdf: &[u8]) -> bool {
    let marker = b"%%EOF";
    let Some(at) = pdf
        .windows(marker.len())
        .rposition(|window| window == marker)
    else {
        return false;
    };
    pdf.get(at + marker.len()..)
        .is_some_and(|rest| rest.trim_ascii() == TRAILER)
}

/// Searches the pages for the magic number. A budget bounds the work. If the parser itself takes
/// too long, the search is abandoned after [`GUARD`]: the verdict does not depend on it, so the
/// user must not wait for it.
pub(super) fn magic_number(pdf: &[u8], magic: &MagicNumber) -> Shown {
    let (sender, receiver) = std::sync::mpsc::channel();
    let (pdf, magic) = (pdf.to_vec(), *magic);
    let work = move || {
        // The receiver is gone if the time limit came first.
        let _ = sender.send(look(&pdf, &magic));
    };
    let builder = std::thread::Builder::new().stack_size(STACK);
    if let Err(error) = builder.spawn(work) {
        return Shown::Unreadable(format!("cannot start a thread: {error}"));
    }
    receiver
        .recv_timeout(GUARD)
        .unwrap_or_else(|_| Shown::Unreadable("the PDF takes too long to read".to_owned()))
}

fn look(pdf: &[u8], magic: &MagicNumber) -> Shown {
    let options = LoadOptions {
        max_decompressed_size: Some(STREAM_MAX),
        ..LoadOptions::default()
    };
    let document = match Document::load_mem_with_options(pdf, options) {
        Ok(document) => document,
        Err(error) => return Shown::Unreadable(format!("the PDF cannot be parsed: {error}")),
    };
    if document.is_encrypted() && document.encryption_state.is_none() {
        return Shown::Unreadable("the PDF is encrypted".to_owned());
    }
    let wanted = magic.on_page();
    let (mut on, mut another) = (Vec::new(), None);
    let pages = document.get_pages();
    let mut reader = Reader::new(&document);
    for (number, page) in &pages {
        reader.page(*page);
        let text: String = reader.text.chars().filter(|c| !c.is_whitespace()).collect();
        if text.contains(&wanted) {
            on.push(*number);
        }
        another = another.or_else(|| other_magic(&text, &wanted));
        if reader.exhausted() {
            break;
        }
    }
    let problem = reader.problem;
    match (on.is_empty(), another, problem) {
        (_, Some(number), _) => Shown::Another { number, on },
        (false, None, _) => Shown::On(on),
        (true, None, Some(problem)) => Shown::Unreadable(problem),
        (true, None, None) if pages.is_empty() => {
            Shown::Unreadable("the PDF has no pages".to_owned())
        }
        // Some encryption is not supported, and wrong decryption yields no text.
        (true, None, None) if document.encryption_state.is_some() => {
            Shown::Unreadable("the PDF is encrypted, and no text of it could be read".to_owned())
        }
        (true, None, None) => Shown::Nowhere,
    }
}

/// A magic number that differs from ours, in the form of a signature: 32 hexadecimal digits
/// followed by a number in parentheses.
fn other_magic(text: &str, wanted: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let hex = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    for (at, _) in text.match_indices('(') {
        let digits = at
            .checked_sub(32)
            .and_then(|start| bytes.get(start..at))
            .filter(|digits| digits.iter().all(hex));
        let rest = bytes.get(at + 1..).unwrap_or_default();
        let number = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if let Some(digits) = digits
            && (2..=4).contains(&number)
            && rest.get(number) == Some(&b')')
            && digits != wanted.as_bytes()
        {
            return Some(String::from_utf8_lossy(digits).into_owned());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_trailer_is_the_last_line_after_the_last_end() {
        assert!(has_trailer(b"%PDF-1.7\n%%EOF\nletsesign=true\n"));
        assert!(has_trailer(b"%%EOF\nother\n%%EOF\r\nletsesign=true"));
        for bad in [
            &b""[..],
            b"letsesign=true",
            b"%%EOF\n",
            b"%%EOF\nletsesign=true\n%%EOF\n",
            b"%%EOF\nletsesign=false\n",
            b"%%EOF\nxletsesign=true",
        ] {
            assert!(!has_trailer(bad), "{bad:?}");
        }
    }

    /// Documents whose own content most text readers cannot handle, with our stamp beside it. The
    /// stamp must be found regardless (`tests/vectors/pdf`).
    #[test]
    fn a_visible_stamp_is_found_whatever_else_the_page_draws() {
        use letsesign_stamp::{Field, FieldKind, Fonts, Mark, Output, Signer, Template};
        const UNREAD: [&str; 4] = [
            "refused-indirect-crypt-filter-R4.pdf",
            "refused-indirect-crypt-filter-R6.pdf",
            "refused-no-header.pdf",
            "refused-v4-rc4-40.pdf",
        ];
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let [script, mono, cjk] = letsesign_tests::fonts().unwrap();
        let fonts = Fonts::new(script, mono, cjk).unwrap();
        let magic = MagicNumber([0xa5; 32]);
        let fields = [Field {
            kind: FieldKind::Signature,
            page: 1,
            x: 72.0,
            y: 72.0,
            height: 36.0,
        }];
        let signer = Signer {
            number: 1,
            name: "Ada",
            fields: &fields,
            what: Mark::Signed {
                magic_number: &magic.to_string(),
                date: "2026/11/26 (UTC)",
            },
        };
        let (mut seen, mut missed) = (0, Vec::new());
        for entry in std::fs::read_dir(root.join("tests/vectors/pdf")).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.extension().is_none_or(|extension| extension != "pdf") {
                continue;
            }
            let pdf = std::fs::read(&path).unwrap();
            let signed = Template::open(&pdf)
                .and_then(|template| template.stamp(&fonts, &[signer], Output::Signed));
            let Ok(signed) = signed else { continue };
            seen += 1;
            match magic_number(&signed, &magic) {
                Shown::On(pages) if pages == [1] => {}
                // The library cannot read these. The result must say so instead of claiming that
                // the stamp is missing.
                Shown::Unreadable(_) if UNREAD.contains(&name.as_str()) => {}
                other => missed.push((name, other)),
            }
        }
        assert!(missed.is_empty(), "{missed:#?}");
        assert!(seen > 10, "only {seen} vectors could be stamped");
    }

    #[test]
    fn another_magic_number_differs_from_ours_and_from_other_text() {
        let (ours, other) = ("0".repeat(32), "f".repeat(32));
        assert_eq!(
            other_magic(&format!("x{ours}(01)y{other}(02)"), &ours),
            Some(other.clone())
        );
        for fine in [
            format!("{ours}(01){ours}(100)"),
            format!("{other}(x)"),
            format!("{other}()"),
            format!("{other}(01"),
            "(01)".into(),
        ] {
            assert_eq!(other_magic(&fine, &ours), None, "{fine}");
        }
        // A short text before a parenthesis does not hide later matches.
        assert_eq!(other_magic(&format!("(a){other}(02)"), &ours), Some(other));
    }
}
