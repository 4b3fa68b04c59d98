//! The compact text of a JSON value, which hashes cover.

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use std::fmt::{self, Write};
use std::marker::PhantomData;

/// The text that `JSON.stringify` prints for a value, provided that its numbers have JavaScript's
/// spelling: no white space between tokens, members in the order received, strings with the fewest
/// escapes. Numbers keep their spelling.
///
/// `None` when the text is not JSON by the rules of the crate strict-json (at most 64 levels).
pub fn compact(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    compact_into(text, &mut |piece| out.push_str(piece))?;
    Some(out)
}

/// The SHA-256 of [`compact`]'s text, computed without storing that text.
pub fn compact_hash(text: &str) -> Option<crate::Hash> {
    let mut hash = Sha256::new();
    compact_into(text, &mut |piece| hash.update(piece))?;
    Some(crate::Hash(hash.finalize().into()))
}

fn compact_into(text: &str, out: &mut impl FnMut(&str)) -> Option<()> {
    strict_json::check(text.as_bytes(), strict_json::Limits::default()).ok()?;
    let mut rest = text;
    while let Some(first) = rest.bytes().next() {
        let length = match first {
            b' ' | b'\t' | b'\n' | b'\r' => 1,
            b'"' => {
                let (end, escapes) = string_end(rest)?;
                let string = rest.get(..end)?;
                if escapes {
                    let mut spelt = String::with_capacity(string.len());
                    write_string(&serde_json::from_str::<String>(string).ok()?, &mut spelt);
                    out(&spelt);
                } else {
                    // A string without escapes has a single spelling, so it is copied whole.
                    // Documents are strings of megabytes; this fast path matters.
                    out(string);
                }
                end
            }
            _ => {
                let token = rest
                    .find(['"', ' ', '\t', '\n', '\r'])
                    .unwrap_or(rest.len());
                out(rest.get(..token)?);
                token
            }
        };
        rest = rest.get(length..)?;
    }
    Some(())
}

/// The offset behind the string at the start of a text, and whether the string has escapes.
fn string_end(text: &str) -> Option<(usize, bool)> {
    let bytes = text.as_bytes();
    let mut escapes = false;
    let mut at = 1;
    loop {
        at += memchr::memchr2(b'"', b'\\', bytes.get(at..)?)?;
        if bytes.get(at) == Some(&b'"') {
            return Some((at + 1, escapes));
        }
        escapes = true;
        at += 2;
    }
}

/// QuoteJSONString of ECMAScript 2024, section 25.5.2.3. Lone surrogates cannot occur, because the
/// text is UTF-8.
fn write_string(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            '\0'..='\u{1f}' => {
                // Writing to a `String` never fails.
                let _ = write!(out, "\\u{:04x}", u32::from(character));
            }
            other => out.push(other),
        }
    }
    out.push('"');
}

/// Reads a text of at most `limit` bytes as one strict JSON object. `format` is the name in errors.
///
/// # Errors
/// [`Error::TooLong`](crate::Error::TooLong); [`Error::Json`](crate::Error::Json) for text that is
/// not strict JSON or not such an object. The error quotes no value: values are personal data.
pub fn read_object<T: serde::de::DeserializeOwned>(
    format: &'static str,
    text: &[u8],
    limit: usize,
) -> crate::Result<T> {
    read::<Object<T>>(format, text, limit).map(|Object(value)| value)
}

/// Reads a text of at most `limit` bytes as strict JSON.
pub(crate) fn read<'a, T: serde::Deserialize<'a>>(
    format: &'static str,
    text: &'a [u8],
    limit: usize,
) -> crate::Result<T> {
    let problem = |problem: String| crate::Error::Json { format, problem };
    if text.len() > limit {
        return Err(crate::Error::TooLong {
            format,
            size: text.len(),
            limit,
        });
    }
    strict_json::check(text, strict_json::Limits::default())
        .map_err(|error| problem(error.to_string()))?;
    serde_json::from_slice(text).map_err(|error| problem(describe(&error)))
}

/// A value that must be a JSON object. The readers that serde derives also accept an array of the
/// members' values, which other implementations would refuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Object<T>(pub T);

impl<T> std::ops::Deref for Object<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Serialize> Serialize for Object<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Members<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }

        deserializer.deserialize_map(Members(PhantomData))
    }
}

/// Reads an optional member, which must not be null when it is present: for serde's
/// `deserialize_with`, beside `default`.
///
/// # Errors
/// The errors of the member's own reader.
pub fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// Describes an error by its place alone: serde_json's message quotes values of a wrong type, which
/// may be personal data.
fn describe(error: &serde_json::Error) -> String {
    let text = error.to_string();
    if text.starts_with("missing field") {
        return text;
    }
    let (line, column) = (error.line(), error.column());
    format!("a member is unknown or not what it should be, at line {line} column {column}")
}

/// The text of a value exactly as in its file.
pub(crate) type Raw = RawValue;
