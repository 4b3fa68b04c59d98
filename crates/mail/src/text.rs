//! Makes text that people typed safe to show: no control character moves or hides what stands
//! around it.

/// Whether a text has a character that ends a line: a name or a file name must not.
///
/// LF, VT, FF, CR, NEL, LINE SEPARATOR and PARAGRAPH SEPARATOR: the mandatory breaks of Unicode
/// (UAX #14).
pub fn has_line_break(text: &str) -> bool {
    text.contains(is_line_break)
}

fn is_line_break(character: char) -> bool {
    matches!(
        character,
        '\n' | '\x0b' | '\x0c' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}'
    )
}

/// Characters that reorder or hide text (UAX #9 controls, and the byte order mark): a name with one
/// of them could make the rest of a line read differently.
fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
    )
}

/// A text on one line: breaks and control characters become one space, controls of direction go,
/// blanks at the ends too.
pub(crate) fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for character in text.chars().filter(|&character| !is_invisible(character)) {
        if character.is_control() || character.is_whitespace() || is_line_break(character) {
            if !line.is_empty() && !line.ends_with(' ') {
                line.push(' ');
            }
        } else {
            line.push(character);
        }
    }
    line.truncate(line.trim_end().len());
    line
}

/// The lines of a message: CRLF, CR, LF and Unicode's separators end one. Other control characters
/// go, a tab is a space, empty lines at both ends go.
pub(crate) fn lines(text: &str) -> Vec<String> {
    let text = text.replace("\r\n", "\n");
    let mut lines: Vec<String> = text
        .split(is_line_break)
        .map(|line| {
            line.chars()
                .map(|character| if character == '\t' { ' ' } else { character })
                .filter(|&character| !character.is_control() && !is_invisible(character))
                .collect::<String>()
                .trim_end()
                .to_owned()
        })
        .collect();
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    let blank = lines.iter().take_while(|line| line.is_empty()).count();
    lines.drain(..blank);
    lines
}

/// At most `max` characters; what is cut off shows as an ellipsis.
pub(crate) fn shortened(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(max.saturating_sub(1)).collect();
    short.push('…');
    short
}

/// The last `count` characters.
pub(crate) fn tail(text: &str, count: usize) -> String {
    let skipped = text.chars().count().saturating_sub(count);
    text.chars().skip(skipped).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_stays_one() {
        assert_eq!(one_line("  a\r\nBcc: x\t\u{2028}y\0z \n"), "a Bcc: x y z");
        assert_eq!(one_line("fdp\u{202e}exe.txt"), "fdpexe.txt");
        assert_eq!(one_line("\n\n"), "");
    }

    #[test]
    fn lines_are_kept() {
        assert_eq!(
            lines("\n\na\r\n\r\n b\tc\rd\u{85}e\0\n\n"),
            ["a", "", " b c", "d", "e"]
        );
        assert!(lines(" \n").is_empty());
    }

    #[test]
    fn breaks_are_found() {
        for text in [
            "a\nb", "a\r", "\u{2028}", "\u{2029}", "\u{85}", "\x0b", "\x0c",
        ] {
            assert!(has_line_break(text), "{text:?}");
        }
        assert!(!has_line_break("a b\tc — 名前"));
    }

    #[test]
    fn cutting_counts_characters() {
        assert_eq!(shortened("名前名前", 4), "名前名前");
        assert_eq!(shortened("名前名前", 3), "名前…");
        assert_eq!(tail("0123456789abcdef", 12), "456789abcdef");
        assert_eq!(tail("名前", 12), "名前");
    }
}
