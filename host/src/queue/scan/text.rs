//! Strings: characters, escapes, keys.

use super::{At, Scanned, Scanner, Wanted};
use std::mem;

impl Scanner {
    fn pick_char(&mut self, char: char) {
        let mut buffer = [0; 4];
        for byte in char.encode_utf8(&mut buffer).bytes() {
            self.pick(byte);
        }
    }

    pub(super) fn in_text(&mut self, byte: u8) -> Scanned<()> {
        if self.missing > 0 {
            if !(self.bounds.0..=self.bounds.1).contains(&byte) {
                return Err("text that is not UTF-8");
            }
            self.bounds = (0x80, 0xbf);
            self.missing -= 1;
            self.pick(byte);
            return Ok(());
        }
        match byte {
            b'"' => return self.text_ends(),
            b'\\' => return self.to(At::Escape),
            0..0x20 => return Err("control character in a string"),
            0x20..0x80 => {}
            // Table 3-7 of the Unicode standard: well-formed UTF-8.
            0xc2..=0xdf => self.missing = 1,
            0xe0..=0xef => {
                self.missing = 2;
                self.bounds = match byte {
                    0xe0 => (0xa0, 0xbf),
                    0xed => (0x80, 0x9f),
                    _ => (0x80, 0xbf),
                };
            }
            0xf0..=0xf4 => {
                self.missing = 3;
                self.bounds = match byte {
                    0xf0 => (0x90, 0xbf),
                    0xf4 => (0x80, 0x8f),
                    _ => (0x80, 0xbf),
                };
            }
            _ => return Err("text that is not UTF-8"),
        }
        self.pick(byte);
        Ok(())
    }

    pub(super) fn escape(&mut self, byte: u8) -> Scanned<()> {
        let char = match byte {
            b'"' | b'\\' | b'/' => char::from(byte),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.to(At::Hex(4)),
            _ => return Err("unknown escape"),
        };
        self.pick_char(char);
        self.to(At::Text)
    }

    pub(super) fn hex(&mut self, byte: u8, missing: u8) -> Scanned<()> {
        let digit = char::from(byte)
            .to_digit(16)
            .and_then(|digit| u16::try_from(digit).ok());
        let digit = digit.ok_or("unknown escape")?;
        self.unit = (self.unit << 4) | digit;
        if missing > 1 {
            return self.to(At::Hex(missing - 1));
        }
        let unit = mem::take(&mut self.unit);
        let units = match (self.high.take(), unit) {
            (None, 0xd800..=0xdbff) => {
                self.high = Some(unit);
                return self.to(At::LowEscape);
            }
            (None, _) => [unit, 0],
            (Some(high), _) => [high, unit],
        };
        let char = char::decode_utf16(units).next().and_then(Result::ok);
        self.pick_char(char.ok_or("lone surrogate")?);
        self.to(At::Text)
    }

    fn text_ends(&mut self) -> Scanned<()> {
        if !self.is_key {
            if self.wanted == Wanted::Session {
                let text = String::from_utf8(mem::take(&mut self.text));
                let text = text.map_err(|_| "text that is not UTF-8")?;
                if !(1..=256).contains(&text.chars().count()) {
                    return Err("`session` is not 1 to 256 characters long");
                }
                self.session = Some(text);
            }
            return self.value_ends();
        }
        self.wanted = match (self.open.len(), self.text.as_slice()) {
            (1, b"session") if self.session.is_some() => return Err("two members `session`"),
            (1, b"session") => Wanted::Session,
            (1, b"jobResult") if self.has_result => return Err("two members `jobResult`"),
            (1, b"jobResult") => {
                self.has_result = true;
                Wanted::Result
            }
            (2, b"code") if self.in_result && self.code.is_some() => {
                return Err("two members `code`");
            }
            (2, b"code") if self.in_result => Wanted::Code,
            _ => Wanted::Nothing,
        };
        self.to(At::Colon)
    }
}
