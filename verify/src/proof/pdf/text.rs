//! The text that a page draws.

use super::STREAM_MAX;
use lopdf::content::Content;
use lopdf::{Dictionary, Document, Encoding, Object};
use std::collections::{BTreeMap, BTreeSet};

/// How deep forms may be drawn in forms.
const DEPTH_MAX: usize = 8;

/// Collects the text that is drawn, in the order of drawing.
pub(super) struct Reader<'a> {
    document: &'a Document,
    pub(super) text: String,
    /// The first thing that could not be read.
    pub(super) problem: Option<String>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(document: &'a Document) -> Self {
        Self {
            document,
            text: String::new(),
            problem: None,
        }
    }

    pub(super) fn page(&mut self, page: lopdf::ObjectId) {
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
