//! A page's content, and the operators before and after it that let a stamp be drawn in the page's
//! own space whatever the content leaves behind. Content that readers could interpret differently
//! is rewritten.

mod image;
mod operators;
mod scan;
#[cfg(test)]
mod tests;
mod values;

use crate::error::Error;
use crate::page::Page;
use crate::update::Update;
use image::Surroundings;
use letsesign_pdf_reader::document::Document;
use letsesign_pdf_reader::filter::{Failed, deflate_within};
use letsesign_pdf_reader::object::{Dict, Object};
use letsesign_pdf_reader::table::Entry;
use scan::{Open, Stop};
use std::borrow::Cow;
use std::collections::HashMap;

/// The largest content of one page after unpacking, in bytes.
const MAX_CONTENT: usize = 48 << 20;
/// The most open states and marked-content sequences to close. No reader supports as many.
const MAX_OPEN: usize = 4096;
/// With more unmatched `Q` than this, they are removed instead of matched.
const MAX_MISSING: usize = 64;

/// Work for each byte of content.
const OPERATORS: usize = 4;

/// The streams of a page's content, with the operators around them.
pub(crate) struct Content {
    pub(crate) streams: Vec<Object>,
    /// `q`, and one more for each unmatched `Q`.
    pub(crate) before: Vec<u8>,
    /// The operators that close what the content leaves open.
    pub(crate) after: Vec<u8>,
}

/// Reads the content of `page`, which uses `resources`. Rewritten content is added to `update`.
pub(crate) fn content(
    document: &Document<'_>,
    page: &Page,
    resources: &Dict,
    update: &mut Update,
) -> Result<Content, Error> {
    let mut read = streams(document, page)?;
    if read.streams.is_empty() && read.clean {
        return Ok(around(Vec::new(), Open::default()));
    }
    let mut surroundings = Resources {
        document,
        all: resources,
        known: HashMap::new(),
        failed: None,
    };
    let refused = |what| Error::Content {
        page: page.position,
        what,
    };
    let stop = |stop, surroundings: &mut Resources<'_, '_>| match (stop, surroundings.failed.take())
    {
        (_, Some(error)) => error,
        (Stop::Budget, None) => Error::Budget,
        (Stop::Image, None) => refused("an inline image without a definite end"),
    };
    let checked = scan::check(&read.data, &read.joints, &mut surroundings)
        .map_err(|why| stop(why, &mut surroundings))?;
    let (streams, open) = match checked {
        Ok(open) if read.clean && open.missing <= MAX_MISSING => {
            (std::mem::take(&mut read.streams), open)
        }
        _ => {
            let (written, mut open) = scan::rewrite(&read.data, &mut surroundings)
                .map_err(|why| stop(why, &mut surroundings))?;
            // Rewriting left the unmatched `Q` out.
            open.missing = 0;
            let dict = Dict::default().with("Filter", Object::named("FlateDecode"));
            let packed = deflate_within(&written, &document.budget)?;
            (vec![Object::Ref(update.add_stream(dict, packed), 0)], open)
        }
    };
    if let Some(error) = surroundings.failed.take() {
        return Err(error);
    }
    if open.states.max(open.marked).max(open.marked_in_text) > MAX_OPEN {
        return Err(refused("more graphics states left open than readers have"));
    }
    Ok(around(streams, open))
}

fn around(streams: Vec<Object>, open: Open) -> Content {
    let mut after = b"\n".to_vec();
    after.extend_from_slice(&b"EMC\n".repeat(open.marked_in_text));
    if open.text {
        after.extend_from_slice(b"ET\n");
    }
    after.extend_from_slice(&b"EMC\n".repeat(open.marked));
    after.extend_from_slice(&b"Q\n".repeat(1 + open.states));
    Content {
        streams,
        before: b"q\n".repeat(1 + open.missing),
        after,
    }
}

/// The unpacked streams of a page, concatenated.
struct Read {
    streams: Vec<Object>,
    data: Vec<u8>,
    /// Offsets where one stream ends and the next begins.
    joints: Vec<usize>,
    /// Whether all of them are streams that every reader decodes to the same end.
    clean: bool,
}

