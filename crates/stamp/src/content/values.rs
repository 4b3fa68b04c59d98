//! Operands of content: where they end, and whether readers agree on it.

use super::operators::Kind;
use super::scan::{End, Scan};
use letsesign_pdf_reader::lex::{is_regular, is_space};

/// The deepest nesting of arrays and dictionaries.
const MAX_DEPTH: usize = 32;

impl Scan<'_> {
    /// Consumes digits, signs and dots. A longer word is uneven: some readers cut it there, others
    /// do not.
    pub(super) fn number(&mut self) -> bool {
        let start = self.lexer.at;
        let is = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.');
        while self.lexer.peek().is_some_and(is) {
            self.lexer.at += 1;
        }
        if self.lexer.at > start && self.lexer.peek().is_some_and(is_regular) {
            self.uneven = true;
        }
        self.lexer.at > start
    }

    /// Consumes a name, a string, an array or a dictionary.
    pub(super) fn value(&mut self) -> (End, Kind) {
        match self.lexer.peek() {
            Some(b'/') => {
                self.lexer.at += 1;
                self.lexer.word();
                (End::Closed, Kind::Name)
            }
            Some(b'(') => (self.string(), Kind::String),
            _ if self.lexer.take(b"<<") => (self.nested(b'>'), Kind::Dict),
            Some(b'<') => (self.hex(), Kind::String),
            _ => {
                self.lexer.at += 1;
                (self.nested(b']'), Kind::Array)
            }
        }
    }

    fn string(&mut self) -> End {
        let start = self.lexer.at;
        let mut open = 0_usize;
        while let Some(byte) = self.lexer.peek() {
            self.lexer.at += 1;
            match byte {
                b'\\' => self.lexer.at += 1,
                b'(' => open += 1,
                b')' if open <= 1 => {
                    self.apart(start);
                    return End::Closed;
                }
                b')' => open -= 1,
                _ => {}
            }
        }
        End::Never
    }

    fn hex(&mut self) -> End {
        let start = self.lexer.at;
        self.lexer.at += 1;
        let mut end = End::Closed;
        while let Some(byte) = self.lexer.peek() {
            self.lexer.at += 1;
            if byte == b'>' {
                self.apart(start);
                return end;
            }
            if !byte.is_ascii_hexdigit() && !is_space(byte) {
                end = End::Odd;
            }
        }
        End::Never
    }

    /// Marks the content as uneven if the token from `start` extends across two streams.
    pub(super) fn apart(&mut self, start: usize) {
        let next = self.joints.partition_point(|joint| *joint < start);
        self.uneven |= self
            .joints
            .get(next)
            .is_some_and(|joint| *joint < self.lexer.at);
    }

    /// Consumes the content of an array or a dictionary up to its end. Readers do not execute
    /// operators in it.
    fn nested(&mut self, last: u8) -> End {
        // An explicit stack in place of recursion: the content decides the depth.
        let mut open = vec![last];
        let mut end = End::Closed;
        while let Some(innermost) = open.last().copied() {
            self.lexer.skip_space();
            let Some(byte) = self.lexer.peek() else {
                return End::Never;
            };
            let double = self.lexer.data.get(self.lexer.at + 1) == Some(&byte);
            match byte {
                b']' if innermost == b']' => {
                    self.lexer.at += 1;
                    open.pop();
                }
                b'>' if innermost == b'>' && double => {
                    self.lexer.at += 2;
                    open.pop();
                }
                b'[' | b'<' if byte == b'[' || double => {
                    self.lexer.at += if byte == b'[' { 1 } else { 2 };
                    open.push(if byte == b'[' { b']' } else { b'>' });
                    // Readers have different limits on nesting, and real content stays far below
                    // this one.
                    if open.len() > MAX_DEPTH {
                        return End::Never;
                    }
                }
                b'/' | b'(' | b'<' => match self.value().0 {
                    End::Never => return End::Never,
                    End::Odd => end = End::Odd,
                    End::Closed => {}
                },
                _ if is_regular(byte) => {
                    if !self.number() {
                        let word = self.lexer.word();
                        if !matches!(word, b"true" | b"false" | b"null" | b"R") {
                            end = End::Odd;
                        }
                    }
                }
                _ => {
                    self.lexer.at += 1;
                    end = End::Odd;
                }
            }
        }
        end
    }
}
