//! Foreign text on a terminal: nothing in it may act on the terminal or show another order than it has.

use std::fmt::Write;

/// One line: control characters, line breaks and characters that change the direction or are invisible appear as `\u{...}`. Letters of
/// all scripts stay.
pub(crate) fn line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if acts(character) {
            // Writing into a string cannot fail.
            let _ = write!(out, "\\u{{{:x}}}", u32::from(character));
        } else {
            out.push(character);
        }
    }
    out
}

/// JSON text with every such character escaped; it means the same.
pub(crate) fn json(text: &str) -> String {
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

/// Control characters; marks, embeddings, overrides and isolates of the bidirectional algorithm (UAX 9); separators of lines and
/// paragraphs; invisible characters; private and tag characters.
fn acts(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e000}'..='\u{f8ff}' | '\u{e0000}'..='\u{10ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_on_a_terminal_is_spelt_out() {
        assert_eq!(
            line("\u{1b}[31mred\u{7}\u{9b}2J\r\n"),
            "\\u{1b}[31mred\\u{7}\\u{9b}2J\\u{d}\\u{a}"
        );
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
}
