//! Parses objects from bytes. It tolerates what other readers do, and bounds depth, number of
//! values, and reads beyond the end.

use crate::object::{Dict, Object};

/// The deepest nesting of arrays and dictionaries, which bounds the stack.
const MAX_DEPTH: u32 = 100;
/// The most values in one object, which bounds memory: a value needs 16 times the two bytes of its
/// shortest form.
const MAX_VALUES: u32 = 1_000_000;

/// Reads tokens and objects, one after the other.
pub struct Lexer<'a> {
    /// The bytes to read.
    pub data: &'a [u8],
    /// Offset of the next byte.
    pub at: usize,
    values: u32,
}

/// The next token where an object is expected.
#[derive(Debug, PartialEq)]
pub enum Token {
    /// An object.
    Object(Object),
    /// `obj`, `endobj`, `stream`, `R`, `]`, `>>` and any other word that is not an object.
    Keyword(Vec<u8>),
    /// The end of the data.
    End,
}

/// White space (ISO 32000-1, table 1).
pub fn is_space(byte: u8) -> bool {
    matches!(byte, 0 | 9 | 10 | 12 | 13 | 32)
}

/// A delimiter (ISO 32000-1, table 2).
pub fn is_delimiter(byte: u8) -> bool {
    matches!(
        byte,
        b'(' | b')' | b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b'/' | b'%'
    )
}

/// Any byte that is neither white space nor a delimiter.
pub fn is_regular(byte: u8) -> bool {
    !is_space(byte) && !is_delimiter(byte)
}

impl<'a> Lexer<'a> {
    /// A reader that starts at an offset.
    pub fn new(data: &'a [u8], at: usize) -> Self {
        Self {
            data,
            at,
            values: 0,
        }
    }

    /// The next byte, without consuming it.
    pub fn peek(&self) -> Option<u8> {
        self.data.get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    /// Skips white space and comments.
    pub fn skip_space(&mut self) {
        while let Some(byte) = self.peek() {
            if byte == b'%' {
                while self
                    .peek()
                    .is_some_and(|byte| byte != b'\n' && byte != b'\r')
                {
                    self.at += 1;
                }
            } else if is_space(byte) {
                self.at += 1;
            } else {
                return;
            }
        }
    }

    /// Consumes `word` if it comes next.
    pub fn take(&mut self, word: &[u8]) -> bool {
        let here = self
            .data
            .get(self.at..)
            .unwrap_or_default()
            .starts_with(word);
        if here {
            self.at += word.len();
        }
        here
    }

    /// Consumes white space and digits. White space is consumed even without a number, so that the
    /// caller can charge for it by the position.
    pub fn unsigned(&mut self) -> Option<u64> {
        self.skip_space();
        let first = self.at;
        let mut value: u64 = 0;
        while let Some(digit) = self.peek().filter(u8::is_ascii_digit) {
            value = value
                .saturating_mul(10)
                .saturating_add(u64::from(digit - b'0'));
            self.at += 1;
        }
        (self.at > first).then_some(value)
    }

    /// Consumes the head of an indirect object: `12 0 obj`.
    pub fn head(&mut self) -> Option<(u32, u16)> {
        let number = u32::try_from(self.unsigned()?).ok()?;
        let generation = u16::try_from(self.unsigned()?).ok()?;
        self.skip_space();
        self.take(b"obj").then_some((number, generation))
    }

    /// Parses an object; `None` when there is none or it exceeds a limit.
    pub fn object(&mut self) -> Option<Object> {
        match self.token(0)? {
            Token::Object(object) => Some(object),
            Token::Keyword(_) | Token::End => None,
        }
    }

    /// Parses a token; `None` only when a limit is exceeded.
    fn token(&mut self, depth: u32) -> Option<Token> {
        // Counted before anything is allocated, so that deep or long objects fail early.
        self.values += 1;
        if depth > MAX_DEPTH || self.values > MAX_VALUES {
            return None;
        }
        self.skip_space();
        let Some(byte) = self.peek() else {
            return Some(Token::End);
        };
        let object = match byte {
            b'/' => {
                self.at += 1;
                Object::Name(self.name())
            }
            b'(' => {
                self.at += 1;
                Object::String(self.literal())
            }
            b'<' => {
                self.at += 1;
                if self.take(b"<") {
                    Object::Dict(self.dict(depth)?)
                } else {
                    Object::String(self.hex())
                }
            }
            b'[' => {
                self.at += 1;
                Object::Array(self.array(depth)?)
            }
            b'>' => {
                self.at += 1;
                let word: &[u8] = if self.take(b">") { b">>" } else { b">" };
                return Some(Token::Keyword(word.to_vec()));
            }
            b']' | b'{' | b'}' | b')' => {
                self.at += 1;
                return Some(Token::Keyword(vec![byte]));
            }
            b'0'..=b'9' | b'+' | b'-' | b'.' => self.number(),
            _ => {
                let word = self.word();
                match word {
                    b"null" => Object::Null,
                    b"true" => Object::Bool(true),
                    b"false" => Object::Bool(false),
                    _ => return Some(Token::Keyword(word.to_vec())),
                }
            }
        };
        Some(Token::Object(object))
    }

    /// Consumes the regular bytes that come next; empty if there are none.
    pub fn word(&mut self) -> &'a [u8] {
        let start = self.at;
        while self.peek().is_some_and(is_regular) {
            self.at += 1;
        }
        self.data.get(start..self.at).unwrap_or_default()
    }

