//! Reads a JSON object piece by piece, in constant memory: checks its grammar and picks out
//! `session` and `jobResult.code`.
//!
//! It accepts RFC 8259 in UTF-8 with the bound on nesting of docs/job-protocol.md. Equal keys are
//! refused where it looks at them; elsewhere the enclave is the one that cares, and checks.

use std::mem;

/// How deep objects and arrays may nest.
const DEPTH: usize = 64;
/// The longest session, in bytes: 256 characters.
const SESSION: usize = 1024;

/// Where the scanner is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// Before a value.
    Value,
    /// After `[`: a value or `]`.
    First,
    /// After `{`: a key or `}`.
    FirstKey,
    /// After a comma in an object.
    Key,
    /// After a key.
    Colon,
    /// After a value.
    After,
    /// In a string.
    Text,
    /// After a backslash.
    Escape,
    /// In `\uXXXX`: digits that are missing.
    Hex(u8),
    /// After the first half of a surrogate pair: a backslash.
    LowEscape,
    /// Then `u`.
    LowU,
    /// In `true`, `false` or `null`: what is missing.
    Literal(&'static [u8]),
    /// In a number.
    Number(Digits),
    /// After the outermost object.
    End,
}

/// Where in a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Digits {
    Minus,
    Zero,
    Whole,
    Point,
    Fraction,
    E,
    Sign,
    Exponent,
}

/// Which value is next or read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Nothing,
    Session,
    Result,
    Code,
}

/// See the module.
pub(crate) struct Scanner {
    at: At,
    /// The open containers: true for objects.
    open: Vec<bool>,
    /// The string that is read is a key.
    is_key: bool,
    wanted: Wanted,
    /// The innermost two containers are the outermost object and its `jobResult`.
    in_result: bool,
    has_result: bool,
    /// The string or number that is picked up.
    text: Vec<u8>,
    /// How much of it may be picked up; the rest only counts as longer.
    room: usize,
    unit: u16,
    high: Option<u16>,
    /// Bytes of a character that are missing, and the bounds of the next one.
    missing: u8,
    bounds: (u8, u8),
    session: Option<String>,
    code: Option<u16>,
}

type Scanned<T> = Result<T, &'static str>;

impl Scanner {
    pub(crate) fn new() -> Self {
        Self {
            at: At::Value,
            open: Vec::new(),
            is_key: false,
            wanted: Wanted::Nothing,
            in_result: false,
            has_result: false,
            text: Vec::new(),
            room: 0,
            unit: 0,
            high: None,
            missing: 0,
            bounds: (0x80, 0xbf),
            session: None,
            code: None,
        }
    }

    /// The member `session`, once it was read.
    pub(crate) fn session(&self) -> Option<&str> {
        self.session.as_deref()
    }

    /// The number `jobResult.code`, once it was read.
    pub(crate) fn code(&self) -> Option<u16> {
        self.code
    }

