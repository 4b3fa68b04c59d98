//! The writer.

use crate::float::{self, Shortest};
use crate::major::{ARRAY, BYTES, MAP, NEGATIVE, TAG, TEXT, UNSIGNED};
use crate::simple::{FALSE, FLOAT16, FLOAT32, FLOAT64, NULL, TRUE};
use std::collections::BTreeMap;

/// Writes items one after the other, each in its deterministic form.
///
/// Arrays and tags are heads: the caller writes what they contain.
#[derive(Debug, Clone, Default)]
pub struct Encoder {
    bytes: Vec<u8>,
}

/// A map that is being built. It sorts its keys by their encoding.
#[derive(Debug, Clone, Default)]
pub struct Map {
    entries: BTreeMap<Vec<u8>, Vec<u8>>,
}

/// The map has this key already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a key is there twice")]
pub struct DuplicateKey;

/// A value that is one CBOR item.
pub trait Encode {
    /// Writes exactly one item.
    fn encode(&self, out: &mut Encoder);
}

impl Encoder {
    /// A writer without bytes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes a major type and its argument in the shortest form.
    fn head(&mut self, major: u8, argument: u64) -> &mut Self {
        let major = major << 5;
        let [.., low] = argument.to_be_bytes();
        let (kind, size) = match argument {
            0..=23 => (low, 0),
            24..=0xff => (24, 1),
            0x100..=0xffff => (25, 2),
            0x1_0000..=0xffff_ffff => (26, 4),
            _ => (27, 8),
        };
        self.bytes.push(major | kind);
        self.bytes
            .extend(argument.to_be_bytes().iter().skip(8 - size));
        self
    }

    /// Writes any value that is one item.
    pub fn item(&mut self, value: &(impl Encode + ?Sized)) -> &mut Self {
        value.encode(self);
        self
    }

    /// Writes an integer from 0 on.
    pub fn unsigned(&mut self, value: u64) -> &mut Self {
        self.head(UNSIGNED, value)
    }

    /// Writes an integer of either sign.
    pub fn integer(&mut self, value: i64) -> &mut Self {
        match u64::try_from(value) {
            Ok(value) => self.head(UNSIGNED, value),
            // -1 - value, which cannot overflow as !value does the same in two's complement.
            Err(_) => self.head(NEGATIVE, (!value).unsigned_abs()),
        }
    }

    /// Writes a byte string.
    pub fn bytes(&mut self, value: &[u8]) -> &mut Self {
        self.bytes_head(value.len());
        self.bytes.extend_from_slice(value);
        self
    }

    /// Writes the head of a byte string of this length. The caller adds the content, here with
    /// [`Encoder::raw`] or elsewhere, such as into a hash.
    pub fn bytes_head(&mut self, length: usize) -> &mut Self {
        self.head(BYTES, length as u64)
    }

    /// Writes a text string.
    pub fn text(&mut self, value: &str) -> &mut Self {
        self.head(TEXT, value.len() as u64);
        self.raw(value.as_bytes())
    }

    /// Writes the head of an array, whose items must follow.
    pub fn array(&mut self, items: u64) -> &mut Self {
        self.head(ARRAY, items)
    }

    /// Writes a map.
    pub fn map(&mut self, map: &Map) -> &mut Self {
        self.head(MAP, map.entries.len() as u64);
        for (key, value) in &map.entries {
            self.raw(key).raw(value);
        }
        self
    }

    /// Writes the head of a map whose entries follow in an order that another format prescribes.
    /// Such a map is not deterministic unless the caller sorts by the bytes of the keys.
    pub fn map_head(&mut self, entries: u64) -> &mut Self {
        self.head(MAP, entries)
    }

    /// Writes a tag, which an item must follow.
    pub fn tag(&mut self, number: u64) -> &mut Self {
        self.head(TAG, number)
    }

    /// Writes true or false.
    pub fn bool(&mut self, value: bool) -> &mut Self {
        self.raw(&[if value { TRUE } else { FALSE }])
    }

    /// Writes null.
    pub fn null(&mut self) -> &mut Self {
        self.raw(&[NULL])
    }

    /// Writes a floating-point number in the narrowest width that represents it exactly. Every NaN
    /// becomes the same one.
    pub fn float(&mut self, value: f64) -> &mut Self {
        match float::shortest(value) {
            Shortest::Float16(bits) => self.raw(&[FLOAT16]).raw(&bits.to_be_bytes()),
            Shortest::Float32(bits) => self.raw(&[FLOAT32]).raw(&bits.to_be_bytes()),
            Shortest::Float64(bits) => self.raw(&[FLOAT64]).raw(&bits.to_be_bytes()),
        }
    }

    /// Appends bytes: an item that is encoded already, or the content after
    /// [`Encoder::bytes_head`].
    pub fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.bytes.extend_from_slice(bytes);
        self
    }

    /// Returns what was written, and leaves the writer empty.
    pub fn to_bytes(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes)
    }
}

impl Map {
    /// A map without entries.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an entry; keys come in any order.
    ///
    /// # Errors
    /// [`DuplicateKey`] when the key is there; the map stays as it was.
    pub fn insert(&mut self, key: impl Encode, value: impl Encode) -> Result<(), DuplicateKey> {
        let key = Encoder::new().item(&key).to_bytes();
        match self.entries.entry(key) {
            std::collections::btree_map::Entry::Occupied(_) => Err(DuplicateKey),
            std::collections::btree_map::Entry::Vacant(entry) => {
                entry.insert(Encoder::new().item(&value).to_bytes());
                Ok(())
            }
        }
    }
}

impl Encode for u64 {
    fn encode(&self, out: &mut Encoder) {
        out.unsigned(*self);
    }
}

impl Encode for i64 {
    fn encode(&self, out: &mut Encoder) {
        out.integer(*self);
    }
}

impl Encode for bool {
    fn encode(&self, out: &mut Encoder) {
        out.bool(*self);
    }
}

impl Encode for str {
    fn encode(&self, out: &mut Encoder) {
        out.text(self);
    }
}

/// A byte string, not an array of integers.
impl Encode for [u8] {
    fn encode(&self, out: &mut Encoder) {
        out.bytes(self);
    }
}

impl<const LENGTH: usize> Encode for [u8; LENGTH] {
    fn encode(&self, out: &mut Encoder) {
        out.bytes(self);
    }
}

impl Encode for Map {
    fn encode(&self, out: &mut Encoder) {
        out.map(self);
    }
}

/// Null for `None`.
impl<T: Encode> Encode for Option<T> {
    fn encode(&self, out: &mut Encoder) {
        match self {
            Some(value) => value.encode(out),
            None => _ = out.null(),
        }
    }
}

/// An array.
impl<T: Encode> Encode for [T] {
    fn encode(&self, out: &mut Encoder) {
        out.array(self.len() as u64);
        for item in self {
            item.encode(out);
        }
    }
}

impl<T: Encode + ?Sized> Encode for &T {
    fn encode(&self, out: &mut Encoder) {
        (**self).encode(out);
    }
}