    /// Parses a number; two integers and an `R` are a reference.
    fn number(&mut self) -> Object {
        let word = self.word();
        let Some(value) = integer(word) else {
            return real(word);
        };
        if let (Ok(number), true) = (u32::try_from(value), word.iter().all(u8::is_ascii_digit)) {
            let back = self.at;
            if let Some(generation) = self.unsigned() {
                self.skip_space();
                if self.take(b"R")
                    && !self.peek().is_some_and(is_regular)
                    && let Ok(generation) = u16::try_from(generation)
                {
                    return Object::Ref(number, generation);
                }
            }
            self.at = back;
        }
        Object::Int(value)
    }

    fn name(&mut self) -> Vec<u8> {
        let word = self.word();
        if !word.contains(&b'#') {
            return word.to_vec();
        }
        let mut name = Vec::with_capacity(word.len());
        let mut rest = word;
        while let Some((&byte, tail)) = rest.split_first() {
            rest = tail;
            if byte == b'#'
                && let [high, low, after @ ..] = tail
                && let (Some(high), Some(low)) = (digit(*high), digit(*low))
            {
                name.push(high << 4 | low);
                rest = after;
            } else {
                name.push(byte);
            }
        }
        name
    }

    fn literal(&mut self) -> Vec<u8> {
        let mut text = Vec::new();
        let mut open = 0_usize;
        while let Some(byte) = self.next() {
            match byte {
                b'(' => open += 1,
                b')' if open == 0 => break,
                b')' => open -= 1,
                b'\r' => {
                    self.take(b"\n");
                    text.push(b'\n');
                    continue;
                }
                b'\\' => {
                    self.escape(&mut text);
                    continue;
                }
                _ => {}
            }
            text.push(byte);
        }
        text
    }

    fn escape(&mut self, text: &mut Vec<u8>) {
        match self.next() {
            Some(b'n') => text.push(b'\n'),
            Some(b'r') => text.push(b'\r'),
            Some(b't') => text.push(b'\t'),
            Some(b'b') => text.push(8),
            Some(b'f') => text.push(12),
            Some(b'\n') | None => {}
            Some(b'\r') => {
                self.take(b"\n");
            }
            Some(first @ b'0'..=b'7') => {
                let mut value = u32::from(first - b'0');
                for _ in 0..2 {
                    let Some(octal @ b'0'..=b'7') = self.peek() else {
                        break;
                    };
                    value = value * 8 + u32::from(octal - b'0');
                    self.at += 1;
                }
                text.push(value.to_le_bytes()[0]);
            }
            Some(byte) => text.push(byte),
        }
    }

    fn hex(&mut self) -> Vec<u8> {
        let mut text = Vec::new();
        let mut half = None;
        while let Some(byte) = self.next() {
            if byte == b'>' {
                break;
            }
            let Some(value) = digit(byte) else { continue };
            half = match half {
                None => Some(value << 4),
                Some(high) => {
                    text.push(high | value);
                    None
                }
            };
        }
        text.extend(half);
        text
    }

    fn array(&mut self, depth: u32) -> Option<Vec<Object>> {
        let mut items = Vec::new();
        loop {
            let back = self.at;
            match self.token(depth + 1)? {
                Token::Object(object) => items.push(object),
                Token::Keyword(word) if word == b"]" => return Some(items),
                Token::End => return Some(items),
                Token::Keyword(word) if is_end(&word) => {
                    self.at = back;
                    return Some(items);
                }
                Token::Keyword(_) => {}
            }
        }
    }

