//! The scanner: iterative, so that nesting costs heap that is bounded, never stack.

use crate::key::{Key, Keys};
use crate::{Error, Limits, Problem};
use std::collections::HashSet;

struct Scanner<'a, R> {
    text: &'a [u8],
    /// [`run`], or how far to go at once otherwise.
    run: R,
    at: usize,
    /// Keys that may still be held.
    room: usize,
    keys: Keys,
}

/// The innermost open container at the current position.
enum Open {
    Array,
    Object(HashSet<Key>),
}

/// Checks a text with a function like [`run`]. It may give less, down to 0: then every byte is
/// looked at by itself.
pub(crate) fn check(
    text: &[u8],
    limits: Limits,
    run: impl Fn(&[u8]) -> usize,
) -> Result<(), Error> {
    if let Err(error) = std::str::from_utf8(text) {
        return Err(Error {
            problem: Problem::Utf8,
            offset: error.valid_up_to(),
        });
    }
    let mut scanner = Scanner {
        text,
        run,
        at: 0,
        room: limits.keys,
        keys: Keys::default(),
    };
    scanner.document(limits)
}

/// Bytes that are looked at together: two vectors of the oldest processor with 64 bits.
const CHUNK: usize = 32;

/// Whether a byte ends a run of bytes that mean themselves in a string.
fn is_special(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

/// The length of the run of bytes that mean themselves in a string.
///
/// A document is a string of megabytes. The compiler makes vector instructions of the loop over a
/// chunk, because that has no exit.
pub(crate) fn run(text: &[u8]) -> usize {
    let (chunks, _) = text.as_chunks::<CHUNK>();
    let is_plain = |chunk: &&[u8; CHUNK]| {
        chunk
            .iter()
            .fold(0, |any, byte| any | u8::from(is_special(*byte)))
            == 0
    };
    let whole = CHUNK * chunks.iter().take_while(is_plain).count();
    let rest = text.get(whole..).unwrap_or_default();
    let end = rest.iter().position(|byte| is_special(*byte));
    whole + end.unwrap_or(rest.len())
}

impl<R: Fn(&[u8]) -> usize> Scanner<'_, R> {
    fn fail<T>(&self, problem: Problem) -> Result<T, Error> {
        let problem = if self.at >= self.text.len() {
            Problem::End
        } else {
            problem
        };
        Err(Error {
            problem,
            offset: self.at,
        })
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn white(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> Result<(), Error> {
        if self.peek() == Some(byte) {
            self.at += 1;
            Ok(())
        } else {
            self.fail(Problem::Unexpected)
        }
    }

    fn document(&mut self, limits: Limits) -> Result<(), Error> {
        let mut open: Vec<Open> = Vec::new();
        'value: loop {
            self.white();
            match self.peek() {
                Some(start @ (b'{' | b'[')) => {
                    if open.len() >= limits.depth {
                        return self.fail(Problem::Depth);
                    }
                    self.at += 1;
                    self.white();
                    if start == b'{' {
                        if self.peek() == Some(b'}') {
                            self.at += 1;
                        } else {
                            let mut keys = HashSet::new();
                            self.key(&mut keys)?;
                            open.push(Open::Object(keys));
                            continue 'value;
                        }
                    } else if self.peek() == Some(b']') {
                        self.at += 1;
                    } else {
                        open.push(Open::Array);
                        continue 'value;
                    }
                }
                Some(b'"') => {
                    self.string(&mut |_| ())?;
                }
                Some(b't') => self.literal(b"true")?,
                Some(b'f') => self.literal(b"false")?,
                Some(b'n') => self.literal(b"null")?,
                Some(b'-' | b'0'..=b'9') => self.number()?,
                Some(b'N' | b'I' | b'+' | b'.') => return self.fail(Problem::Literal),
                _ => return self.fail(Problem::Unexpected),
            }
            // A value ended: close what ends with it, or go on to the next one.
            loop {
                self.white();
                match (open.last_mut(), self.peek()) {
                    (None, None) => return Ok(()),
                    (None, Some(_)) => return self.fail(Problem::Trailing),
                    (Some(Open::Array), Some(b']')) | (Some(Open::Object(_)), Some(b'}')) => {
                        self.at += 1;
                        if let Some(Open::Object(keys)) = open.pop() {
                            self.room += keys.len();
                        }
                    }
                    (Some(Open::Array), Some(b',')) => {
                        self.at += 1;
                        continue 'value;
                    }
                    (Some(Open::Object(keys)), Some(b',')) => {
                        self.at += 1;
                        self.white();
                        self.key(keys)?;
                        continue 'value;
                    }
                    _ => return self.fail(Problem::Unexpected),
                }
            }
        }
    }

    fn key(&mut self, keys: &mut HashSet<Key>) -> Result<(), Error> {
        let offset = self.at;
        let mut hash = self.keys.hash();
        self.string(&mut |bytes| hash.update(bytes))?;
        let problem = if !keys.insert(hash.finish()) {
            Problem::DuplicateKey
        } else if self.room == 0 {
            Problem::Keys
        } else {
            self.room -= 1;
            self.white();
            return self.take(b':');
        };
        Err(Error { problem, offset })
    }

    fn literal(&mut self, word: &[u8]) -> Result<(), Error> {
        for &byte in word {
            if self.peek() != Some(byte) {
                return self.fail(Problem::Literal);
            }
            self.at += 1;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Error> {
        if !matches!(self.peek(), Some(b'0'..=b'9')) {
            return self.fail(Problem::Literal);
        }
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        Ok(())
    }

    fn number(&mut self) -> Result<(), Error> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
            if matches!(self.peek(), Some(b'0'..=b'9')) {
                return self.fail(Problem::Literal);
            }
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    /// Reads a string and hands over its unescaped bytes, piece by piece.
    fn string(&mut self, out: &mut impl FnMut(&[u8])) -> Result<(), Error> {
        self.take(b'"')?;
        let mut start = self.at;
        loop {
            let (at, byte) = (self.at, self.peek());
            if matches!(byte, Some(b'"' | b'\\')) {
                out(self.text.get(start..at).unwrap_or_default());
            }
            match byte {
                None => return self.fail(Problem::End),
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => {
                    let character = self.escape()?;
                    out(character.encode_utf8(&mut [0; 4]).as_bytes());
                    start = self.at;
                }
                Some(0..0x20) => return self.fail(Problem::Control),
                Some(_) => {
                    self.at += 1;
                    self.at += (self.run)(self.text.get(self.at..).unwrap_or_default());
                }
            }
        }
    }

    fn escape(&mut self) -> Result<char, Error> {
        let start = self.at;
        self.at += 1;
        let simple = match self.peek() {
            Some(byte @ (b'"' | b'\\' | b'/')) => char::from(byte),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                self.at += 1;
                return self.unicode(start);
            }
            _ => return self.fail(Problem::Escape),
        };
        self.at += 1;
        Ok(simple)
    }

    fn unicode(&mut self, start: usize) -> Result<char, Error> {
        let lone = Error {
            problem: Problem::Surrogate,
            offset: start,
        };
        let high = self.hex4()?;
        let code = match high {
            0xD800..=0xDBFF => {
                if self.text.get(self.at..self.at + 2) != Some(br"\u") {
                    return Err(lone);
                }
                self.at += 2;
                let low = self.hex4()?;
                if !(0xDC00..=0xDFFF).contains(&low) {
                    return Err(lone);
                }
                0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00)
            }
            code => code,
        };
        char::from_u32(code).ok_or(lone)
    }

    fn hex4(&mut self) -> Result<u32, Error> {
        let mut code = 0;
        for _ in 0..4 {
            let Some(digit) = self.peek().and_then(|byte| char::from(byte).to_digit(16)) else {
                return self.fail(Problem::Escape);
            };
            code = code * 16 + digit;
            self.at += 1;
        }
        Ok(code)
    }
}
