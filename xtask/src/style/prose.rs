//! The prose of a file: its comments and texts, or a page's paragraphs.

use std::path::Path;

/// A language with comments, or pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Markdown,
    /// `//` comments, `"` texts.
    Rust,
    /// `#` comments.
    Hash,
}

impl Kind {
    pub(super) fn of(file: &Path) -> Option<Self> {
        match file.extension()?.to_str()? {
            "md" => Some(Self::Markdown),
            "rs" => Some(Self::Rust),
            "nix" | "toml" | "py" | "sh" => Some(Self::Hash),
            _ => None,
        }
    }
}

/// Marks the first line of a comment.
pub(super) const OPENING: &str = "\u{2}";

/// A line that has prose.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Piece {
    /// From 1.
    pub(super) line: usize,
    /// The prose alone.
    pub(super) text: String,
    /// Columns of the whole line.
    pub(super) columns: usize,
    /// Whether the limit of columns holds.
    pub(super) measured: bool,
}

/// The texts of a line of Rust, joined. Raw strings and texts over several lines are mostly data.
fn texts(line: &str) -> String {
    let mut texts = String::new();
    let mut inside = false;
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => drop(characters.next()),
            '"' => {
                inside = !inside;
                texts.push('\n');
            }
            _ if inside => texts.push(character),
            _ => {}
        }
    }
    texts
}

/// A line without what stands between backticks.
fn without_code(line: &str) -> String {
    let mut parts = line.split('`');
    let mut prose = parts.next().unwrap_or_default().to_owned();
    while let (Some(_), Some(after)) = (parts.next(), parts.next()) {
        prose.push_str("``");
        prose.push_str(after);
    }
    prose
}

pub(super) fn pieces(kind: Kind, text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut code = false;
    let mut before_comment = false;
    for (line, text) in (1..).zip(text.lines()) {
        let trimmed = text.trim_start();
        let columns = text.chars().count();
        let (prose, measured) = match kind {
            Kind::Markdown => {
                if trimmed.starts_with("```") {
                    code = !code;
                    continue;
                }
                if code {
                    continue;
                }
                (Some(trimmed.to_owned()), !is_exempt(trimmed))
            }
            Kind::Rust => {
                let comment = trimmed.strip_prefix("//");
                let opens = !std::mem::replace(&mut before_comment, comment.is_some());
                if let Some(comment) = comment {
                    let comment = comment.trim_start_matches(['/', '!']).trim_start();
                    let opening = if opens { OPENING } else { "" };
                    (Some(format!("{opening}{comment}")), !is_exempt(comment))
                } else {
                    let texts = texts(text);
                    ((!texts.is_empty()).then_some(texts), false)
                }
            }
            Kind::Hash => (
                trimmed.strip_prefix('#').map(str::to_owned),
                trimmed.starts_with("# "),
            ),
        };
        if let Some(prose) = prose {
            pieces.push(Piece {
                line,
                text: without_code(&prose),
                columns,
                measured,
            });
        }
    }
    pieces
}

/// Table rows cannot be broken, nor can a link that stands alone.
fn is_exempt(text: &str) -> bool {
    let text = text.trim_start();
    let alone = !text.trim_start_matches(['*', '-', ' ']).contains(' ');
    text.starts_with('|') || (alone && text.contains("://"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kind: Kind, text: &str) -> Vec<(usize, String)> {
        let pieces = pieces(kind, text).into_iter();
        pieces.map(|piece| (piece.line, piece.text)).collect()
    }

    #[test]
    fn comments_and_texts_of_rust_are_prose() {
        let text = "/// One `frob`.\n/// Two.\nlet a = \"three\";\nlet b = 4;\n// Five.\n";
        let expected = [
            (1, "\u{2}One ``.".to_owned()),
            (2, "Two.".to_owned()),
            (3, "\nthree\n".to_owned()),
            (5, "\u{2}Five.".to_owned()),
        ];
        assert_eq!(read(Kind::Rust, text), expected);
    }

    #[test]
    fn code_of_pages_is_not_prose() {
        let text = "One\n```\nfrob\n```\nTwo\n";
        let expected = [(1, "One".to_owned()), (5, "Two".to_owned())];
        assert_eq!(read(Kind::Markdown, text), expected);
    }

    #[test]
    fn tables_and_bare_links_may_be_long() {
        for (text, measured) in [
            ("| a | b |", false),
            ("* https://example.org/x", false),
            ("see https://example.org/x", true),
            ("words", true),
        ] {
            let pieces = pieces(Kind::Markdown, text);
            assert_eq!(pieces[0].measured, measured, "{text}");
        }
    }
}