    fn dict(&mut self, depth: u32) -> Option<Dict> {
        let mut dict = Dict::default();
        let mut key = None;
        loop {
            let back = self.at;
            match (self.token(depth + 1)?, key.take()) {
                (Token::Object(Object::Name(name)), None) => key = Some(name),
                (Token::Object(value), Some(name)) => dict.0.push((name, value)),
                (Token::Keyword(word), _) if word == b">>" => return Some(dict),
                (Token::End, _) => return Some(dict),
                (Token::Keyword(word), _) if is_end(&word) => {
                    self.at = back;
                    return Some(dict);
                }
                // Skips a value without a key, and an unknown word.
                (Token::Object(_) | Token::Keyword(_), _) => {}
            }
        }
    }
}

/// Keywords that end an unclosed array or dictionary.
fn is_end(word: &[u8]) -> bool {
    matches!(
        word,
        b"obj"
            | b"endobj"
            | b"stream"
            | b"endstream"
            | b"xref"
            | b"trailer"
            | b"startxref"
            | b">>"
            | b"]"
    )
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

fn integer(word: &[u8]) -> Option<i64> {
    std::str::from_utf8(word).ok()?.parse().ok()
}

/// Parses a number that is not an integer. Malformed numbers of other writers (`--5`, `1.2.3`,
/// `1e5`) become a number instead of an error.
fn real(word: &[u8]) -> Object {
    let mut text = Vec::with_capacity(word.len());
    let mut dot = false;
    for byte in word {
        match byte {
            b'-' | b'+' if text.is_empty() => text.push(*byte),
            b'.' if !dot => {
                dot = true;
                text.push(b'.');
            }
            b'0'..=b'9' => text.push(*byte),
            b'-' | b'+' if matches!(text.as_slice(), b"-" | b"+") => {}
            _ => break,
        }
    }
    if text.iter().any(u8::is_ascii_digit) {
        Object::Real(text)
    } else {
        Object::Int(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &[u8]) -> Option<Object> {
        Lexer::new(text, 0).object()
    }

    #[test]
    fn objects() {
        assert_eq!(parse(b" 12 "), Some(Object::Int(12)));
        assert_eq!(parse(b"12 0 R"), Some(Object::Ref(12, 0)));
        assert_eq!(parse(b"-.5"), Some(Object::Real(b"-.5".to_vec())));
        assert_eq!(parse(b"--5"), Some(Object::Real(b"-5".to_vec())));
        assert_eq!(parse(b"/A#42c"), Some(Object::Name(b"ABc".to_vec())));
        assert_eq!(
            parse(b"(a(b)\\)\\101\\n)"),
            Some(Object::String(b"a(b))A\n".to_vec()))
        );
        assert_eq!(parse(b"<4 1 4>"), Some(Object::String(b"A@".to_vec())));
        assert_eq!(
            parse(b"[1 0 R%x\n2 true null]"),
            Some(Object::Array(vec![
                Object::Ref(1, 0),
                Object::Int(2),
                Object::Bool(true),
                Object::Null
            ]))
        );
        assert_eq!(
            parse(b"<</A<</B 1>>/C(x)>>"),
            Some(Object::Dict(
                Dict::default()
                    .with("A", Object::Dict(Dict::default().with("B", Object::Int(1))))
                    .with("C", Object::String(b"x".to_vec()))
            ))
        );
        assert_eq!(parse(b"endobj"), None);
        assert_eq!(parse(b""), None);
    }

    #[test]
    fn unclosed_things_end() {
        assert_eq!(
            parse(b"[1 2 endobj"),
            Some(Object::Array(vec![Object::Int(1), Object::Int(2)]))
        );
        assert_eq!(parse(b"(abc"), Some(Object::String(b"abc".to_vec())));
        assert_eq!(
            parse(b"<</A 1"),
            Some(Object::Dict(Dict::default().with("A", Object::Int(1))))
        );
    }

    #[test]
    fn depth_and_size_are_bounded() {
        assert_eq!(parse(&b"[".repeat(1_000_000)), None);
        assert_eq!(parse(&b"<</A".repeat(1_000_000)), None);
        let mut long = b"[".to_vec();
        long.extend(b"0 ".repeat(1_100_000));
        assert_eq!(parse(&long), None);
    }
}
