//! The data of streams.

use super::document::Document;
use super::filter::{self, Decoded, Failed};
use super::lex::{Lexer, is_space};
use super::object::{Dict, Object};
use super::xref::Entry;
use crate::error::Error;
use std::borrow::Cow;
use std::ops::Range;

/// White space between the data of a stream and its end.
const MAX_GAP: usize = 256;

/// Where the data of a stream are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Extent {
    pub(crate) range: Range<usize>,
    /// Whether `endstream` stands where `Length` says. If not, readers take different data.
    pub(crate) exact: bool,
}

impl<'a> Document<'a> {
    /// The data of a stream whose dictionary ends at `at`.
    pub(super) fn stream_range(&self, at: usize, dict: &Dict) -> Result<Option<Extent>, Error> {
        let Some((start, checked)) = self.checked_stream(at, dict)? else {
            return Ok(None);
        };
        if let Some(range) = checked {
            return Ok(Some(Extent { range, exact: true }));
        }
        let rest = self.data.get(start..).unwrap_or_default();
        let length = memchr::memmem::find(rest, b"endstream")
            .or_else(|| memchr::memmem::find(rest, b"endobj"))
            .unwrap_or(rest.len());
        self.spend(length)?;
        let mut end = start.saturating_add(length);
        // The end of line before endstream is not data.
        if end > start && self.data.get(end - 1) == Some(&b'\n') {
            end -= 1;
        }
        if end > start && self.data.get(end - 1) == Some(&b'\r') {
            end -= 1;
        }
        Ok(Some(Extent {
            range: start..end,
            exact: false,
        }))
    }

    /// Where the data start; and all of them, when `Length` is right.
    #[expect(clippy::type_complexity, reason = "a start, and perhaps more")]
    fn checked_stream(
        &self,
        at: usize,
        dict: &Dict,
    ) -> Result<Option<(usize, Option<Range<usize>>)>, Error> {
        let Some(start) = stream_start(self.data, at) else {
            return Ok(None);
        };
        self.spend(start.saturating_sub(at))?;
        let length = match dict.get(b"Length") {
            // Not Self::resolve: a length that is a stream whose length ... would recurse.
            Some(Object::Ref(number, _)) => self.plain_int(*number),
            Some(value) => value.as_int(),
            None => None,
        };
        Ok(Some((start, checked_range(self.data, start, length))))
    }

    /// Where a stream whose dictionary ends at `at` is over, for a search through the file: by
    /// `Length`, or by the next `endstream`. `None` for what is no stream, or never ends.
    pub(super) fn stream_end(&self, at: usize, dict: &Dict) -> Result<Option<usize>, Error> {
        let Some((start, checked)) = self.checked_stream(at, dict)? else {
            return Ok(None);
        };
        if let Some(range) = checked {
            return Ok(Some(range.end));
        }
        let rest = self.data.get(start..).unwrap_or_default();
        let length = memchr::memmem::find(rest, b"endstream");
        self.spend(length.unwrap_or(rest.len()))?;
        Ok(length.map(|length| start.saturating_add(length)))
    }

    fn plain_int(&self, number: u32) -> Option<i64> {
        match self.table.get(number)? {
            Entry::At(offset, generation) => {
                let mut lexer = Lexer::new(self.data, offset);
                let head = lexer.head();
                let value = lexer.unsigned();
                self.spend(lexer.at.saturating_sub(offset)).ok()?;
                (head == Some((number, generation))).then_some(())?;
                i64::try_from(value?).ok()
            }
            Entry::In(stream, index) => self.load_in(number, stream, index).ok()??.object.as_int(),
            Entry::Free => None,
        }
    }

