//! Replies (RFC 5321, section 4.2), read strictly.

use crate::error::{SendError, Step};
use memchr::memchr;

/// Octets of a reply's line, CRLF included. RFC 5321 says 512; real servers write longer lines.
pub const LINE_MAX: usize = 2000;
/// Lines of a reply.
pub const LINES_MAX: usize = 100;

/// A whole reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    code: u16,
    lines: Vec<Vec<u8>>,
}

impl Reply {
    /// 200 to 559.
    pub fn code(&self) -> u16 {
        self.code
    }

    /// The texts after the codes.
    pub fn lines(&self) -> impl Iterator<Item = &[u8]> {
        self.lines.iter().map(Vec::as_slice)
    }

    /// The reply's class, unless it is the one that was hoped for.
    pub(super) fn expect(&self, step: Step, wanted: u16) -> Result<(), SendError> {
        match self.code {
            code if code == wanted => Ok(()),
            code @ 400..=499 => Err(SendError::Temporary(step, code)),
            code @ 500..=599 => Err(SendError::Refused(step, code)),
            _ => Err(SendError::Protocol(step, "an unexpected reply code")),
        }
    }
}

/// Bytes from the server, cut into replies. At most one line of [`LINE_MAX`] octets and what was
/// pushed last waits here.
#[derive(Debug, Default)]
pub struct Replies {
    buffer: Vec<u8>,
    code: Option<u16>,
    lines: Vec<Vec<u8>>,
}

impl Replies {
    /// Adds what was read.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Whether nothing waits, not even a part of a line.
    pub fn is_empty(&self) -> bool {
        self.buffer.is_empty() && self.lines.is_empty()
    }

    /// The next complete reply, or `None` if more bytes are needed. An error names the fault; do
    /// not read on after one.
    ///
    /// Lines must end with CRLF and start with the same three digits (2..5, 0..5, 0..9), then a
    /// hyphen, or a space or nothing in the last one; their text has no NUL and no bare CR or LF.
    pub fn take(&mut self) -> Result<Option<Reply>, &'static str> {
        let mut from = 0;
        let result = loop {
            let rest = self.buffer.get(from..).unwrap_or_default();
            let Some(end) = memchr(b'\n', rest) else {
                if rest.len() >= LINE_MAX {
                    return Err("a line that is too long");
                }
                break None;
            };
            if end >= LINE_MAX {
                return Err("a line that is too long");
            }
            let line = rest.get(..end).unwrap_or_default();
            let Some(line) = line.strip_suffix(b"\r") else {
                return Err("a line that ends without CR");
            };
            let (code, more, text) = parse(line)?;
            if self.code.is_some_and(|first| first != code) {
                return Err("lines of one reply with different codes");
            }
            if self.lines.len() >= LINES_MAX {
                return Err("too many lines");
            }
            self.lines.push(text.to_vec());
            self.code = Some(code);
            from += end + 1;
            if !more {
                self.code = None;
                break Some(Reply {
                    code,
                    lines: std::mem::take(&mut self.lines),
                });
            }
        };
        self.buffer.drain(..from);
        Ok(result)
    }
}

fn parse(line: &[u8]) -> Result<(u16, bool, &[u8]), &'static str> {
    let (&[a @ b'2'..=b'5', b @ b'0'..=b'5', c @ b'0'..=b'9'], rest) =
        line.split_first_chunk().ok_or("a line without a code")?
    else {
        return Err("a line without a code");
    };
    let digit = |byte: u8| u16::from(byte - b'0');
    let code = digit(a) * 100 + digit(b) * 10 + digit(c);
    let (more, text) = match rest.split_first() {
        None => (false, rest),
        Some((b' ', text)) => (false, text),
        Some((b'-', text)) => (true, text),
        Some(_) => return Err("a line without a separator after its code"),
    };
    if text.iter().any(|byte| matches!(byte, 0 | b'\r')) {
        return Err("a control character");
    }
    Ok((code, more, text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(bytes: &[u8]) -> Result<Vec<(u16, usize)>, &'static str> {
        let mut replies = Replies::default();
        replies.push(bytes);
        let mut found = Vec::new();
        while let Some(reply) = replies.take()? {
            found.push((reply.code(), reply.lines().count()));
        }
        Ok(found)
    }

    #[test]
    fn replies_are_read() {
        assert_eq!(all(b"220 hello\r\n"), Ok(vec![(220, 1)]));
        assert_eq!(
            all(b"250-a\r\n250-b\r\n250 c\r\n354\r\n"),
            Ok(vec![(250, 3), (354, 1)])
        );
        assert_eq!(all(b"250-a\r\n250"), Ok(vec![]));
        assert_eq!(all(b"250 \xff\xfe\r\n"), Ok(vec![(250, 1)]));
    }

    #[test]
    fn garbage_is_not() {
        for bytes in [
            &b"hello\r\n"[..],
            b"\r\n",
            b"22\r\n",
            b"120 x\r\n",
            b"620 x\r\n",
            b"260 x\r\n",
            b"2x0 x\r\n",
            b"220x\r\n",
            b"220 x\n",
            b"220 x\0y\r\n",
            b"220 x\ry\r\n",
            b"250-a\r\n251 b\r\n",
            b"HTTP/1.1 400 Bad Request\r\n",
        ] {
            assert!(all(bytes).is_err(), "{bytes:?}");
        }
        assert!(all(&b"2".repeat(LINE_MAX)).is_err());
        assert_eq!(
            all(&[b"250 ", &*b"x".repeat(LINE_MAX - 6), b"\r\n"].concat()),
            Ok(vec![(250, 1)])
        );
        assert!(all(&[b"250 ", &*b"x".repeat(LINE_MAX - 5), b"\r\n"].concat()).is_err());
        assert!(all(&b"250-x\r\n".repeat(LINES_MAX + 1)).is_err());
        assert_eq!(all(&b"250-x\r\n".repeat(LINES_MAX)), Ok(vec![]));
    }

    proptest! {
        /// How the bytes are cut on their way changes nothing.
        #[test]
        fn trickles_read_the_same(bytes in "(250[- ][a-z]{0,5}\r\n){0,5}[2-5x]{0,3}", size in 1_usize..7) {
            let whole = all(bytes.as_bytes());
            let mut replies = Replies::default();
            let mut found = Vec::new();
            let mut failed = false;
            'outer: for chunk in bytes.as_bytes().chunks(size) {
                replies.push(chunk);
                loop {
                    match replies.take() {
                        Ok(Some(reply)) => found.push((reply.code(), reply.lines().count())),
                        Ok(None) => break,
                        Err(_) => { failed = true; break 'outer; }
                    }
                }
            }
            match whole {
                Ok(replies) => prop_assert!(!failed && found == replies),
                Err(_) => prop_assert!(failed),
            }
        }
    }
}
