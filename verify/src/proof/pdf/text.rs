//! Extracts the text that a page draws.

use super::content::{decode, streams};
use lopdf::content::Content;
use lopdf::{Dictionary, Document, Encoding, Object, Stream};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// The deepest nesting of forms.
const DEPTH_MAX: usize = 8;

/// The work budget of a document: bytes of content read and of text found. A document of a thousand
/// pages full of text needs some tens of millions.
const WORK_MAX: usize = 64 << 20;

/// Fixed cost of a page, a drawn form or a font, beside its bytes.
const WORK_EACH: usize = 1 << 10;

/// The largest ToUnicode table of a font after decoding, in bytes.
const FONT_MAX: usize = 1 << 20;

/// The longest string of a text operator, in bytes. A font may map each byte to many letters.
const STRING_MAX: usize = 32 << 10;

/// Collects text in drawing order.
pub(super) struct Reader<'a> {
    document: &'a Document,
    pub(super) text: String,
    /// The first thing that could not be read.
    pub(super) problem: Option<String>,
    /// Remainder of [`WORK_MAX`].
    left: usize,
    /// Encodings by the address of their font's dictionary, so that each font is read once.
    fonts: BTreeMap<usize, Option<Rc<Encoding<'a>>>>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(document: &'a Document) -> Self {
        Self {
            document,
            text: String::new(),
            problem: None,
            left: WORK_MAX,
            fonts: BTreeMap::new(),
        }
    }

    /// Whether the budget is used up.
    pub(super) fn exhausted(&self) -> bool {
        self.left == 0
    }

    /// Takes work from the budget. Once it does not suffice, the rest of the document is skipped.
    fn take(&mut self, work: usize) -> bool {
        match self.left.checked_sub(work) {
            Some(left) if left > 0 => self.left = left,
            _ => {
                self.left = 0;
                self.fail(&"reading it takes more work than this program does");
            }
        }
        self.left > 0
    }

    /// Reads a page into `text`.
    pub(super) fn page(&mut self, page: lopdf::ObjectId) {
        self.text.clear();
        if !self.take(WORK_EACH) {
            return;
        }
        let (own, inherited) = match self.document.get_page_resources(page) {
            Ok(resources) => resources,
            Err(error) => return self.fail(&error),
        };
        let inherited = inherited
            .iter()
            .filter_map(|id| self.document.get_dictionary(*id).ok());
        let resources: Vec<&Dictionary> = own.into_iter().chain(inherited).collect();
        let Ok(page) = self.document.get_dictionary(page) else {
            return self.fail(&"it is not a dictionary");
        };
        // The streams of a page form one content that may be divided between any two tokens. But a
        // stream that leaves a string or an array open must not hide the others: a stamp has a
        // stream of its own. So they are read together and, if there are several, also one by one.
        let streams = streams(self.document, page);
        let parts: Vec<Vec<u8>> = streams
            .iter()
            .filter_map(|stream| self.decode(stream))
            .collect();
        if let [one] = parts.as_slice() {
            return self.stream(one, &resources, &mut BTreeSet::new());
        }
        let whole = Content::decode(&parts.join(&b'\n'));
        if let Ok(content) = &whole {
            self.content(content, &resources, &mut BTreeSet::new());
        }
        let known = self.problem.clone();
        for part in &parts {
            self.text.push('\n');
            if self.take(part.len()) {
                self.stream(part, &resources, &mut BTreeSet::new());
            }
        }
        // A part may depend on an earlier one, which sets its font for example.
        if whole.is_ok() && !self.exhausted() {
            self.problem = known;
        }
    }

    /// Decodes a stream within the budget.
    fn decode(&mut self, stream: &Stream) -> Option<Vec<u8>> {
        match decode(self.document, stream, self.left) {
            Ok(content) => self.take(content.len()).then_some(content),
            Err((error, cost)) => {
                if self.take(cost) {
                    self.fail(&error);
                }
                None
            }
        }
    }

    /// Reads the content of one stream on its own.
    fn stream(
        &mut self,
        content: &[u8],
        resources: &[&'a Dictionary],
        open: &mut BTreeSet<lopdf::ObjectId>,
    ) {
        match Content::decode(content) {
            Ok(content) => self.content(&content, resources, open),
            Err(error) => self.fail(&error),
        }
    }

    fn fail(&mut self, error: &impl std::fmt::Display) {
        self.problem
            .get_or_insert_with(|| format!("a page cannot be read: {error}"));
    }

    fn content(
        &mut self,
        content: &Content,
        resources: &[&'a Dictionary],
        open: &mut BTreeSet<lopdf::ObjectId>,
    ) {
        let mut fonts: BTreeMap<Vec<u8>, Option<Rc<Encoding<'a>>>> = BTreeMap::new();
        let mut font = None;
        for operation in &content.operations {
            // Checked for each operation: a small file can contain millions of them.
            if self.exhausted() {
                return;
            }
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
                        .and_then(Option::as_deref);
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

    /// Looks up a named resource of a category.
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

    fn encoding(&mut self, resources: &[&'a Dictionary], name: &[u8]) -> Option<Rc<Encoding<'a>>> {
        let font = self.resource(resources, b"Font", name)?;
        let (_, font) = self.document.dereference(font).ok()?;
        let font = font.as_dict().ok()?;
        let address = std::ptr::from_ref(font).addr();
        if let Some(known) = self.fonts.get(&address) {
            return known.clone();
        }
        let found = self.read_encoding(font).map(Rc::new);
        self.fonts.insert(address, found.clone());
        found
    }

    fn read_encoding(&mut self, font: &'a Dictionary) -> Option<Encoding<'a>> {
        if !self.take(WORK_EACH) {
            return None;
        }
        // Without this check, a composite font that does not map its glyphs to letters would be
        // read like a simple font.
        let composite = font
            .get(b"Subtype")
            .and_then(Object::as_name)
            .is_ok_and(|kind| kind == b"Type0");
        if let Ok(table) = font.get_deref(b"ToUnicode", self.document)
            && let Ok(stream) = table.as_stream()
        {
            // The decoded size is known only afterwards, so the budget is charged for a table of
            // the greatest plausible size.
            let size = stream.content.len().saturating_mul(32).min(FONT_MAX);
            if !self.take(size) {
                return None;
            }
        } else if composite {
            return None;
        }
        font.get_font_encoding_with_limit(self.document, FONT_MAX)
            .ok()
    }

    fn show(&mut self, operands: &[Object], encoding: Option<&Encoding<'a>>) {
        for operand in operands {
            match operand {
                Object::Array(list) => self.show(list, encoding),
                Object::String(bytes, _) if bytes.len() > STRING_MAX => {
                    self.fail(&"a string is longer than a page shows");
                }
                Object::String(bytes, _) => {
                    let text =
                        encoding.and_then(|encoding| Document::decode_text(encoding, bytes).ok());
                    match text {
                        Some(text) => {
                            if self.take(text.len()) {
                                self.text.push_str(&text);
                            }
                        }
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
        if !is_form || !self.take(WORK_EACH) || open.len() >= DEPTH_MAX || !open.insert(id) {
            return;
        }
        let own = stream
            .dict
            .get_deref(b"Resources", self.document)
            .and_then(Object::as_dict)
            .ok();
        if let Some(content) = self.decode(stream) {
            match own {
                Some(own) => self.stream(&content, &[own], open),
                None => self.stream(&content, resources, open),
            }
        }
        open.remove(&id);
    }
}