fn streams(document: &Document<'_>, page: &Page) -> Result<Read, Error> {
    let refused = |what| Error::Content {
        page: page.position,
        what,
    };
    let mut read = Read {
        streams: Vec::new(),
        data: Vec::new(),
        joints: Vec::new(),
        clean: true,
    };
    let items = match page.dict.get(b"Contents") {
        None | Some(Object::Null) => Cow::Borrowed(&[][..]),
        Some(Object::Array(items)) => Cow::Borrowed(items.as_slice()),
        Some(reference) => match document.resolve(reference)? {
            Object::Array(items) => Cow::Owned(items),
            Object::Null => Cow::Borrowed(&[][..]),
            _ => Cow::Borrowed(std::slice::from_ref(reference)),
        },
    };
    for item in items.iter() {
        // Some readers give up the page when an element is not a stream.
        let Object::Ref(number, _) = item else {
            read.clean = false;
            continue;
        };
        let Some(loaded) = document.load(*number)? else {
            read.clean = false;
            continue;
        };
        let (Some(dict), Some(extent)) = (loaded.object.dict(), loaded.stream.clone()) else {
            read.clean = false;
            continue;
        };
        let left = MAX_CONTENT.saturating_sub(read.data.len());
        let generation = loaded.generation;
        let decoded = document.decode_all(*number, generation, dict, extent.range, left)?;
        let decoded = decoded.map_err(|failed| match failed {
            Failed::Broken => refused("a stream that cannot be unpacked"),
            Failed::TooLong => Error::Limit("content of a page"),
        })?;
        read.clean &= extent.exact && decoded.whole;
        if read.data.is_empty() && read.streams.is_empty() {
            read.data = decoded.data;
        } else {
            read.data.push(b'\n');
            read.data.extend_from_slice(&decoded.data);
        }
        read.joints.push(read.data.len());
        read.streams.push(item.clone());
    }
    // The end of the last stream is the end of the content, so it does not separate two streams.
    read.joints.pop();
    Ok(read)
}

/// The page's resources as the content refers to them.
struct Resources<'d, 'r> {
    document: &'r Document<'d>,
    all: &'r Dict,
    /// The categories that were looked up so far.
    known: HashMap<Vec<u8>, HashMap<Vec<u8>, Object>>,
    /// The error that interrupted a lookup.
    failed: Option<Error>,
}

impl Resources<'_, '_> {
    fn keep<T>(&mut self, result: Result<T, impl Into<Error>>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                self.failed.get_or_insert(error.into());
                None
            }
        }
    }

    /// The resource of this name in this category; null when there is none.
    fn find(&mut self, category: &[u8], name: &[u8]) -> Result<&Object, Error> {
        if !self.known.contains_key(category) {
            let entries = match self.document.value(self.all, category)? {
                Object::Dict(entries) => entries.0.into_iter().collect(),
                _ => HashMap::new(),
            };
            self.known.insert(category.to_vec(), entries);
        }
        let known = self.known.get(category);
        let found = known.and_then(|entries| entries.get(name));
        Ok(found.unwrap_or(&Object::Null))
    }
}

impl Surroundings for Resources<'_, '_> {
    fn components(&mut self, name: &[u8]) -> Option<usize> {
        let document = self.document;
        let space = self.find(b"ColorSpace", name);
        let space = space.and_then(|space| Ok(document.resolve(space)?));
        let space = self.keep(space)?;
        let parts = match &space {
            Object::Name(_) => std::slice::from_ref(&space),
            Object::Array(parts) => parts.as_slice(),
            _ => return None,
        };
        match parts.first()?.name()? {
            b"DeviceGray" | b"G" | b"CalGray" | b"Indexed" | b"I" | b"Separation" => Some(1),
            b"DeviceRGB" | b"RGB" | b"CalRGB" | b"Lab" => Some(3),
            b"DeviceCMYK" | b"CMYK" => Some(4),
            b"ICCBased" => {
                let profile = self.document.resolve(parts.get(1)?);
                let profile = self.keep(profile)?;
                let count = self.document.value(profile.dict()?, b"N");
                usize::try_from(self.keep(count)?.as_int()?).ok()
            }
            b"DeviceN" => {
                let names = self.document.resolve(parts.get(1)?);
                Some(self.keep(names)?.array()?.len())
            }
            _ => None,
        }
    }

    fn take(&mut self, bytes: usize) -> bool {
        let taken = self.document.budget.unpack(bytes);
        self.keep(taken).is_some()
    }
}

impl scan::Page for Resources<'_, '_> {
    fn spend(&mut self, bytes: usize) -> bool {
        let spent = self.document.spend(bytes.saturating_mul(OPERATORS));
        self.keep(spent).is_some()
    }

    fn has(&mut self, operator: &[u8], name: &[u8]) -> bool {
        let category: &[u8] = match operator {
            b"Do" => b"XObject",
            b"gs" => b"ExtGState",
            b"sh" => b"Shading",
            b"Tf" => b"Font",
            _ => b"ColorSpace",
        };
        let device: &[&[u8]] = &[b"DeviceGray", b"DeviceRGB", b"DeviceCMYK", b"Pattern"];
        if category == b"ColorSpace" && device.contains(&name) {
            return true;
        }
        let document = self.document;
        let found = self.find(category, name).map(|found| match found {
            // Only the existence of the target matters here.
            Object::Ref(number, _) => {
                !matches!(document.table.get(*number), None | Some(Entry::Free))
            }
            found => *found != Object::Null,
        });
        self.keep(found).unwrap_or(false)
    }
}
