//! What the pages of a signed PDF show. Its bytes are attested, so nothing here decides whether it is genuine on good news; bad news counts.

mod content;
mod text;

use letsesign_proof::MagicNumber;
use lopdf::{Document, LoadOptions};
use text::Reader;

/// What any stream may unpack to.
const STREAM_MAX: usize = 64 << 20;

/// How long reading a PDF may take. What ordinary PDFs take is milliseconds; this is for what no
/// budget foresees.
const GUARD: std::time::Duration = std::time::Duration::from_mins(1);

/// The parser and forms in forms recurse.
const STACK: usize = 16 << 20;

/// The line after the last %%EOF.
const TRAILER: &[u8] = b"letsesign=true";

/// Whether the pages show the magic number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shown {
    /// On these pages, counted from 1.
    On(Vec<u32>),
    /// A page shows what looks like another one, and these pages ours.
    Another { number: String, on: Vec<u32> },
    /// The text could be read and shows none: no signer has a signature field.
    Nowhere,
    /// The text cannot be read.
    Unreadable(String),
}

/// Whether a PDF ends as the enclave ends it: after the last %%EOF a line `letsesign=true`, and nothing else.
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

/// Looks for the magic number on the pages. Work is bounded by a budget; a PDF that keeps the
/// parser itself busy is given up after [`GUARD`], so that nobody waits for a verdict that does not
/// depend on it.
pub(super) fn magic_number(pdf: &[u8], magic: &MagicNumber) -> Shown {
    let (sender, receiver) = std::sync::mpsc::channel();
    let (pdf, magic) = (pdf.to_vec(), *magic);
    let work = move || {
        // Nobody listens any more when the guard was faster.
        let _ = sender.send(look(&pdf, &magic));
    };
    let builder = std::thread::Builder::new().stack_size(STACK);
    if let Err(error) = builder.spawn(work) {
        return Shown::Unreadable(format!("there is no thread for it: {error}"));
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
        // Not every form of encryption is read, and what is decrypted wrongly shows nothing.
        (true, None, None) if document.encryption_state.is_some() => {
            Shown::Unreadable("the PDF is encrypted, and no text of it could be read".to_owned())
        }
        (true, None, None) => Shown::Nowhere,
    }
}

/// A magic number that is not ours, in the form of a signature: 32 hexadecimal digits followed by a number in parentheses.
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

    /// Documents whose own content most readers of text give up on, with our stamp beside it: the
    /// stamp is what counts (`tests/vectors/pdf`).
    #[test]
    fn a_visible_stamp_is_found_whatever_else_the_page_draws() {
        use letsesign_stamp::{Field, FieldKind, Fonts, Output, Signer, Template, What};
        const UNREAD: [&str; 4] = [
            "refused-indirect-crypt-filter-R4.pdf",
            "refused-indirect-crypt-filter-R6.pdf",
            "refused-no-header.pdf",
            "refused-v4-rc4-40.pdf",
        ];
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let font =
            |name: &str| std::fs::read(root.join("enclave/packages/fonts").join(name)).unwrap();
        let fonts = Fonts::new(
            font("DancingScript-Regular.otf"),
            font("Inconsolata.otf"),
            font("ukai.ttc"),
        )
        .unwrap();
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
            what: What::Signed {
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
                // The library does not read these. That is said, and not that there is no stamp.
                Shown::Unreadable(_) if UNREAD.contains(&name.as_str()) => {}
                other => missed.push((name, other)),
            }
        }
        assert!(missed.is_empty(), "{missed:#?}");
        assert!(seen > 10, "only {seen} vectors could be stamped");
    }

    #[test]
    fn another_magic_number_is_told_from_ours_and_from_other_text() {
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
        // Where text before a parenthesis is short, later ones still count.
        assert_eq!(other_magic(&format!("(a){other}(02)"), &ours), Some(other));
    }
}