    /// The data of a stream with a direct length, for cross-reference streams.
    pub(super) fn direct_stream(data: &'a [u8], at: usize, dict: &Dict) -> Option<&'a [u8]> {
        let start = stream_start(data, at)?;
        let length = dict.get(b"Length").and_then(Object::as_int);
        data.get(checked_range(data, start, length)?)
    }

    /// The data of a stream, decrypted, still encoded.
    pub(crate) fn plain_stream(
        &self,
        number: u32,
        generation: u16,
        dict: &Dict,
        range: Range<usize>,
    ) -> Result<Vec<u8>, Error> {
        let raw = self.data.get(range).unwrap_or_default();
        self.spend(raw.len())?;
        Ok(match &self.crypt {
            Some(crypt) => crypt.decrypt_stream(number, generation, dict, raw),
            None => raw.to_vec(),
        })
    }

    /// The decoded data of a stream; `None` when it cannot be decoded or is longer than `limit`.
    pub(crate) fn decode(
        &self,
        number: u32,
        generation: u16,
        dict: &Dict,
        range: Range<usize>,
        limit: usize,
    ) -> Result<Option<Vec<u8>>, Error> {
        let decoded = self.decode_all(number, generation, dict, range, limit)?;
        Ok(decoded.ok().map(|decoded| decoded.data))
    }

    /// As [`Self::decode`], with what went wrong, and whether anything did.
    pub(crate) fn decode_all(
        &self,
        number: u32,
        generation: u16,
        dict: &Dict,
        range: Range<usize>,
        limit: usize,
    ) -> Result<Result<Decoded, Failed>, Error> {
        let raw = self.data.get(range).unwrap_or_default();
        self.spend(raw.len())?;
        let plain = match &self.crypt {
            Some(crypt) => Cow::Owned(crypt.decrypt_stream(number, generation, dict, raw)),
            None => Cow::Borrowed(raw),
        };
        let mut dict = dict.clone();
        for key in [&b"Filter"[..], b"DecodeParms"] {
            let value = self.resolve_in(dict.get(key).unwrap_or(&Object::Null), 2)?;
            dict.set(key, value);
        }
        let left = self.budget.unpacked();
        let decoded = filter::decode(&dict, &plain, limit.min(left), &mut |bytes| {
            self.budget.unpack(bytes).is_ok()
        });
        // What was refused within the loop is refused again here, with its reason.
        self.spend(0)?;
        if decoded == Err(Failed::TooLong) && left < limit {
            return Err(Error::Budget);
        }
        Ok(decoded)
    }

    /// A value with everything in it resolved, to a depth.
    pub(super) fn resolve_in(&self, value: &Object, depth: u32) -> Result<Object, Error> {
        let mut value = self.resolve(value)?;
        if depth > 0 {
            match &mut value {
                Object::Array(items) => {
                    for item in items {
                        *item = self.resolve_in(item, depth - 1)?;
                    }
                }
                Object::Dict(dict) => {
                    for (_, item) in &mut dict.0 {
                        *item = self.resolve_in(item, depth - 1)?;
                    }
                }
                _ => {}
            }
        }
        Ok(value)
    }
}

/// Where the data of a stream starts, when the keyword stands after its dictionary.
fn stream_start(data: &[u8], at: usize) -> Option<usize> {
    let mut lexer = Lexer::new(data, at);
    lexer.skip_space();
    if !lexer.take(b"stream") {
        return None;
    }
    // Spaces before the end of the line are an error that readers forgive.
    let back = lexer.at;
    while lexer
        .peek()
        .is_some_and(|byte| byte == b' ' || byte == b'\t')
    {
        lexer.at += 1;
    }
    if !lexer.take(b"\r\n") && !lexer.take(b"\n") && !lexer.take(b"\r") {
        lexer.at = back;
    }
    Some(lexer.at)
}

/// The range, when `endstream` stands after it.
fn checked_range(data: &[u8], start: usize, length: Option<i64>) -> Option<Range<usize>> {
    let end = start.checked_add(usize::try_from(length?).ok()?)?;
    let rest = data.get(end..)?;
    let space = rest
        .iter()
        .take(MAX_GAP)
        .take_while(|byte| is_space(**byte))
        .count();
    rest.get(space..)?
        .starts_with(b"endstream")
        .then_some(start..end)
}
