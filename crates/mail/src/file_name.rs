//! One rule for the names of attachments and of the members of a zip (docs/mail.md, "File names").

use crate::text::one_line;

/// Bytes of a cleaned name: file systems allow 255, and a zip is called after one member and an
/// address.
pub const FILE_NAME_MAX: usize = 180;

/// Bytes of an extension, its dot included, that survives cutting.
const EXTENSION_MAX: usize = 16;

/// The name of a file that has no usable one.
const UNNAMED: &str = "document";

/// A name that every file system takes and no program mistakes for a path:
///
/// 1. what stands after the last `/` or `\`;
/// 2. runs of white space and control characters become one space, controls of text direction go;
/// 3. `< > : " | ? *` become `_`;
/// 4. dots and spaces at both ends go;
/// 5. cut to [`FILE_NAME_MAX`] bytes between characters, an extension of up to 16 bytes kept;
/// 6. a name that Windows reserves (`CON`, `nul.txt`, `COM1`...) gets a `_` in front;
/// 7. a name of which nothing is left is `document`.
///
/// Cleaning a cleaned name changes nothing.
pub fn clean_file_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let visible: String = one_line(last)
        .chars()
        .map(|character| {
            if matches!(character, '<' | '>' | ':' | '"' | '|' | '?' | '*') {
                '_'
            } else {
                character
            }
        })
        .collect();
    let mut name = trimmed(&visible).to_owned();
    if is_reserved(&name) {
        name.insert(0, '_');
    }
    let name = cut(&name);
    if name.is_empty() {
        UNNAMED.to_owned()
    } else {
        name
    }
}

fn trimmed(name: &str) -> &str {
    name.trim_matches(|character: char| character == '.' || character.is_whitespace())
}

fn cut(name: &str) -> String {
    if name.len() <= FILE_NAME_MAX {
        return name.to_owned();
    }
    let (stem, extension) = split(name);
    let (stem, extension) = if extension.len() <= EXTENSION_MAX {
        (stem, extension)
    } else {
        (name, "")
    };
    let stem = stem
        .get(..stem.floor_char_boundary(FILE_NAME_MAX - extension.len()))
        .unwrap_or_default();
    format!("{}{extension}", trimmed(stem))
}

/// The part before the last dot, and the rest with its dot. A name that starts with its only dot
/// has no extension.
fn split(name: &str) -> (&str, &str) {
    match name.rfind('.') {
        Some(dot) if dot > 0 => name.split_at(dot),
        _ => (name, ""),
    }
}

/// Devices of Windows, with any extension ("Naming Files, Paths, and Namespaces", Microsoft).
fn is_reserved(name: &str) -> bool {
    let base = name.split('.').next().unwrap_or_default().trim_end();
    let upper = base.to_ascii_uppercase();
    if matches!(
        upper.as_str(),
        "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$"
    ) {
        return true;
    }
    ["COM", "LPT"].iter().any(|device| {
        upper.strip_prefix(device).is_some_and(|number| {
            let mut digits = number.chars();
            matches!(
                digits.next(),
                Some('0'..='9' | '\u{b9}' | '\u{b2}' | '\u{b3}')
            ) && digits.next().is_none()
        })
    })
}

/// The cleaned name without its extension: what NAME means in "NAME.pdf", "NAME.spf" and
/// "NAME.zip".
pub fn stem(file_name: &str) -> String {
    let name = clean_file_name(file_name);
    let (stem, _) = split(&name);
    clean_file_name(stem)
}

