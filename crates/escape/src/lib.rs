//! Escapes foreign text for a terminal, so that it can neither act on the terminal nor display in
//! another order than its own.
//!
//! A stranger may have written a path, a name in a certificate or a field of a file. The tools of
//! this repository print such text only through these functions.
#![cfg_attr(any(doc, doctest), doc = include_str!("../README.md"))]

use std::fmt::Write;

/// Escapes text as one line: control characters, line breaks, invisible characters and those that
/// change the direction become `\u{...}`. Letters of all scripts stay.
pub fn line(text: &str) -> String {
    spelt(text, |_| false)
}

/// Escapes several lines: as [`line()`], but keeps line breaks. Only for text whose line breaks
/// come from our own code.
pub fn lines(text: &str) -> String {
    spelt(text, |character| character == '\n')
}

fn spelt(text: &str, keep: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if acts(character) && !keep(character) {
            // Writing to a `String` never fails.
            let _ = write!(out, "\\u{{{:x}}}", u32::from(character));
        } else {
            out.push(character);
        }
    }
    out
}

/// Escapes bytes that usually are UTF-8, such as a path, as one line: as [`line()`], with each byte
/// outside valid UTF-8 as `\xNN`. Backslashes are doubled, so that two different byte strings never
/// look the same.
pub fn bytes(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        out.push_str(&line(&chunk.valid().replace('\\', "\\\\")));
        for byte in chunk.invalid() {
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    out
}

/// Escapes such characters in JSON text without changing its meaning. Line breaks stay.
pub fn json(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if acts(character) && character != '\n' {
            for unit in character.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(character);
        }
    }
    out
}

/// Control characters; marks, embeddings, overrides and isolates of the bidirectional algorithm
/// (UAX 9); separators of lines and paragraphs; invisible characters; private-use and tag
/// characters.
fn acts(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{e000}'..='\u{f8ff}' | '\u{e0000}'..='\u{10ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn characters_that_act_on_a_terminal_are_escaped() {
        assert_eq!(
            line("\u{1b}[31mred\u{7}\u{9b}2J\r\n"),
            "\\u{1b}[31mred\\u{7}\\u{9b}2J\\u{d}\\u{a}"
        );
        assert_eq!(lines("a\r\nb\u{9b}\n"), "a\\u{d}\nb\\u{9b}\n");
        assert_eq!(
            line("a\u{202e}txt.exe\u{2066}\u{200f}"),
            "a\\u{202e}txt.exe\\u{2066}\\u{200f}"
        );
        assert_eq!(line("王小明 – Zoë عمر"), "王小明 – Zoë عمر");
        let value = serde_json::json!({ "a": "\u{1b}\u{9b}\u{202e}\u{e0041}王" });
        let text = json(&serde_json::to_string_pretty(&value).unwrap());
        assert!(!text.contains(['\u{1b}', '\u{9b}', '\u{202e}', '\u{e0041}']));
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&text).unwrap(),
            value
        );
    }

    #[test]
    fn bytes_outside_utf8_are_escaped() {
        assert_eq!(bytes(b"a\xff\xc3/b\x1b"), "a\\xff\\xc3/b\\u{1b}");
        assert_eq!(bytes("\u{9b}\u{202e}é".as_bytes()), "\\u{9b}\\u{202e}é");
        assert_eq!(bytes(br"\xff"), r"\\xff");
    }

    proptest! {
        #[test]
        fn no_two_byte_strings_look_the_same(
            a in proptest::collection::vec(any::<u8>(), 0..12),
            b in proptest::collection::vec(any::<u8>(), 0..12),
        ) {
            prop_assert_eq!(a == b, bytes(&a) == bytes(&b));
            prop_assert!(!bytes(&a).chars().any(acts));
        }
    }
}
