//! The compact text of a JSON value, which is what hashes are over.

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use std::fmt::{self, Write};
use std::marker::PhantomData;

/// The text that `JSON.stringify` prints for a value whose numbers are spelt as a writer in JavaScript spells them: no white
/// space between tokens, members in the order received, strings with the fewest escapes. Numbers keep their spelling.
///
/// `None` when the text is not JSON by the rules of the crate strict-json (64 levels at most).
pub fn compact(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    compact_into(text, &mut |piece| out.push_str(piece))?;
    Some(out)
}

/// The hash of [`compact`]'s text, without making that text.
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
                    // Without an escape there is one spelling. Documents are strings of megabytes, so this is worth it.
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

/// The offset behind the string that a text starts with, and whether it has escapes.
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

/// ECMAScript 2024, section 25.5.2.3 (QuoteJSONString). Lone surrogates cannot occur: the text is UTF-8.
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
                // Writing into a string cannot fail.
                let _ = write!(out, "\\u{:04x}", u32::from(character));
            }
            other => out.push(other),
        }
    }
    out.push('"');
}

/// Checks a text strictly and reads it.
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

/// A value that must be an object. The readers that serde derives take a list of the members'
/// values as well, which no other reader does.
pub(crate) struct Object<T>(pub(crate) T);

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

/// A member that is optional, and not null where it is there.
pub(crate) fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// serde_json's message quotes values of a wrong type, which may be a person's data; the place says as much.
fn describe(error: &serde_json::Error) -> String {
    let text = error.to_string();
    if text.starts_with("missing field") {
        return text;
    }
    let (line, column) = (error.line(), error.column());
    format!("a member is unknown or not what it should be, at line {line} column {column}")
}

/// A value's text as it stands in its file.
pub(crate) type Raw = RawValue;
