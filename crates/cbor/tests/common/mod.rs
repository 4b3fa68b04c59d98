//! A tree of CBOR items, to compare what is read with what was written.

use letsesign_cbor::{Decoder, Encode, Encoder, Kind, Map, Result};
use std::fmt;

/// One item.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Unsigned(u64),
    /// -1 - n.
    Negative(u64),
    Bytes(Vec<u8>),
    Text(String),
    Array(Vec<Value>),
    Map(Vec<(Value, Value)>),
    Tag(u64, Box<Value>),
    Bool(bool),
    Null,
    Float(f64),
    /// Encoding of another simple value.
    Simple(Vec<u8>),
}

impl Value {
    /// Reads one item. Input that nests more deeply than `skip` permits is refused by `skip`
    /// first, so the recursion ends.
    pub(crate) fn read(decoder: &mut Decoder<'_>) -> Result<Self> {
        decoder.clone().skip()?;
        Ok(match decoder.kind()? {
            Kind::Unsigned => Self::Unsigned(decoder.unsigned()?),
            Kind::Negative => {
                let argument = u64::try_from(-1 - decoder.integer()?);
                Self::Negative(argument.expect("the range of major type 1"))
            }
            Kind::Bytes => Self::Bytes(decoder.bytes()?.to_vec()),
            Kind::Text => Self::Text(decoder.text()?.to_owned()),
            Kind::Array => {
                let mut items = decoder.array()?;
                let mut values = Vec::new();
                while decoder.more(&mut items)? {
                    values.push(Self::read(decoder)?);
                }
                Self::Array(values)
            }
            Kind::Map => {
                let mut entries = decoder.map()?;
                let mut values = Vec::new();
                while decoder.more(&mut entries)? {
                    values.push((Self::read(decoder)?, Self::read(decoder)?));
                }
                Self::Map(values)
            }
            Kind::Tag => {
                let number = decoder.tag()?.expect("a tag comes next");
                Self::Tag(number, Box::new(Self::read(decoder)?))
            }
            Kind::Bool => Self::Bool(decoder.bool()?),
            Kind::Null => {
                assert!(decoder.null()?);
                Self::Null
            }
            Kind::Float16 | Kind::Float32 | Kind::Float64 => Self::Float(decoder.float()?),
            Kind::Simple => Self::Simple(decoder.item()?.to_vec()),
        })
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        Encoder::new().item(self).to_bytes()
    }
}

impl Encode for Value {
    fn encode(&self, out: &mut Encoder) {
        _ = match self {
            Self::Unsigned(value) => out.unsigned(*value),
            Self::Negative(argument) => match i64::try_from(*argument) {
                Ok(argument) => out.integer(-1 - argument),
                // Below the range of i64, which is all that the writer takes.
                Err(_) => out.raw(&[0x3b]).raw(&argument.to_be_bytes()),
            },
            Self::Bytes(bytes) => out.bytes(bytes),
            Self::Text(text) => out.text(text),
            Self::Array(items) => out.item(items.as_slice()),
            Self::Map(entries) => {
                let mut map = Map::new();
                for (key, value) in entries {
                    map.insert(key, value).expect("keys are different");
                }
                out.map(&map)
            }
            Self::Tag(number, value) => out.tag(*number).item(value.as_ref()),
            Self::Bool(value) => out.bool(*value),
            Self::Null => out.null(),
            Self::Float(value) => out.float(*value),
            Self::Simple(bytes) => out.raw(bytes),
        };
    }
}

/// Diagnostic notation (RFC 8949, section 8), with floating-point numbers as Rust writes them.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsigned(value) => write!(f, "{value}"),
            Self::Negative(argument) => write!(f, "{}", -1 - i128::from(*argument)),
            Self::Bytes(bytes) => write!(f, "h'{}'", hex::encode(bytes)),
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Array(items) => {
                let items: Vec<_> = items.iter().map(ToString::to_string).collect();
                write!(f, "[{}]", items.join(", "))
            }
            Self::Map(entries) => {
                let entries: Vec<_> = entries.iter().map(|(k, v)| format!("{k}: {v}")).collect();
                write!(f, "{{{}}}", entries.join(", "))
            }
            Self::Tag(number, value) => write!(f, "{number}({value})"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Null => f.write_str("null"),
            Self::Float(value) => write!(f, "{value:?}"),
            Self::Simple(bytes) => match bytes[..] {
                [0xf7] => f.write_str("undefined"),
                [first] => write!(f, "simple({})", first & 0x1f),
                [_, second] => write!(f, "simple({second})"),
                _ => unreachable!("{bytes:?}"),
            },
        }
    }
}
