//! Filters whose input is text.

use crate::lex::{Lexer, is_space};
use crate::lzw::Given;
use crate::object::Object;

/// ASCIIHexDecode (ISO 32000-1, 7.4.2).
pub(super) fn hex(data: &[u8]) -> Given {
    let end = memchr::memchr(b'>', data);
    let digits = data.get(..end.unwrap_or(data.len())).unwrap_or_default();
    let clean = digits
        .iter()
        .all(|byte| byte.is_ascii_hexdigit() || is_space(*byte));
    let mut text = b"<".to_vec();
    text.extend_from_slice(digits);
    text.push(b'>');
    let data = match Lexer::new(&text, 0).object() {
        Some(Object::String(bytes)) => bytes,
        _ => Vec::new(),
    };
    Given {
        data,
        whole: end.is_some() && clean,
        read: digits.len() + 1,
    }
}

/// ASCII85Decode (ISO 32000-1, 7.4.3).
pub(super) fn base85(data: &[u8]) -> Given {
    let mut out = Vec::new();
    let mut group = Vec::with_capacity(5);
    let mut read = 0;
    let (mut clean, mut end) = (true, false);
    for byte in data {
        read += 1;
        match byte {
            b'z' if group.is_empty() => out.extend_from_slice(&[0; 4]),
            b'!'..=b'u' => group.push(byte - b'!'),
            b'~' => {
                end = true;
                break;
            }
            _ => {
                clean &= is_space(*byte);
                continue;
            }
        }
        if group.len() == 5 {
            out.extend_from_slice(&word(&group));
            group.clear();
        }
    }
    if group.len() > 1 {
        let length = group.len() - 1;
        group.resize(5, 84);
        out.extend(word(&group).into_iter().take(length));
    }
    Given {
        data: out,
        whole: end && clean,
        read,
    }
}

fn word(group: &[u8]) -> [u8; 4] {
    group
        .iter()
        .fold(0_u32, |value, digit| {
            value.wrapping_mul(85).wrapping_add(u32::from(*digit))
        })
        .to_be_bytes()
}
