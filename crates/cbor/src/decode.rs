//! The reader.

use crate::float::{self, Shortest};
use crate::major::{ARRAY, BYTES, MAP, NEGATIVE, SIMPLE, TAG, TEXT, UNSIGNED};
use crate::simple::{BREAK, FALSE, FLOAT16, FLOAT32, FLOAT64, NULL, TRUE};
use crate::{Error, Problem, Result, Rules};

/// Reads items one after the other, from bytes that it borrows. It allocates nothing.
///
/// After an error, the position is inside the item that is wrong: give up.
#[derive(Debug, Clone)]
pub struct Decoder<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Offset of `bytes` in the outer input.
    base: usize,
    rules: Rules,
}

/// The items of an array or entries of a map that are still to be read; see [`Decoder::more`].
#[derive(Debug, Clone)]
pub struct Items<'a> {
    /// `None` in a list of indefinite length, which ends at a break.
    left: Option<u64>,
    map: bool,
    /// The encoding of the map's key before.
    key: Option<&'a [u8]>,
}

/// The type of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An integer from 0 on.
    Unsigned,
    /// An integer below 0.
    Negative,
    /// A byte string.
    Bytes,
    /// A text string.
    Text,
    /// An array.
    Array,
    /// A map.
    Map,
    /// A tag, which another item follows.
    Tag,
    /// True or false.
    Bool,
    /// Null.
    Null,
    /// A floating-point number of 16 bits.
    Float16,
    /// A floating-point number of 32 bits.
    Float32,
    /// A floating-point number of 64 bits.
    Float64,
    /// Another simple value, undefined included; also a break and reserved bytes, which no
    /// function accepts as an item.
    Simple,
}

