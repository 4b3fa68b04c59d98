//! Locates the data of a stream in the file (ISO 32000-1, 7.3.8).

use crate::lex::{Lexer, is_space};
use crate::object::{Dict, Object};
use std::ops::Range;

/// The most white space between the data of a stream and `endstream`.
const MAX_GAP: usize = 256;

/// The location of a stream's data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Offsets in the file.
    pub range: Range<usize>,
    /// Whether `endstream` follows where `Length` says. Otherwise readers disagree on the data.
    pub exact: bool,
}

/// The data of a stream whose length is direct, for cross-reference streams.
pub(crate) fn direct<'a>(data: &'a [u8], at: usize, dict: &Dict) -> Option<&'a [u8]> {
    let start = start(data, at)?;
    let length = dict.get(b"Length").and_then(Object::as_int);
    data.get(checked(data, start, length)?)
}

/// Start of a stream's data, if the keyword `stream` follows its dictionary.
pub(crate) fn start(data: &[u8], at: usize) -> Option<usize> {
    let mut lexer = Lexer::new(data, at);
    lexer.skip_space();
    if !lexer.take(b"stream") {
        return None;
    }
    // Spaces before the end of line are an error that readers tolerate.
    let back = lexer.at;
    while lexer
        .peek()
        .is_some_and(|byte| byte == b' ' || byte == b'\t')
    {
        lexer.at += 1;
    }
    if !lexer.take(b"\r\n") && !lexer.take(b"\n") && !lexer.take(b"\r") {
        lexer.at = back;
    }
    Some(lexer.at)
}

/// The range of the data, if `endstream` follows it.
pub(crate) fn checked(data: &[u8], start: usize, length: Option<i64>) -> Option<Range<usize>> {
    let end = start.checked_add(usize::try_from(length?).ok()?)?;
    let rest = data.get(end..)?;
    let space = rest
        .iter()
        .take(MAX_GAP)
        .take_while(|byte| is_space(**byte))
        .count();
    rest.get(space..)?
        .starts_with(b"endstream")
        .then_some(start..end)
}
