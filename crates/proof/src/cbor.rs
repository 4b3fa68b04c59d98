//! Maps of a few members in CBOR (RFC 8949): a deterministic writer and a strict reader.

use crate::{Error, Hash, Result};
use minicbor::data::Type;
use minicbor::decode::Decoder;

/// Bytes of a PoR or PoI at most: its base64 has at most 1024 characters.
pub const PROOF_BYTES_MAX: usize = 768;

/// The largest index of a signer.
pub const SIGNER_INDEX_MAX: u16 = 999;

/// Members that a map may have, unknown ones included.
const MEMBERS_MAX: u64 = 64;

/// Nesting in unknown members.
const DEPTH_MAX: usize = 4;

/// Whole numbers that every reader of JSON-like values keeps exactly: up to 2^53 - 1.
const INTEGER_MAX: u64 = (1 << 53) - 1;

/// Writes by the core deterministic encoding requirements (RFC 8949, section 4.2.1), as long as the caller orders the keys.
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    pub(crate) fn array(items: u64) -> Self {
        let mut writer = Self(Vec::new());
        writer.head(4, items);
        writer
    }

    /// Writes a map. Keys are sorted by their encoding, which for short texts means: shorter first, then by bytes.
    pub(crate) fn map(mut members: Vec<(&str, Item<'_>)>) -> Vec<u8> {
        members.sort_by_key(|(key, _)| (key.len(), *key));
        let mut writer = Self(Vec::new());
        writer.head(5, members.len() as u64);
        for (key, item) in members {
            writer.text(key);
            match item {
                Item::Integer(value) => writer.head(0, value),
                Item::Text(text) => writer.text(text),
                Item::Bool(value) => writer.0.push(if value { 0xf5 } else { 0xf4 }),
                Item::Other => writer.0.push(0xf6),
            }
        }
        writer.0
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.head(3, text.len() as u64);
        self.0.extend_from_slice(text.as_bytes());
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// Major type and argument, in the shortest form.
    fn head(&mut self, major: u8, argument: u64) {
        let major = major << 5;
        let bytes = argument.to_be_bytes();
        let (kind, from) = match argument {
            0..=23 => {
                self.0.push(major | bytes[7]);
                return;
            }
            24..=0xff => (24, 7),
            0x100..=0xffff => (25, 6),
            0x1_0000..=0xffff_ffff => (26, 4),
            _ => (27, 0),
        };
        self.0.push(major | kind);
        self.0
            .extend_from_slice(bytes.get(from..).unwrap_or_default());
    }
}

/// A member's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Item<'a> {
    Integer(u64),
    Text(&'a str),
    Bool(bool),
    /// Something that no member of ours is. Read only.
    Other,
}

/// The members of a proof's map.
#[derive(Debug)]
pub(crate) struct Members<'a> {
    format: &'static str,
    members: Vec<(&'a str, Item<'a>)>,
}

impl<'a> Members<'a> {
    /// Reads a map with text keys.
    ///
    /// Refused are: bytes behind the map, a key twice, indefinite lengths, deep nesting. Not refused are other orders and longer
    /// heads than needed, which earlier writers used, and unknown members, which later ones may add.
    pub(crate) fn parse(format: &'static str, bytes: &'a [u8]) -> Result<Self> {
        if bytes.len() > PROOF_BYTES_MAX {
            return Err(Error::TooLong {
                format,
                size: bytes.len(),
                limit: PROOF_BYTES_MAX,
            });
        }
        let problem = |problem: String| Error::Cbor { format, problem };
        let mut decoder = Decoder::new(bytes);
        let members =
            read_map(&mut decoder).map_err(|error| problem(format!("not a CBOR map: {error}")))?;
        if decoder.position() != bytes.len() {
            return Err(problem("there are bytes behind the map".to_owned()));
        }
        for (index, (key, _)) in members.iter().enumerate() {
            let before = members.get(..index).unwrap_or_default();
            if before.iter().any(|(other, _)| other == key) {
                return Err(problem("a key is there twice".to_owned()));
            }
        }
        Ok(Self { format, members })
    }

    pub(crate) fn error(&self, member: &'static str, problem: &'static str) -> Error {
        Error::Member {
            format: self.format,
            member,
            problem,
        }
    }