impl<'a> Decoder<'a> {
    /// A reader of deterministic CBOR.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self::with_rules(bytes, Rules::DETERMINISTIC)
    }

    /// A reader that permits deviations.
    pub fn with_rules(bytes: &'a [u8], rules: Rules) -> Self {
        Self {
            bytes,
            at: 0,
            base: 0,
            rules,
        }
    }

    /// A reader for CBOR in a string that this reader has just read. Its errors have offsets in
    /// the outer input.
    #[must_use]
    pub fn inside(&self, content: &'a [u8]) -> Self {
        Self {
            bytes: content,
            at: 0,
            base: self.offset().saturating_sub(content.len()),
            rules: self.rules,
        }
    }

    /// Offset of the next item.
    pub fn offset(&self) -> usize {
        self.base + self.at
    }

    fn error(&self, at: usize, problem: Problem) -> Error {
        Error {
            offset: self.base + at,
            problem,
        }
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let end = self.at.checked_add(count);
        let Some((end, bytes)) = end.and_then(|end| Some((end, self.bytes.get(self.at..end)?)))
        else {
            return Err(self.error(self.at, Problem::End));
        };
        self.at = end;
        Ok(bytes)
    }

    fn peek(&self) -> Result<u8> {
        let next = self.bytes.get(self.at).copied();
        next.ok_or_else(|| self.error(self.at, Problem::End))
    }

    /// Reads the major type and argument of the next item; the argument is `None` for an indefinite
    /// length.
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
            _ => return Err(self.error(start, Problem::Reserved)),
        };
        let argument = self
            .take(size)?
            .iter()
            .fold(0, |sum: u64, byte| sum << 8 | u64::from(*byte));
        let long = match major {
            // Simple values below 32 in two bytes are not well formed (section 3.3).
            SIMPLE if size == 1 => argument < 32,
            SIMPLE => !self.rules.long_floats && long_float(first, argument),
            _ => !self.rules.long_heads && argument < least,
        };
        if long {
            return Err(self.error(start, Problem::Overlong));
        }
        Ok((major, Some(argument)))
    }

    /// Reads the argument of an item that must have the wanted type and a definite length.
    fn definite(&mut self, wanted: u8, name: &'static str) -> Result<u64> {
        let start = self.at;
        match self.head()? {
            (major, Some(argument)) if major == wanted => Ok(argument),
            (major, None) if major == wanted => Err(self.error(start, Problem::Indefinite)),
            _ => Err(self.error(start, Problem::Type(name))),
        }
    }

    fn string(&mut self, major: u8, name: &'static str) -> Result<&'a [u8]> {
        let start = self.at;
        let length = self.definite(major, name)?;
        match usize::try_from(length) {
            Ok(length) => self.take(length),
            Err(_) => Err(self.error(start, Problem::End)),
        }
    }

    /// The type of the next item. Only its first byte is read: the item may still be wrong.
    ///
    /// # Errors
    /// [`Problem::End`]; the other functions of this type have their own problem in addition.
    pub fn kind(&self) -> Result<Kind> {
        let first = self.peek()?;
        Ok(match (first >> 5, first) {
            (UNSIGNED, _) => Kind::Unsigned,
            (NEGATIVE, _) => Kind::Negative,
            (BYTES, _) => Kind::Bytes,
            (TEXT, _) => Kind::Text,
            (ARRAY, _) => Kind::Array,
            (MAP, _) => Kind::Map,
            (TAG, _) => Kind::Tag,
            (_, TRUE | FALSE) => Kind::Bool,
            (_, NULL) => Kind::Null,
            (_, FLOAT16) => Kind::Float16,
            (_, FLOAT32) => Kind::Float32,
            (_, FLOAT64) => Kind::Float64,
            _ => Kind::Simple,
        })
    }

    /// Reads a byte string.
    ///
    /// # Errors
    /// [`Problem::Type`] for another item, [`Problem::Indefinite`] for one in chunks.
    pub fn bytes(&mut self) -> Result<&'a [u8]> {
        self.string(BYTES, "a byte string")
    }

    /// Reads a text string.
    ///
    /// # Errors
    /// [`Problem::Type`] for another item, [`Problem::Indefinite`] for one in chunks,
    /// [`Problem::Utf8`].
    pub fn text(&mut self) -> Result<&'a str> {
        let start = self.at;
        let bytes = self.string(TEXT, "a text")?;
        core::str::from_utf8(bytes).map_err(|_| self.error(start, Problem::Utf8))
    }

    /// Reads an integer from 0 on.
    ///
    /// # Errors
    /// [`Problem::Type`] for another item.
    pub fn unsigned(&mut self) -> Result<u64> {
        self.definite(UNSIGNED, "a number that is not negative")
    }

    /// Reads an integer of either sign. `i128` holds the range of both major types.
    ///
    /// # Errors
    /// [`Problem::Type`] for another item.
    pub fn integer(&mut self) -> Result<i128> {
        let start = self.at;
        match self.head()? {
            (UNSIGNED, Some(argument)) => Ok(i128::from(argument)),
            (NEGATIVE, Some(argument)) => Ok(-1 - i128::from(argument)),
            _ => Err(self.error(start, Problem::Type("a number"))),
        }
    }

    /// Reads true or false.
    ///
    /// # Errors
    /// [`Problem::Type`] for another item.
    pub fn bool(&mut self) -> Result<bool> {
        let value = match self.peek()? {
            FALSE => false,
            TRUE => true,
            _ => return Err(self.error(self.at, Problem::Type("true or false"))),
        };
        self.at += 1;
        Ok(value)
    }

    /// Reads a floating-point number of any width.
    ///
    /// # Errors
    /// [`Problem::Type`] for another item, [`Problem::Overlong`] for a wider one than necessary.
    pub fn float(&mut self) -> Result<f64> {
        let (start, first) = (self.at, self.peek()?);
        if !matches!(first, FLOAT16 | FLOAT32 | FLOAT64) {
            return Err(self.error(start, Problem::Type("a floating-point number")));
        }
        match self.head()? {
            (_, Some(bits)) => Ok(float_value(first, bits)),
            (_, None) => Err(self.error(start, Problem::Indefinite)),
        }
    }

    fn list(&mut self, wanted: u8, name: &'static str) -> Result<Items<'a>> {
        let start = self.at;
        match self.head()? {
            (major, None) if major == wanted && !self.rules.indefinite_lists => {
                Err(self.error(start, Problem::Indefinite))
            }
            (major, left) if major == wanted => Ok(Items {
                left,
                map: major == MAP,
                key: None,
            }),
            _ => Err(self.error(start, Problem::Type(name))),
        }
    }

    /// Starts an array. Its count is a claim of the input: allocate nothing by it.
    ///
    /// # Errors
    /// [`Problem::Type`] for another item, [`Problem::Indefinite`] unless the rules permit it.
    pub fn array(&mut self) -> Result<Items<'a>> {
        self.list(ARRAY, "an array")
    }

    /// Starts a map. Each entry is a key and a value, which the caller reads one after the other.
    ///
    /// # Errors
    /// [`Problem::Type`] for another item, [`Problem::Indefinite`] unless the rules permit it.
    pub fn map(&mut self) -> Result<Items<'a>> {
        self.list(MAP, "a map")
    }

    /// Whether the list has a further item or entry. Consumes the break of a list of indefinite
    /// length, and checks that the key of the next entry comes after the key before.
    ///
    /// # Errors
    /// [`Problem::Order`] and [`Problem::Duplicate`], and those of the key, which this function
    /// looks at before the caller reads it.
    pub fn more(&mut self, items: &mut Items<'a>) -> Result<bool> {
        let more = self.advance(items)?;
        if more && items.map && !self.rules.any_order {
            let mut ahead = self.clone();
            ahead.skip()?;
            self.check_order(items, ahead.at)?;
        }
        Ok(more)
    }

    fn advance(&mut self, items: &mut Items<'a>) -> Result<bool> {
        match &mut items.left {
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

    /// Compares the key from here to `end` with the one before.
    fn check_order(&self, items: &mut Items<'a>, end: usize) -> Result<()> {
        let key = self.bytes.get(self.at..end).unwrap_or_default();
        match items.key.map(|before| before.cmp(key)) {
            Some(core::cmp::Ordering::Greater) => Err(self.error(self.at, Problem::Order)),
            Some(core::cmp::Ordering::Equal) => Err(self.error(self.at, Problem::Duplicate)),
            _ => {
                items.key = Some(key);
                Ok(())
            }
        }
    }

    /// Consumes a null if it comes next.
    ///
    /// # Errors
    /// [`Problem::End`].
    pub fn null(&mut self) -> Result<bool> {
        let null = self.peek()? == NULL;
        self.at += usize::from(null);
        Ok(null)
    }

    /// Consumes a tag if it comes next.
    ///
    /// # Errors
    /// Those of a wrong tag; an item without a tag gives `None`.
    pub fn tag(&mut self) -> Result<Option<u64>> {
        if self.peek()? >> 5 == TAG {
            return self.definite(TAG, "a tag").map(Some);
        }
        Ok(None)
    }

    /// Skips one item, and checks it by the same rules.
    ///
    /// # Errors
    /// [`Problem::Depth`] for an item that is nested deeper than the rules permit.
    pub fn skip(&mut self) -> Result<()> {
        self.skip_at(0)
    }

    /// Reads one item of any type, checks it by the same rules, and returns its encoding.
    ///
    /// # Errors
    /// Those of [`Decoder::skip`].
    pub fn item(&mut self) -> Result<&'a [u8]> {
        let start = self.at;
        self.skip()?;
        Ok(self.bytes.get(start..self.at).unwrap_or_default())
    }

    fn skip_at(&mut self, depth: usize) -> Result<()> {
        let start = self.at;
        if depth > self.rules.depth_max {
            return Err(self.error(start, Problem::Depth));
        }
        match self.peek()? >> 5 {
            BYTES => self.bytes().map(|_| ()),
            TEXT => self.text().map(|_| ()),
            major @ (ARRAY | MAP) => {
                let mut items = self.list(major, "a list")?;
                while self.advance(&mut items)? {
                    self.skip_entry(&mut items, depth + 1)?;
                }
                Ok(())
            }
            TAG => {
                self.definite(TAG, "a tag")?;
                self.skip_at(depth + 1)
            }
            _ => match self.head()? {
                (_, Some(_)) => Ok(()),
                _ => Err(self.error(start, Problem::Indefinite)),
            },
        }
    }

    /// Skips an item of an array, or key and value of a map. `more` is not used here: it reads
    /// keys twice, and with maps as keys of maps that would double with every level.
    fn skip_entry(&mut self, items: &mut Items<'a>, depth: usize) -> Result<()> {
        let before = self.clone();
        self.skip_at(depth)?;
        if items.map {
            if !self.rules.any_order {
                before.check_order(items, self.at)?;
            }
            self.skip_at(depth)?;
        }
        Ok(())
    }

    /// Checks that no bytes follow.
    ///
    /// # Errors
    /// [`Problem::Trailing`].
    pub fn end(&self) -> Result<()> {
        if self.at == self.bytes.len() {
            return Ok(());
        }
        Err(self.error(self.at, Problem::Trailing))
    }
}

impl Items<'_> {
    /// The number of items or entries that are left, as the input claims; `None` in a list of
    /// indefinite length.
    pub fn left(&self) -> Option<u64> {
        self.left
    }

    /// Whether a list has exactly this many items or entries left; never for a list of indefinite
    /// length.
    pub fn is(&self, count: u64) -> bool {
        self.left == Some(count)
    }
}

/// The number of a head with this first byte; its argument has the width that the byte says.
#[allow(
    clippy::cast_possible_truncation,
    reason = "the argument was read from as many bytes as its type has"
)]
fn float_value(first: u8, bits: u64) -> f64 {
    match first {
        FLOAT16 => float::from_half(bits as u16),
        FLOAT32 => f64::from(f32::from_bits(bits as u32)),
        _ => f64::from_bits(bits),
    }
}

fn long_float(first: u8, bits: u64) -> bool {
    match float::shortest(float_value(first, bits)) {
        Shortest::Float16(short) => first != FLOAT16 || u64::from(short) != bits,
        Shortest::Float32(_) => first == FLOAT64,
        Shortest::Float64(_) => false,
    }
}
