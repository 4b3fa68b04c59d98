//! Locates, decrypts and decodes the data of streams.

use crate::body::{self, Extent};
use crate::document::Document;
use crate::error::Error;
use crate::filter::{self, Decoded, Failed};
use crate::lex::Lexer;
use crate::object::{Dict, Object};
use crate::table::Entry;
use std::borrow::Cow;
use std::ops::Range;

impl Document<'_> {
    /// The location of the data of a stream whose dictionary ends at `at`.
    pub(crate) fn stream_range(&self, at: usize, dict: &Dict) -> Result<Option<Extent>, Error> {
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
        // The end of line before endstream does not belong to the data.
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

    /// The start of the data, and their range if `Length` is right.
    #[expect(clippy::type_complexity, reason = "a start, and perhaps more")]
    fn checked_stream(
        &self,
        at: usize,
        dict: &Dict,
    ) -> Result<Option<(usize, Option<Range<usize>>)>, Error> {
        let Some(start) = body::start(self.data, at) else {
            return Ok(None);
        };
        self.spend(start.saturating_sub(at))?;
        let length = match dict.get(b"Length") {
            // Not Self::resolve: a stream whose length is in a stream whose length ... would
            // recurse without bound.
            Some(Object::Ref(number, _)) => self.plain_int(*number),
            Some(value) => value.as_int(),
            None => None,
        };
        Ok(Some((start, body::checked(self.data, start, length))))
    }

    /// For a search through the file: the end of a stream whose dictionary ends at `at`, by
    /// `Length` or by the next `endstream`. `None` when it is not a stream or never ends.
    pub(crate) fn stream_end(&self, at: usize, dict: &Dict) -> Result<Option<usize>, Error> {
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

    /// The data of a stream, decrypted but still encoded.
    pub fn plain_stream(
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

    /// The decoded data of a stream; `None` when they cannot be decoded or exceed `limit`.
    pub fn decode(
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

    /// As [`Self::decode`], but returns the reason of a failure, and whether the data were
    /// complete.
    pub fn decode_all(
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
        // If the budget refused within the loop, this returns its error.
        self.spend(0)?;
        if decoded == Err(Failed::TooLong) && left < limit {
            return Err(Error::Budget);
        }
        Ok(decoded)
    }

    /// A value with everything in it resolved, down to a depth.
    pub(crate) fn resolve_in(&self, value: &Object, depth: u32) -> Result<Object, Error> {
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