/// The name of the zip that is mailed: "NAME.zip", or with one signer "NAME (address).zip".
///
/// `single` is the address of a task's only signer. A name that would be too long loses the end of
/// NAME.
pub fn zip_name(file_name: &str, single: Option<&str>) -> String {
    let stem = stem(file_name);
    let Some(address) = single else {
        return clean_file_name(&format!("{stem}.zip"));
    };
    // Of the characters an address may have, these mean something to file systems; they must not
    // end NAME.
    let address: String = one_line(address)
        .chars()
        .map(|character| {
            if matches!(
                character,
                '/' | '\\' | '|' | '?' | '*' | '<' | '>' | ':' | '"'
            ) {
                '_'
            } else {
                character
            }
        })
        .collect();
    let address = address
        .get(..address.floor_char_boundary(FILE_NAME_MAX / 2))
        .unwrap_or_default();
    let rest = FILE_NAME_MAX - address.len() - " ().zip".len();
    let stem = stem
        .get(..stem.floor_char_boundary(rest))
        .unwrap_or_default();
    clean_file_name(&format!("{} ({address}).zip", trimmed(stem)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_cleaned() {
        for (name, clean) in [
            ("contract.pdf", "contract.pdf"),
            ("合約書 第2版.pdf", "合約書 第2版.pdf"),
            ("../../etc/passwd", "passwd"),
            ("C:\\x\\y.pdf", "y.pdf"),
            ("a\r\nb.pdf", "a b.pdf"),
            ("a\0b\u{202e}fdp.pdf", "a bfdp.pdf"),
            ("a:b*c?.pdf", "a_b_c_.pdf"),
            (" .hidden. ", "hidden"),
            ("", "document"),
            ("..", "document"),
            ("a/", "document"),
            ("con", "_con"),
            ("NUL.txt", "_NUL.txt"),
            ("com1.tar.gz", "_com1.tar.gz"),
            ("COM¹", "_COM¹"),
            ("console.pdf", "console.pdf"),
            ("com10", "com10"),
        ] {
            assert_eq!(clean_file_name(name), clean, "{name:?}");
        }
    }

    #[test]
    fn long_names_keep_their_extension() {
        let name = clean_file_name(&format!("{}.pdf", "名".repeat(256)));
        assert!(name.len() <= FILE_NAME_MAX);
        assert!(name.starts_with("名名") && name.ends_with("名.pdf"));
        let name = clean_file_name(&format!("a.{}", "b".repeat(256)));
        assert_eq!(name.len(), FILE_NAME_MAX);
    }

    #[test]
    fn stems_and_zips() {
        for (name, expected) in [
            ("contract.pdf", "contract"),
            ("a.b.pdf", "a.b"),
            ("noext", "noext"),
            (".pdf", "pdf"),
            ("con.pdf", "_con"),
            ("x/y.pdf", "y"),
            ("a ..pdf", "a"),
        ] {
            assert_eq!(stem(name), expected, "{name:?}");
        }
        assert_eq!(zip_name("contract.pdf", None), "contract.zip");
        assert_eq!(
            zip_name("contract.pdf", Some("jane@example.com")),
            "contract (jane@example.com).zip"
        );
        assert_eq!(
            zip_name("c.pdf", Some("a/b@example.com")),
            "c (a_b@example.com).zip"
        );
        let long = zip_name(&"x".repeat(300), Some(&"y".repeat(300)));
        assert!(long.len() <= FILE_NAME_MAX && long.ends_with("y).zip") && long.starts_with('x'));
    }

    proptest! {
        #[test]
        fn the_rule_holds_for_any_text(name in "(?s).{0,300}") {
            let clean = clean_file_name(&name);
            prop_assert!(!clean.is_empty() && clean.len() <= FILE_NAME_MAX);
            prop_assert!(!clean.contains(|c: char| c.is_control() || "/\\<>:\"|?*".contains(c)));
            prop_assert!(!clean.starts_with(['.', ' ']) && !clean.ends_with(['.', ' ']));
            prop_assert_eq!(&clean_file_name(&clean), &clean);
            let zip = zip_name(&name, Some(&name));
            prop_assert!(zip.len() <= FILE_NAME_MAX && zip.strip_suffix(".zip").is_some());
            prop_assert!(!stem(&name).is_empty());
        }
    }
}
