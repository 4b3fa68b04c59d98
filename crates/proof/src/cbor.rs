//! CBOR maps with few members (RFC 8949): a deterministic writer and a strict reader.

use crate::{Error, Hash, Result};
use letsesign_cbor::{Decoder, Encode, Encoder, Kind, Map, Rules};

/// The most bytes of a PoR or PoI, so that its base64 has at most 1024 characters.
pub const PROOF_BYTES_MAX: usize = 768;

/// The largest index of a signer.
pub const SIGNER_INDEX_MAX: u16 = 999;

/// The most members of a map, unknown ones included.
const MEMBERS_MAX: u64 = 64;

/// Earlier writers did not sort their keys, and used heads and numbers longer than necessary.
const RULES: Rules = Rules::DETERMINISTIC
    .long_heads()
    .long_floats()
    .any_order()
    .depth_max(4);

/// The largest integer that every reader of JSON-like values represents exactly: 2^53 - 1.
const INTEGER_MAX: u64 = (1 << 53) - 1;

/// Writes a map in the deterministic encoding.
///
/// # Errors
/// [`Error::Cbor`] when two members have one name.
pub(crate) fn write(format: &'static str, members: &[(&str, Item<'_>)]) -> Result<Vec<u8>> {
    let mut map = Map::new();
    for (name, item) in members {
        map.insert(name, item).map_err(|error| Error::Cbor {
            format,
            problem: error.to_string(),
        })?;
    }
    Ok(Encoder::new().map(&map).to_bytes())
}

/// The value of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Item<'a> {
    Integer(u64),
    Text(&'a str),
    Bool(bool),
    /// A value of a type that no known member has. Only the reader produces it.
    Other,
}

impl Encode for Item<'_> {
    fn encode(&self, out: &mut Encoder) {
        match self {
            Item::Integer(value) => out.unsigned(*value),
            Item::Text(text) => out.text(text),
            Item::Bool(value) => out.bool(*value),
            Item::Other => out.null(),
        };
    }
}

/// The members of a PoR or PoI after reading.
#[derive(Debug)]
pub(crate) struct Members<'a> {
    format: &'static str,
    members: Vec<(&'a str, Item<'a>)>,
}

impl<'a> Members<'a> {
    /// Reads a map with text keys.
    ///
    /// Refuses bytes behind the map, duplicate keys, indefinite lengths and deep nesting. Accepts
    /// any order of keys and heads longer than necessary, which earlier writers produced, and
    /// unknown members, which later writers may add.
    pub(crate) fn parse(format: &'static str, bytes: &'a [u8]) -> Result<Self> {
        // The limit comes first, so that hostile input costs little.
        if bytes.len() > PROOF_BYTES_MAX {
            return Err(Error::TooLong {
                format,
                size: bytes.len(),
                limit: PROOF_BYTES_MAX,
            });
        }
        let problem = |problem: String| Error::Cbor { format, problem };
        let mut decoder = Decoder::with_rules(bytes, RULES);
        let members =
            read_map(&mut decoder).map_err(|error| problem(format!("not a CBOR map: {error}")))?;
        decoder
            .end()
            .map_err(|_| problem("there are bytes behind the map".to_owned()))?;
        // Which of two equal keys counts would depend on the reader. Maps are short, so comparing
        // all pairs is cheap.
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
            _ => Err(self.error(member, "is not a text")),
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

fn read_map<'a>(
    decoder: &mut Decoder<'a>,
) -> std::result::Result<Vec<(&'a str, Item<'a>)>, String> {
    let text = |error: letsesign_cbor::Error| error.to_string();
    let mut entries = decoder.map().map_err(text)?;
    if entries.left().is_none_or(|count| count > MEMBERS_MAX) {
        return Err("too many members".to_owned());
    }
    let mut members = Vec::new();
    while decoder.more(&mut entries).map_err(text)? {
        let key = decoder.text().map_err(text)?;
        members.push((key, read_item(decoder).map_err(text)?));
    }
    Ok(members)
}

fn read_item<'a>(decoder: &mut Decoder<'a>) -> letsesign_cbor::Result<Item<'a>> {
    Ok(match decoder.kind()? {
        Kind::Unsigned => match decoder.unsigned()? {
            value @ 0..=INTEGER_MAX => Item::Integer(value),
            _ => Item::Other,
        },
        // Writers in JavaScript encode times, which need more than 32 bits, as floating-point
        // numbers. None of them writes the narrowest ones, which so stay no integers.
        Kind::Float32 | Kind::Float64 => whole(decoder.float()?),
        Kind::Text => Item::Text(decoder.text()?),
        Kind::Bool => Item::Bool(decoder.bool()?),
        _ => {
            decoder.skip()?;
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