    /// Reads on.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Scanned<()> {
        let mut rest = bytes;
        while let Some((&byte, tail)) = rest.split_first() {
            if self.at == At::Text && self.missing == 0 && self.room == 0 {
                // A document is a string of megabytes.
                let plain = |byte: &u8| !matches!(byte, 0..0x20 | b'"' | b'\\' | 0x80..);
                let run = rest
                    .iter()
                    .position(|byte| !plain(byte))
                    .unwrap_or(rest.len());
                if run > 0 {
                    rest = rest.get(run..).unwrap_or_default();
                    continue;
                }
            }
            self.byte(byte)?;
            rest = tail;
        }
        Ok(())
    }

    /// The text is over.
    pub(crate) fn end(&self) -> Scanned<()> {
        if self.at == At::End {
            Ok(())
        } else {
            Err("it ends too early")
        }
    }

    fn byte(&mut self, byte: u8) -> Scanned<()> {
        match self.at {
            At::Text => self.in_text(byte),
            At::Escape => self.escape(byte),
            At::Hex(missing) => self.hex(byte, missing),
            At::LowEscape if byte == b'\\' => self.to(At::LowU),
            At::LowU if byte == b'u' => self.to(At::Hex(4)),
            At::LowEscape | At::LowU => Err("lone surrogate"),
            At::Literal(missing) => match missing.split_first() {
                Some((first, [])) if *first == byte => self.value_ends(),
                Some((first, rest)) if *first == byte => self.to(At::Literal(rest)),
                _ => Err("malformed literal"),
            },
            At::Number(digits) => self.number(byte, digits),
            _ if matches!(byte, b' ' | b'\t' | b'\n' | b'\r') => Ok(()),
            At::First if byte == b']' => self.close(false),
            At::Value | At::First => self.value(byte),
            At::FirstKey if byte == b'}' => self.close(true),
            At::FirstKey | At::Key if byte == b'"' => self.key(),
            At::Colon if byte == b':' => self.to(At::Value),
            At::After => match (byte, self.open.last()) {
                (b',', Some(true)) => self.to(At::Key),
                (b',', Some(false)) => self.to(At::Value),
                (b'}', Some(true)) => self.close(true),
                (b']', Some(false)) => self.close(false),
                _ => Err("unexpected character"),
            },
            At::End => Err("text after the object"),
            At::FirstKey | At::Key | At::Colon => Err("unexpected character"),
        }
    }

    #[expect(clippy::unnecessary_wraps, reason = "the end of a rule")]
    fn to(&mut self, at: At) -> Scanned<()> {
        self.at = at;
        Ok(())
    }

    fn key(&mut self) -> Scanned<()> {
        self.is_key = true;
        self.text.clear();
        let is_looked_at = self.open.len() == 1 || (self.open.len() == 2 && self.in_result);
        self.room = if is_looked_at {
            "jobResult".len() + 1
        } else {
            0
        };
        self.to(At::Text)
    }

    fn value(&mut self, byte: u8) -> Scanned<()> {
        let wanted = mem::replace(&mut self.wanted, Wanted::Nothing);
        self.text.clear();
        self.room = 0;
        if self.open.is_empty() && byte != b'{' {
            return Err("it is not an object");
        }
        let fits = match wanted {
            Wanted::Nothing => true,
            Wanted::Session => byte == b'"',
            Wanted::Result => byte == b'{',
            Wanted::Code => byte.is_ascii_digit(),
        };
        if !fits {
            return Err("`session`, `jobResult` or its `code` is of the wrong type");
        }
        self.wanted = wanted;
        match byte {
            b'{' | b'[' => {
                if self.open.len() >= DEPTH {
                    return Err("nesting too deep");
                }
                self.in_result |= wanted == Wanted::Result;
                self.wanted = Wanted::Nothing;
                self.open.push(byte == b'{');
                self.to(if byte == b'{' {
                    At::FirstKey
                } else {
                    At::First
                })
            }
            b'"' => {
                self.is_key = false;
                self.room = if wanted == Wanted::Session {
                    SESSION + 1
                } else {
                    0
                };
                self.to(At::Text)
            }
            b't' => self.to(At::Literal(b"rue")),
            b'f' => self.to(At::Literal(b"alse")),
            b'n' => self.to(At::Literal(b"ull")),
            b'-' => self.to(At::Number(Digits::Minus)),
            b'0'..=b'9' => {
                self.room = if wanted == Wanted::Code { 8 } else { 0 };
                self.pick(byte);
                self.to(At::Number(if byte == b'0' {
                    Digits::Zero
                } else {
                    Digits::Whole
                }))
            }
            _ => Err("unexpected character"),
        }
    }

    fn close(&mut self, is_object: bool) -> Scanned<()> {
        if self.open.pop() != Some(is_object) {
            return Err("unexpected character");
        }
        if self.open.len() == 1 {
            self.in_result = false;
        }
        self.value_ends()
    }

    fn value_ends(&mut self) -> Scanned<()> {
        self.wanted = Wanted::Nothing;
        self.to(if self.open.is_empty() {
            At::End
        } else {
            At::After
        })
    }

    fn pick(&mut self, byte: u8) {
        if self.room > 0 {
            self.room -= 1;
            self.text.push(byte);
        }
    }

    fn number(&mut self, byte: u8, digits: Digits) -> Scanned<()> {
        use Digits::{E, Exponent, Fraction, Minus, Point, Sign, Whole, Zero};
        let next = match (digits, byte) {
            (Minus, b'0') => Some(Zero),
            (Minus, b'1'..=b'9') | (Whole, b'0'..=b'9') => Some(Whole),
            (Zero | Whole, b'.') => Some(Point),
            (Zero | Whole | Fraction, b'e' | b'E') => Some(E),
            (Point | Fraction, b'0'..=b'9') => Some(Fraction),
            (E, b'+' | b'-') => Some(Sign),
            (E | Sign | Exponent, b'0'..=b'9') => Some(Exponent),
            (Zero | Whole | Fraction | Exponent, _) => None,
            _ => return Err("malformed number"),
        };
        if let Some(next) = next {
            self.pick(byte);
            return self.to(At::Number(next));
        }
        if self.wanted == Wanted::Code {
            let text = std::str::from_utf8(&self.text).ok();
            let code = text.and_then(|text| text.parse().ok());
            self.code = Some(code.ok_or("`code` is not an integer of 16 bits")?);
        }
        self.value_ends()?;
        self.byte(byte)
    }
}

#[cfg(test)]
mod tests;
mod text;
