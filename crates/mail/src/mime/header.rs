//! Header fields. Whatever a person typed goes through [`text`], [`mailbox`] or [`file`].

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt::Write;

/// Octets of text in one encoded word: with `=?utf-8?B?` and `?=` it stays below the 75 of RFC
/// 2047, section 2, and below 76 in a line (section 2, too) also after the longest field name here.
const WORD: usize = 39;
/// Octets a field's text may have to stand in one line as it is.
const LINE: usize = 60;

/// A field whose value this crate made: ASCII, folded by the caller.
pub(super) fn plain(out: &mut Vec<u8>, name: &str, value: &str) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value.as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// A field of free text (`Subject`).
pub(super) fn text(out: &mut Vec<u8>, name: &str, value: &str) {
    if is_literal(value) {
        plain(out, name, value);
    } else {
        plain(out, name, &words(value));
    }
}

/// A field with one address; `name` may be empty.
pub(super) fn mailbox(out: &mut Vec<u8>, field: &str, name: &str, address: &str) {
    if name.is_empty() {
        return plain(out, field, address);
    }
    let shown = if is_literal(name) {
        quoted(name)
    } else {
        words(name)
    };
    // Folded before the address: it may have 254 octets.
    plain(out, field, &format!("{shown}\r\n <{address}>"));
}

/// `Content-Type` and `Content-Disposition` of a file (RFC 2183, RFC 2231). Programs that do not
/// know RFC 2231 get a name in ASCII from the type's `name`; a second `filename` beside `filename*`
/// would be two parameters of one name to others.
pub(super) fn file(out: &mut Vec<u8>, media_type: &str, name: &str) {
    let fallback = ascii(name);
    plain(
        out,
        "Content-Type",
        &format!("{media_type};\r\n name={}", quoted(&fallback)),
    );
    let parameter = if fallback == name {
        format!("filename={}", quoted(name))
    } else {
        format!("filename*=utf-8''{}", percent(name))
    };
    plain(
        out,
        "Content-Disposition",
        &format!("attachment;\r\n {parameter}"),
    );
}

/// Whether a text can stand as it is: short printable ASCII without anything that looks like an
/// encoded word, and without blanks that folding could lose.
fn is_literal(text: &str) -> bool {
    text.len() <= LINE
        && text
            .bytes()
            .all(|byte| byte == b' ' || byte.is_ascii_graphic())
        && !text.contains("=?")
        && text.trim() == text
        && !text.is_empty()
}

/// A quoted-string (RFC 5322, section 3.2.4) of printable ASCII.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        if matches!(character, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    quoted.push('"');
    quoted
}

/// Encoded words (RFC 2047), each of whole characters, one in a line.
fn words(text: &str) -> String {
    let mut words = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (word, after) = rest
            .split_at_checked(rest.floor_char_boundary(WORD))
            .unwrap_or((rest, ""));
        if !words.is_empty() {
            words.push_str("\r\n ");
        }
        words.push_str("=?utf-8?B?");
        STANDARD.encode_string(word, &mut words);
        words.push_str("?=");
        rest = after;
    }
    words
}

/// `attribute-char` of RFC 2231 stays, the rest becomes `%XX`.
fn percent(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`{|}~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// The name in ASCII: runs of other characters become one `_`; `%` would be misread as an escape,
/// `"` and `\` by careless programs.
fn ascii(name: &str) -> String {
    let mut ascii = String::new();
    for character in name.chars() {
        if (character == ' ' || character.is_ascii_graphic())
            && !matches!(character, '"' | '\\' | '%')
        {
            ascii.push(character);
        } else if !ascii.ends_with('_') {
            ascii.push('_');
        }
    }
    ascii
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn header(write: impl Fn(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn subjects() {
        let subject = |value: &str| header(|out| text(out, "Subject", value));
        assert_eq!(
            subject("Please sign: a.pdf [1]"),
            "Subject: Please sign: a.pdf [1]\r\n"
        );
        assert_eq!(subject("é"), "Subject: =?utf-8?B?w6k=?=\r\n");
        // Text that looks like an encoded word stays text.
        assert_eq!(
            subject("=?utf-8?B?eA==?="),
            "Subject: =?utf-8?B?PT91dGYtOD9CP2VBPT0/PQ==?=\r\n"
        );
        let long = subject(&"名".repeat(30));
        assert_eq!(long.matches("=?utf-8?B?").count(), 3);
        assert!(long.split_terminator("\r\n").all(|line| line.len() <= 76));
    }

    #[test]
    fn mailboxes() {
        let to = |name: &str| header(|out| mailbox(out, "To", name, "a@b.co"));
        assert_eq!(to(""), "To: a@b.co\r\n");
        assert_eq!(to("Doe, Jane"), "To: \"Doe, Jane\"\r\n <a@b.co>\r\n");
        assert_eq!(
            to("\"x\" <c@d.co>, \\"),
            "To: \"\\\"x\\\" <c@d.co>, \\\\\"\r\n <a@b.co>\r\n"
        );
        assert_eq!(to("名"), "To: =?utf-8?B?5ZCN?=\r\n <a@b.co>\r\n");
    }

    #[test]
    fn file_names() {
        for (name, fallback, parameter) in [
            ("a b.pdf", "a b.pdf", "filename=\"a b.pdf\""),
            (
                "合約 1.pdf",
                "_ 1.pdf",
                "filename*=utf-8''%E5%90%88%E7%B4%84%201.pdf",
            ),
            ("100%.pdf", "100_.pdf", "filename*=utf-8''100%25.pdf"),
        ] {
            assert_eq!(
                header(|out| file(out, "application/pdf", name)),
                format!(
                    "Content-Type: application/pdf;\r\n name=\"{fallback}\"\r\n\
                     Content-Disposition: attachment;\r\n {parameter}\r\n"
                )
            );
        }
    }

    proptest! {
        #[test]
        fn no_text_adds_a_field(value in "(?s).{0,300}") {
            let value = crate::text::one_line(&value);
            let name = crate::file_name::clean_file_name(&value);
            let fields = header(|out| file(out, "application/zip", &name));
            prop_assert_eq!(fields.matches("\r\n").count(), 4);
            prop_assert!(fields.split("\r\n").all(|line| line.is_ascii() && line.len() <= 998));
            for field in [
                header(|out| text(out, "Subject", &value)),
                header(|out| mailbox(out, "To", &value, "a@b.co")),
            ] {
                prop_assert!(field.is_ascii());
                let lines: Vec<&str> = field.split_terminator("\r\n").collect();
                prop_assert!(lines.iter().skip(1).all(|line| line.starts_with(' ')));
                prop_assert!(lines.iter().all(|line| line.len() <= 998 && !line.contains(['\r', '\n'])));
            }
        }
    }
}
