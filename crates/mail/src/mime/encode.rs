//! Bodies: quoted-printable and base64 (RFC 2045, sections 6.7 and 6.8).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Octets of an encoded line, without CRLF (RFC 2045).
const LINE: usize = 76;
/// Octets that fill a line of base64.
const GROUP: usize = LINE / 4 * 3;

/// Octets of `len` octets in base64 with line ends.
pub(super) fn base64_len(len: usize) -> usize {
    len.div_ceil(3) * 4 + len.div_ceil(GROUP) * 2
}

/// Appends `bytes` as lines of base64. The buffer grows once, and every byte is touched once.
pub(super) fn base64(out: &mut Vec<u8>, bytes: &[u8]) {
    let start = out.len();
    out.resize(start + base64_len(bytes.len()), 0);
    let mut rest = out.get_mut(start..).unwrap_or_default();
    for group in bytes.chunks(GROUP) {
        let encoded = group.len().div_ceil(3) * 4;
        let Some((line, after)) = rest.split_at_mut_checked(encoded + 2) else {
            return;
        };
        let Some((text, end)) = line.split_at_mut_checked(encoded) else {
            return;
        };
        // The slice has the size that is needed, so this cannot fail.
        let _ = STANDARD.encode_slice(group, text);
        end.copy_from_slice(b"\r\n");
        rest = after;
    }
}

/// Appends a text, whose lines end with LF, as quoted-printable; ends with CRLF.
///
/// Beyond what RFC 2045 asks for, a dot or "From " at the start of a line and `=` are encoded: no
/// program on the way has to change a line.
pub(super) fn quoted_printable(out: &mut Vec<u8>, text: &str) {
    for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
        quoted_line(out, line.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
}

fn quoted_line(out: &mut Vec<u8>, line: &[u8]) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let from = line.starts_with(b"From ");
    let mut column = 0;
    for (index, &byte) in line.iter().enumerate() {
        let last = index + 1 == line.len();
        let plain = match byte {
            b' ' | b'\t' => !last,
            b'=' => false,
            // Also where a soft break makes it the first of a line.
            b'.' => column != 0 && column < LINE - 1,
            b'F' => !(from && index == 0),
            other => other.is_ascii_graphic(),
        };
        let width = if plain { 1 } else { 3 };
        // The last column is for the "=" of a soft break, unless the line ends here.
        let room = if last { LINE } else { LINE - 1 };
        if column + width > room {
            out.extend_from_slice(b"=\r\n");
            column = 0;
        }
        if plain {
            out.push(byte);
        } else {
            let digit = |nibble: u8| HEX.get(usize::from(nibble)).copied().unwrap_or(b'0');
            out.extend_from_slice(&[b'=', digit(byte >> 4), digit(byte & 15)]);
        }
        column += width;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn quoted(text: &str) -> String {
        let mut out = Vec::new();
        quoted_printable(&mut out, text);
        String::from_utf8(out).unwrap()
    }

    /// A reader that shares nothing with the writer.
    fn unquoted(text: &str) -> Vec<u8> {
        let joined = text.replace("=\r\n", "");
        let bytes = joined.as_bytes();
        let mut out = Vec::new();
        let mut at = 0;
        while at < bytes.len() {
            if bytes[at] == b'=' {
                out.push(u8::from_str_radix(&joined[at + 1..at + 3], 16).unwrap());
                at += 3;
            } else {
                out.push(bytes[at]);
                at += 1;
            }
        }
        out
    }

    #[test]
    fn quoted_printable_is_as_the_rfc_says() {
        assert_eq!(quoted("a=b\n"), "a=3Db\r\n");
        assert_eq!(quoted("é \n\n.x"), "=C3=A9=20\r\n\r\n=2Ex\r\n");
        assert_eq!(quoted("From x"), "=46rom x\r\n");
        assert_eq!(quoted(&"x".repeat(76)), format!("{}\r\n", "x".repeat(76)));
        assert_eq!(
            quoted(&"x".repeat(77)),
            format!("{}=\r\nxx\r\n", "x".repeat(75))
        );
    }

    #[test]
    fn base64_has_full_lines() {
        for len in [0, 1, 2, 3, 56, 57, 58, 114, 1000] {
            let bytes = vec![0xa5; len];
            let mut out = b"x".to_vec();
            base64(&mut out, &bytes);
            assert_eq!(out.len(), 1 + base64_len(len));
            let text = String::from_utf8(out[1..].to_vec()).unwrap();
            assert!(text.split_terminator("\r\n").all(|line| line.len() <= LINE));
            assert_eq!(STANDARD.decode(text.replace("\r\n", "")).unwrap(), bytes);
        }
    }

    proptest! {
        #[test]
        fn quoted_text_comes_back(text in "[a-zF.= \tÀ-ɏ一-丏\n]{0,300}") {
            let encoded = quoted(&text);
            let expected = format!("{}\r\n", text.strip_suffix('\n').unwrap_or(&text).replace('\n', "\r\n"));
            prop_assert_eq!(unquoted(&encoded), expected.as_bytes());
            for line in encoded.split_terminator("\r\n") {
                prop_assert!(line.len() <= LINE && !line.starts_with('.') && !line.ends_with([' ', '\t']));
            }
        }
    }
}
