//! The compact text of a JSON value, which is what hashes are over.

use serde_json::value::RawValue;
use std::fmt::Write;

/// The text that `JSON.stringify` prints for a value whose numbers are spelt as a writer in JavaScript spells them: no white
/// space between tokens, members in the order received, strings with the fewest escapes. Numbers keep their spelling.
///
/// `None` when the text is not JSON by the rules of the crate strict-json (64 levels at most).
pub fn compact(text: &str) -> Option<String> {
    strict_json::check(text.as_bytes(), strict_json::Limits::default()).ok()?;
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let length = match character {
            ' ' | '\t' | '\n' | '\r' => 1,
            '"' => {
                let end = string_end(rest)?;
                write_string(
                    &serde_json::from_str::<String>(rest.get(..end)?).ok()?,
                    &mut out,
                );
                end
            }
            other => {
                out.push(other);
                other.len_utf8()
            }
        };
        rest = rest.get(length..)?;
    }
    Some(out)
}

/// The offset behind the string that a text starts with.
fn string_end(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (offset, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(offset + 1),
            _ => {}
        }
    }
    None
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
