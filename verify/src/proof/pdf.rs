//! What the pages of a signed PDF show. Its bytes are attested, so nothing here decides whether it is genuine on good news; bad news counts.

use letsesign_proof::MagicNumber;
use lopdf::content::Content;
use lopdf::{Dictionary, Document, Encoding, LoadOptions, Object};
use std::collections::{BTreeMap, BTreeSet};

/// What any stream may unpack to.
const STREAM_MAX: usize = 64 << 20;

/// How deep forms may be drawn in forms.
const DEPTH_MAX: usize = 8;

/// The line after the last %%EOF.
const TRAILER: &[u8] = b"letsesign=true";

/// Whether the pages show the magic number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shown {
    /// On these pages, counted from 1.
    On(Vec<u32>),
    /// The text could be read and shows another one.
    Another(String),
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

/// Looks for the magic number on the pages.
pub(super) fn magic_number(pdf: &[u8], magic: &MagicNumber) -> Shown {
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
    let (mut on, mut another, mut problem) = (Vec::new(), None, None);
    let pages = document.get_pages();
    for (number, page) in &pages {
        let mut reader = Reader {
            document: &document,
            text: String::new(),
            problem: None,
        };
        reader.page(*page);
        let text: String = reader.text.chars().filter(|c| !c.is_whitespace()).collect();
        if text.contains(&wanted) {
            on.push(*number);
        }
        another = another.or_else(|| other_magic(&text, &wanted));
        problem = problem.or(reader.problem);
    }
    match (on.is_empty(), another, problem) {
        (_, Some(other), _) => Shown::Another(other),
        (false, None, _) => Shown::On(on),
        (true, None, Some(problem)) => Shown::Unreadable(problem),
        (true, None, None) if pages.is_empty() => {
            Shown::Unreadable("the PDF has no pages".to_owned())
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

/// Collects the text that is drawn, in the order of drawing.
struct Reader<'a> {
    document: &'a Document,
    text: String,
    /// The first thing that could not be read.
    problem: Option<String>,
}

impl<'a> Reader<'a> {
    fn page(&mut self, page: lopdf::ObjectId) {
        let content = self.document.get_page_content_with_limit(page, STREAM_MAX);
        let resources = self.document.get_page_resources(page);
        match (content, resources) {
            (Ok(content), Ok((own, inherited))) => {
                let inherited = inherited
                    .iter()
                    .filter_map(|id| self.document.get_dictionary(*id).ok());
                let all: Vec<&Dictionary> = own.into_iter().chain(inherited).collect();
                self.content(&content, &all, &mut BTreeSet::new());
            }
            (Err(error), _) | (_, Err(error)) => self.fail(&error),
        }
    }

    fn fail(&mut self, error: &impl std::fmt::Display) {
        self.problem
            .get_or_insert_with(|| format!("a page cannot be read: {error}"));
    }

    fn content(
        &mut self,
        content: &[u8],
        resources: &[&'a Dictionary],
        open: &mut BTreeSet<lopdf::ObjectId>,
    ) {
        let content = match Content::decode(content) {
            Ok(content) => content,
            Err(error) => return self.fail(&error),
        };
        let mut fonts: BTreeMap<Vec<u8>, Option<Encoding<'a>>> = BTreeMap::new();
        let mut font = None;
        for operation in &content.operations {
            let name = || {
                operation
                    .operands
                    .first()
                    .and_then(|operand| operand.as_name().ok())
            };
            match operation.operator.as_str() {
                "Tf" => {
                    font = name().map(<[u8]>::to_vec);
                    if let Some(name) = &font
                        && !fonts.contains_key(name)
                    {
                        fonts.insert(name.clone(), self.encoding(resources, name));
                    }
                }
                "Tj" | "TJ" | "'" | "\"" => {
                    let encoding = font
                        .as_ref()
                        .and_then(|name| fonts.get(name))
                        .and_then(Option::as_ref);
                    self.show(&operation.operands, encoding);
                }
                "Do" => {
                    if let Some(name) = name() {
                        self.form(name, resources, open);
                    }
                }
                _ => {}
            }
        }
    }

    /// A named resource of a kind.
    fn resource(
        &self,
        resources: &[&'a Dictionary],
        kind: &[u8],
        name: &[u8],
    ) -> Option<&'a Object> {
        resources.iter().find_map(|resources| {
            let list = resources
                .get_deref(kind, self.document)
                .and_then(Object::as_dict)
                .ok()?;
            list.get(name).ok()
        })
    }

    fn encoding(&self, resources: &[&'a Dictionary], name: &[u8]) -> Option<Encoding<'a>> {
        let font = self.resource(resources, b"Font", name)?;
        let (_, font) = self.document.dereference(font).ok()?;
        let font = font.as_dict().ok()?;
        // A composite font that does not say which letters its glyphs are would be read as if it were a simple one.
        let composite = font
            .get(b"Subtype")
            .and_then(Object::as_name)
            .is_ok_and(|kind| kind == b"Type0");
        if composite && !font.has(b"ToUnicode") {
            return None;
        }
        font.get_font_encoding_with_limit(self.document, STREAM_MAX)
            .ok()
    }

    fn show(&mut self, operands: &[Object], encoding: Option<&Encoding<'a>>) {
        for operand in operands {
            match operand {
                Object::Array(list) => self.show(list, encoding),
                Object::String(bytes, _) => {
                    let text =
                        encoding.and_then(|encoding| Document::decode_text(encoding, bytes).ok());
                    match text {
                        Some(text) => self.text.push_str(&text),
                        None => self.fail(&"a font does not say which letters it shows"),
                    }
                }
                _ => {}
            }
        }
    }

    fn form(
        &mut self,
        name: &[u8],
        resources: &[&'a Dictionary],
        open: &mut BTreeSet<lopdf::ObjectId>,
    ) {
        let Some(Ok((Some(id), object))) = self
            .resource(resources, b"XObject", name)
            .map(|object| self.document.dereference(object))
        else {
            return;
        };
        let Ok(stream) = object.as_stream() else {
            return;
        };
        let is_form = stream
            .dict
            .get(b"Subtype")
            .and_then(Object::as_name)
            .is_ok_and(|kind| kind == b"Form");
        // A form that draws itself would never end.
        if !is_form || open.len() >= DEPTH_MAX || !open.insert(id) {
            return;
        }
        let own = stream
            .dict
            .get_deref(b"Resources", self.document)
            .and_then(Object::as_dict)
            .ok();
        let content = if stream.dict.has(b"Filter") {
            stream.decompressed_content_with_limit(STREAM_MAX)
        } else {
            Ok(stream.content.clone())
        };
        match content {
            Ok(content) => match own {
                Some(own) => self.content(&content, &[own], open),
                None => self.content(&content, resources, open),
            },
            Err(error) => self.fail(&error),
        }
        open.remove(&id);
    }
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