    pub(crate) fn optional(&self, member: &str) -> Option<Item<'a>> {
        self.members
            .iter()
            .find(|(key, _)| *key == member)
            .map(|(_, item)| *item)
    }

    fn required(&self, member: &'static str) -> Result<Item<'a>> {
        self.optional(member)
            .ok_or_else(|| self.error(member, "is missing"))
    }

    pub(crate) fn text(&self, member: &'static str) -> Result<&'a str> {
        match self.required(member)? {
            Item::Text(text) => Ok(text),
            _ => Err(self.error(member, "is no text")),
        }
    }

    pub(crate) fn bool(&self, member: &'static str) -> Result<bool> {
        match self.required(member)? {
            Item::Bool(value) => Ok(value),
            _ => Err(self.error(member, "is neither true nor false")),
        }
    }

    pub(crate) fn integer(&self, member: &'static str) -> Result<u64> {
        match self.required(member)? {
            Item::Integer(value) => Ok(value),
            _ => Err(self.error(member, "is no whole number from 0 to 2^53 - 1")),
        }
    }

    pub(crate) fn signer_index(&self) -> Result<u16> {
        let member = "signerIdx";
        u16::try_from(self.integer(member)?)
            .ok()
            .filter(|index| *index <= SIGNER_INDEX_MAX)
            .ok_or_else(|| self.error(member, "is not within 0 to 999"))
    }

    pub(crate) fn hash(&self, member: &'static str) -> Result<Hash> {
        Hash::parse(self.text(member)?)
            .map_err(|_| self.error(member, "is not 64 lower-case hexadecimal digits"))
    }

    pub(crate) fn optional_hash(&self, member: &'static str) -> Result<Option<Hash>> {
        match self.optional(member) {
            None => Ok(None),
            Some(_) => self.hash(member).map(Some),
        }
    }
}

type Decoded<T> = std::result::Result<T, minicbor::decode::Error>;

fn read_map<'a>(decoder: &mut Decoder<'a>) -> Decoded<Vec<(&'a str, Item<'a>)>> {
    let count = definite(decoder.map()?)?;
    if count > MEMBERS_MAX {
        return Err(minicbor::decode::Error::message("too many members"));
    }
    let mut members = Vec::new();
    for _ in 0..count {
        let key = decoder.str()?;
        members.push((key, read_item(decoder)?));
    }
    Ok(members)
}

fn definite(length: Option<u64>) -> Decoded<u64> {
    length.ok_or_else(|| minicbor::decode::Error::message("indefinite length"))
}

fn read_item<'a>(decoder: &mut Decoder<'a>) -> Decoded<Item<'a>> {
    Ok(match decoder.datatype()? {
        Type::U8 | Type::U16 | Type::U32 | Type::U64 => match decoder.u64()? {
            value @ 0..=INTEGER_MAX => Item::Integer(value),
            _ => Item::Other,
        },
        // Writers in JavaScript print times, which have more than 32 bits, as floating point numbers.
        Type::F32 => whole(decoder.f32()?.into()),
        Type::F64 => whole(decoder.f64()?),
        Type::String => Item::Text(decoder.str()?),
        Type::Bool => Item::Bool(decoder.bool()?),
        _ => {
            skip(decoder, 0)?;
            Item::Other
        }
    })
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "the value is whole and within 0 to 2^53 - 1, where both types are exact"
)]
fn whole(value: f64) -> Item<'static> {
    if (0.0..=INTEGER_MAX as f64).contains(&value) && value.fract() == 0.0 {
        Item::Integer(value as u64)
    } else {
        Item::Other
    }
}

/// Skips one item of bounded depth.
fn skip(decoder: &mut Decoder<'_>, depth: usize) -> Decoded<()> {
    if depth > DEPTH_MAX {
        return Err(minicbor::decode::Error::message("nested too deeply"));
    }
    let items = match decoder.datatype()? {
        Type::Array | Type::ArrayIndef => definite(decoder.array()?)?,
        Type::Map | Type::MapIndef => definite(decoder.map()?)?.saturating_mul(2),
        Type::Tag => {
            decoder.tag()?;
            1
        }
        Type::BytesIndef | Type::StringIndef | Type::Break => definite(None)?,
        _ => {
            decoder.skip()?;
            0
        }
    };
    // Every item takes a byte at least, so this ends with the input, whatever the count says.
    for _ in 0..items {
        skip(decoder, depth + 1)?;
    }
    Ok(())
}
