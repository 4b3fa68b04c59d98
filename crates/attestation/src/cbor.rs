//! A reader for the part of CBOR (RFC 8949) that attestation documents use. It borrows, never recurses beyond [`DEPTH_MAX`], and
//! allocates nothing.
//!
//! Heads must have their shortest form (section 4.2.1), or one signed meaning would have many spellings outside the signature. Arrays and
//! maps of indefinite length are taken, because real documents have them; strings in chunks are not.

use crate::error::{CborProblem, Error, Place};

/// Nesting of an item that is skipped. Real documents need 2.
pub(crate) const DEPTH_MAX: usize = 8;

/// Reads items one after the other.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Where `bytes` starts in the document.
    base: usize,
    place: Place,
}

/// How many items of a list are left; `None` until a break.
#[derive(Debug)]
pub(crate) struct Left(Option<u64>);

/// Major types (RFC 8949, section 3.1).
const UNSIGNED: u8 = 0;
const NEGATIVE: u8 = 1;
const BYTES: u8 = 2;
const TEXT: u8 = 3;
const ARRAY: u8 = 4;
const MAP: u8 = 5;
const TAG: u8 = 6;
const SIMPLE: u8 = 7;

const NULL: u8 = 0xf6;
const BREAK: u8 = 0xff;

type Result<T> = core::result::Result<T, Error>;

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8], place: Place) -> Self {
        Self {
            bytes,
            at: 0,
            base: 0,
            place,
        }
    }

    /// A reader for a string that this reader has just read.
    pub(crate) fn inside(&self, content: &'a [u8], place: Place) -> Self {
        Self {
            bytes: content,
            at: 0,
            base: self.base + self.at.saturating_sub(content.len()),
            place,
        }
    }

    fn error(&self, at: usize, problem: CborProblem) -> Error {
        Error::Cbor {
            place: self.place,
            offset: self.base + at,
            problem,
        }
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let end = self.at.checked_add(count);
        let Some((end, bytes)) = end.and_then(|end| Some((end, self.bytes.get(self.at..end)?)))
        else {
            return Err(self.error(self.at, CborProblem::End));
        };
        self.at = end;
        Ok(bytes)
    }

    fn peek(&self) -> Result<u8> {
        let next = self.bytes.get(self.at).copied();
        next.ok_or_else(|| self.error(self.at, CborProblem::End))
    }

    /// Major type and argument of the next item; `None` for the argument stands for "indefinite".
    fn head(&mut self) -> Result<(u8, Option<u64>)> {
        let start = self.at;
        let first = self.peek()?;
        self.at += 1;
        let (major, low) = (first >> 5, first & 0x1f);
        let (size, least) = match low {
            0..=23 => return Ok((major, Some(u64::from(low)))),
            24 => (1, 24),
            25 => (2, 1 << 8),
            26 => (4, 1 << 16),
            27 => (8, 1 << 32),
            31 => return Ok((major, None)),
            _ => return Err(self.error(start, CborProblem::Reserved)),
        };
        let argument = self
            .take(size)?
            .iter()
            .fold(0, |sum: u64, byte| sum << 8 | u64::from(*byte));
        // Simple values below 32 in two bytes are not well formed (section 3.3); floating-point numbers are taken as they are.
        let least = match (major, low) {
            (SIMPLE, 24) => 32,
            (SIMPLE, _) => 0,
            _ => least,
        };
        if argument < least {
            return Err(self.error(start, CborProblem::Overlong));
        }
        Ok((major, Some(argument)))
    }

    /// The argument of an item that must have a type and a definite length.
    fn definite(&mut self, wanted: u8, name: &'static str) -> Result<u64> {
        let start = self.at;
        match self.head()? {
            (major, Some(argument)) if major == wanted => Ok(argument),
            (major, None) if major == wanted => Err(self.error(start, CborProblem::Indefinite)),
            _ => Err(self.error(start, CborProblem::Type(name))),
        }
    }

    fn string(&mut self, major: u8, name: &'static str) -> Result<&'a [u8]> {
        let start = self.at;
        let length = self.definite(major, name)?;
        match usize::try_from(length) {
            Ok(length) => self.take(length),
            Err(_) => Err(self.error(start, CborProblem::End)),
        }
    }

    pub(crate) fn bytes(&mut self) -> Result<&'a [u8]> {
        self.string(BYTES, "a byte string")
    }

    pub(crate) fn text(&mut self) -> Result<&'a str> {
        let start = self.at;
        let bytes = self.string(TEXT, "a text")?;
        core::str::from_utf8(bytes).map_err(|_| self.error(start, CborProblem::Utf8))
    }

    pub(crate) fn unsigned(&mut self) -> Result<u64> {
        self.definite(UNSIGNED, "a number that is not negative")
    }

    /// A number of either sign, as the two major types hold it.
    pub(crate) fn integer(&mut self) -> Result<i128> {
        let start = self.at;
        match self.head()? {
            (UNSIGNED, Some(argument)) => Ok(i128::from(argument)),
            (NEGATIVE, Some(argument)) => Ok(-1 - i128::from(argument)),
            _ => Err(self.error(start, CborProblem::Type("a number"))),
        }
    }

    fn list(&mut self, wanted: u8, name: &'static str) -> Result<Left> {
        let start = self.at;
        match self.head()? {
            (major, argument) if major == wanted => Ok(Left(argument)),
            _ => Err(self.error(start, CborProblem::Type(name))),
        }
    }

    pub(crate) fn array(&mut self) -> Result<Left> {
        self.list(ARRAY, "an array")
    }

    pub(crate) fn map(&mut self) -> Result<Left> {
        self.list(MAP, "a map")
    }

    /// Whether a list has a further item; reads the break of one without a length.
    pub(crate) fn more(&mut self, left: &mut Left) -> Result<bool> {
        match &mut left.0 {
            Some(0) => Ok(false),
            Some(count) => {
                *count -= 1;
                Ok(true)
            }
            None if self.peek()? == BREAK => {
                self.at += 1;
                Ok(false)
            }
            None => Ok(true),
        }
    }

    /// Reads a null, if there is one.
    pub(crate) fn null(&mut self) -> Result<bool> {
        let null = self.peek()? == NULL;
        self.at += usize::from(null);
        Ok(null)
    }

    /// Reads a tag, if there is one.
    pub(crate) fn tag(&mut self) -> Result<Option<u64>> {
        if self.peek()? >> 5 == TAG {
            return self.definite(TAG, "a tag").map(Some);
        }
        Ok(None)
    }

    /// Skips one item of bounded depth.
    pub(crate) fn skip(&mut self) -> Result<()> {
        self.skip_at(0)
    }

    fn skip_at(&mut self, depth: usize) -> Result<()> {
        let start = self.at;
        if depth > DEPTH_MAX {
            return Err(self.error(start, CborProblem::Depth));
        }
        match self.peek()? >> 5 {
            BYTES => self.bytes().map(|_| ()),
            TEXT => self.text().map(|_| ()),
            major @ (ARRAY | MAP) => {
                let mut left = self.list(major, "a list")?;
                while self.more(&mut left)? {
                    self.skip_at(depth + 1)?;
                    if major == MAP {
                        self.skip_at(depth + 1)?;
                    }
                }
                Ok(())
            }
            TAG => {
                self.definite(TAG, "a tag")?;
                self.skip_at(depth + 1)
            }
            _ => match self.head()? {
                (_, Some(_)) => Ok(()),
                _ => Err(self.error(start, CborProblem::Indefinite)),
            },
        }
    }

    /// That nothing follows.
    pub(crate) fn end(&self) -> Result<()> {
        if self.at == self.bytes.len() {
            return Ok(());
        }
        Err(Error::Trailing {
            place: self.place,
            offset: self.base + self.at,
        })
    }
}

impl Left {
    /// Whether a list has a given number of items. A list without a length is none of them.
    pub(crate) fn is(&self, count: u64) -> bool {
        self.0 == Some(count)
    }
}
