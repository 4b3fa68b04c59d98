//! What a page's content leaves open: saved graphics states and text objects. A stamp closes them, so that it is drawn in the
//! page's own space whatever the content did.

use crate::error::Error;
use crate::pdf::document::Document;
use crate::pdf::lex::{Lexer, is_regular, is_space};
use crate::pdf::object::Object;

/// Content of one page, unpacked.
const MAX_CONTENT: usize = 16 << 20;
/// More unclosed states than this are left alone.
const MAX_OPEN: usize = 64;

/// The streams of a page's content, and what has to stand around them.
pub(crate) struct Content {
    pub(crate) streams: Vec<Object>,
    /// `q`, and one more for each `Q` too many.
    pub(crate) before: Vec<u8>,
    /// What closes the content.
    pub(crate) after: Vec<u8>,
}

pub(crate) fn content(
    document: &Document<'_>,
    contents: Option<&Object>,
) -> Result<Content, Error> {
    let streams = match contents {
        None | Some(Object::Null) => Vec::new(),
        Some(Object::Array(items)) => items.clone(),
        Some(reference) => match document.resolve(reference)? {
            Object::Array(items) => items,
            Object::Dict(_) => vec![reference.clone()],
            _ => Vec::new(),
        },
    };
    let mut balance = Balance::default();
    let mut left = MAX_CONTENT;
    for stream in &streams {
        let Object::Ref(number, _) = stream else {
            continue;
        };
        let Some(loaded) = document.load(*number)? else {
            continue;
        };
        let (Some(dict), Some(range)) = (
            loaded.object.dict(),
            loaded.stream.clone().map(|extent| extent.range),
        ) else {
            continue;
        };
        // What cannot be unpacked is taken as balanced.
        if let Some(data) = document.decode(*number, loaded.generation, dict, range, left)? {
            left = left.saturating_sub(data.len());
            balance.read(&data);
        }
    }
    let mut before = b"q\n".repeat(1 + balance.missing.min(MAX_OPEN));
    before.truncate(2 * (MAX_OPEN + 1));
    let mut after = b"\n".to_vec();
    if balance.text {
        after.extend_from_slice(b"ET\n");
    }
    after.extend_from_slice(&b"Q\n".repeat(1 + balance.open.min(MAX_OPEN)));
    Ok(Content {
        streams,
        before,
        after,
    })
}

#[derive(Default)]
struct Balance {
    /// `q` without `Q`.
    open: usize,
    /// `Q` without `q`.
    missing: usize,
    /// `BT` without `ET`.
    text: bool,
}

impl Balance {
    fn read(&mut self, data: &[u8]) {
        let mut lexer = Lexer::new(data, 0);
        while let Some(byte) = lexer.peek() {
            match byte {
                b'(' => skip_string(&mut lexer),
                b'%' => lexer.skip_space(),
                b'/' => {
                    lexer.at += 1;
                    lexer.word();
                }
                _ if is_regular(byte) => match lexer.word() {
                    b"q" => self.open += 1,
                    b"Q" if self.open > 0 => self.open -= 1,
                    b"Q" => self.missing += 1,
                    b"BT" => self.text = true,
                    b"ET" => self.text = false,
                    b"ID" => skip_image(&mut lexer),
                    _ => {}
                },
                _ => lexer.at += 1,
            }
        }
    }
}

fn skip_string(lexer: &mut Lexer<'_>) {
    let mut open = 0_usize;
    while let Some(byte) = lexer.peek() {
        lexer.at += 1;
        match byte {
            b'\\' => lexer.at += 1,
            b'(' => open += 1,
            b')' if open <= 1 => return,
            b')' => open -= 1,
            _ => {}
        }
    }
}

/// The data of an inline image: until `EI` between white space.
fn skip_image(lexer: &mut Lexer<'_>) {
    let start = lexer.at;
    for at in memchr::memmem::find_iter(lexer.data.get(start..).unwrap_or_default(), b"EI") {
        let (before, after) = (start + at, start + at + 2);
        let space = |at: usize| lexer.data.get(at).is_none_or(|byte| is_space(*byte));
        if before.checked_sub(1).is_some_and(space) && space(after) {
            lexer.at = after;
            return;
        }
    }
    lexer.at = lexer.data.len();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn balance(content: &[u8]) -> (usize, usize, bool) {
        let mut balance = Balance::default();
        balance.read(content);
        (balance.open, balance.missing, balance.text)
    }

    #[test]
    fn states_are_counted() {
        assert_eq!(balance(b"q 1 0 0 1 0 0 cm Q"), (0, 0, false));
        assert_eq!(balance(b"q q Q"), (1, 0, false));
        assert_eq!(balance(b"Q q Q Q"), (0, 2, false));
        assert_eq!(balance(b"BT (q q \\) (Q) ) Tj /q gs % q q\n"), (0, 0, true));
        assert_eq!(balance(b"BI /W 1 ID q q EI Q"), (0, 1, false));
        assert_eq!(balance(b"[(q)]TJ<71>Tj q"), (1, 0, false));
        assert_eq!(balance(b"(\\"), (0, 0, false));
    }
}
