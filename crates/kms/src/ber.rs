//! BER (X.690), as far as CMS needs it: definite and indefinite lengths, strings in pieces.
//!
//! A real answer of AWS KMS mixes all of them. Nothing is allocated by a claimed length, and
//! nesting is bounded.

use crate::error::{CmsError, Result};

/// Levels of nesting. A CMS answer has eight.
const DEPTH_MAX: u8 = 16;

/// Tags (first octets) that occur.
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;
pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const OBJECT_ID: u8 = 0x06;
/// Set in the tag of what is made of other elements.
pub(crate) const CONSTRUCTED: u8 = 0x20;

/// One element: its tag and contents, without its length and, for an indefinite length, without the
/// end mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Element<'a> {
    pub(crate) tag: u8,
    pub(crate) contents: &'a [u8],
    depth: u8,
}

/// Reads elements one after another.
#[derive(Debug, Clone)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    depth: u8,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self {
            rest: bytes,
            depth: 0,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next element, whatever it is.
    pub(crate) fn next(&mut self) -> Result<Element<'a>, CmsError> {
        if self.depth >= DEPTH_MAX {
            return Err(CmsError::Depth);
        }
        let (tag, length, header) = head(self.rest)?;
        let body = self.rest.get(header..).ok_or(CmsError::Truncated)?;
        // The end mark of an indefinite length has two octets.
        let (length, mark) = match length {
            Some(length) => (length, 0),
            None => (indefinite(body, self.depth + 1)?, 2),
        };
        let contents = body.get(..length).ok_or(CmsError::Truncated)?;
        self.rest = body.get(length + mark..).ok_or(CmsError::Truncated)?;
        Ok(Element {
            tag,
            contents,
            depth: self.depth,
        })
    }

    /// The next element, which must have this tag.
    pub(crate) fn expect(&mut self, tag: u8, what: &'static str) -> Result<Element<'a>, CmsError> {
        let element = self.next()?;
        if element.tag == tag {
            Ok(element)
        } else {
            Err(CmsError::Unexpected(what))
        }
    }

    /// The next element if it has this tag.
    pub(crate) fn optional(&mut self, tag: u8) -> Result<Option<Element<'a>>, CmsError> {
        if self.rest.first() == Some(&tag) {
            self.next().map(Some)
        } else {
            Ok(None)
        }
    }

    pub(crate) fn end(&self, what: &'static str) -> Result<(), CmsError> {
        if self.is_empty() {
            Ok(())
        } else {
            Err(CmsError::Unexpected(what))
        }
    }
}

impl<'a> Element<'a> {
    /// A reader of what this element is made of.
    pub(crate) fn inside(&self) -> Reader<'a> {
        Reader {
            rest: self.contents,
            depth: self.depth + 1,
        }
    }

    /// The octets of a string whose primitive form has the tag `primitive`: in one piece, or in
    /// pieces that are octet strings, which may be in pieces again.
    pub(crate) fn octets(&self, primitive: u8) -> Result<Vec<u8>, CmsError> {
        let mut out = Vec::new();
        self.collect(primitive, &mut out)?;
        Ok(out)
    }

    fn collect(&self, primitive: u8, out: &mut Vec<u8>) -> Result<(), CmsError> {
        if self.tag == primitive {
            out.extend_from_slice(self.contents);
            return Ok(());
        }
        if self.tag != primitive | CONSTRUCTED {
            return Err(CmsError::Unexpected("an octet string"));
        }
        let mut pieces = self.inside();
        while !pieces.is_empty() {
            pieces.next()?.collect(OCTET_STRING, out)?;
        }
        Ok(())
    }
}

/// Tag, length (none where it is indefinite) and the octets that both take.
fn head(bytes: &[u8]) -> Result<(u8, Option<usize>, usize), CmsError> {
    let [tag, first, rest @ ..] = bytes else {
        return Err(CmsError::Truncated);
    };
    if tag & 0x1f == 0x1f {
        return Err(CmsError::Unexpected("a tag of one octet"));
    }
    match *first {
        0x80 if tag & CONSTRUCTED == 0 => Err(CmsError::Unexpected("a length")),
        0x80 => Ok((*tag, None, 2)),
        short @ 0..=0x7f => Ok((*tag, Some(usize::from(short)), 2)),
        long => {
            let count = usize::from(long & 0x7f);
            // Four octets are more than an answer has.
            let digits = rest.get(..count).filter(|_| count <= 4);
            let digits = digits.ok_or(CmsError::Truncated)?;
            let length = digits
                .iter()
                .fold(0_usize, |length, digit| length << 8 | usize::from(*digit));
            Ok((*tag, Some(length), 2 + count))
        }
    }
}

/// Length of contents that end with an end mark (two zero octets where an element would begin).
fn indefinite(body: &[u8], depth: u8) -> Result<usize, CmsError> {
    let mut reader = Reader { rest: body, depth };
    loop {
        if reader.rest.starts_with(&[0, 0]) {
            return Ok(body.len() - reader.rest.len());
        }
        reader.next()?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn octets(bytes: &[u8]) -> Result<Vec<u8>, CmsError> {
        let mut reader = Reader::new(bytes);
        let value = reader.next()?.octets(OCTET_STRING)?;
        reader.end("nothing more")?;
        Ok(value)
    }

    #[test]
    fn one_string_has_many_spellings() {
        for bytes in [
            &[4, 3, 1, 2, 3][..],
            // A length in more octets than needed is BER.
            &[4, 0x81, 3, 1, 2, 3],
            &[4, 0x83, 0, 0, 3, 1, 2, 3],
            &[0x24, 7, 4, 1, 1, 4, 2, 2, 3],
            &[0x24, 0x80, 4, 1, 1, 4, 2, 2, 3, 0, 0],
            &[
                0x24, 0x80, 0x24, 0x80, 4, 2, 1, 2, 0, 0, 4, 0, 4, 1, 3, 0, 0,
            ],
        ] {
            assert_eq!(octets(bytes).unwrap(), [1, 2, 3], "{bytes:?}");
        }
    }

    #[test]
    fn what_is_cut_short_or_claims_too_much_is_refused() {
        for bytes in [
            &[][..],
            &[4],
            &[4, 3, 1, 2],
            &[4, 0x84, 0xff, 0xff, 0xff, 0xff, 1],
            &[4, 0x85, 0, 0, 0, 0, 1, 1],
            &[4, 0x80, 0, 0],
            &[0x24, 0x80, 4, 1, 1],
            &[0x24, 0x80, 4, 1, 1, 0],
            &[0x1f, 1, 1],
            &[0x24, 3, 2, 1, 1],
        ] {
            assert!(octets(bytes).is_err(), "{bytes:?}");
        }
        let deep = [0x24, 0x80].repeat(1000);
        assert_eq!(octets(&deep), Err(CmsError::Depth));
    }
}
