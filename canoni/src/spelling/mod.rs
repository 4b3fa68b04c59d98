//! Keys of JSON documents as readers in Go take them (package encoding/json, "Unmarshal").
//!
//! Docker, podman, skopeo and umoci are written in Go, whose JSON reader prefers a member with the
//! exact name of a field but takes one that differs from it by Unicode simple case folding as well,
//! the last one winning. So `Cmd` and `cmd` are two members to most readers and one to those. A
//! lone other spelling is read as they read it; two members that fold alike are refused. Objects
//! whose keys are data (labels, annotations, ports, volumes) are left alone, and so is what is
//! inside members that no reader knows.

mod shapes;

pub(crate) use shapes::{CONFIG, DOCKER_MANIFEST, LAYOUT, MANIFEST, Shape};

use crate::error::{Error, Result};
use serde_json::{Map, Value};
use std::collections::HashMap;

/// Unicode simple case folding as far as known keys need it: they are ASCII, and beside the other
/// case of a letter only U+212A (the Kelvin sign) and U+017F (the long s) fold to one.
fn fold(key: &str) -> String {
    key.chars()
        .map(|character| match character {
            '\u{212a}' => 'k',
            '\u{17f}' => 's',
            other => {
                let mut lower = other.to_lowercase();
                match (lower.next(), lower.next()) {
                    (Some(lower), None) => lower,
                    _ => other,
                }
            }
        })
        .collect()
}

/// Gives known members the names they are known by. `what` is what errors call the document.
///
/// # Errors
/// Where two members of a known object fold alike.
pub(crate) fn settle(value: &mut Value, shape: &Shape, what: &str) -> Result<()> {
    match (shape, value) {
        (Shape::List(shape), Value::Array(list)) => list
            .iter_mut()
            .try_for_each(|value| settle(value, shape, what)),
        (Shape::Object(known), Value::Object(map)) => members(map, known, what),
        // The document's reader refuses a value of another type.
        _ => Ok(()),
    }
}

fn members(
    map: &mut Map<String, Value>,
    known: &[(&'static str, &'static Shape)],
    what: &str,
) -> Result<()> {
    let mut seen: HashMap<String, String> = HashMap::with_capacity(map.len());
    for key in map.keys() {
        if let Some(other) = seen.insert(fold(key), key.clone()) {
            let reason = format!(
                "has the members {other:?} and {key:?}, which some readers take for one and \
                 others for two"
            );
            return Err(Error::image(what, reason));
        }
    }
    for (name, shape) in known {
        let Some(key) = seen.get(&fold(name)) else {
            continue;
        };
        let Some(mut value) = map.remove(key) else {
            continue;
        };
        settle(&mut value, shape, what)?;
        map.insert((*name).to_owned(), value);
    }
    Ok(())
}

/// More values than any image's documents have; each takes some 32 bytes of memory and may take two
/// of text.
const MAX_VALUES: usize = 1 << 18;

/// Looks through a JSON text (which must be one) for numbers that are not written as RFC 8785
/// writes them, and for too many values. Readers differ on such numbers: some round them, some
/// refuse them, and those that take `1e3` and `1000.0` for 1000 give three texts one digest.
///
/// # Errors
/// What is wrong, in words.
pub(crate) fn check_values(text: &[u8]) -> std::result::Result<(), String> {
    let mut rest = text;
    let mut values = 1;
    while let Some((&byte, after)) = rest.split_first() {
        rest = match byte {
            b'"' => after_string(after),
            b'-' | b'0'..=b'9' => {
                let number =
                    |byte: &u8| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-');
                let end = rest
                    .iter()
                    .position(|byte| !number(byte))
                    .unwrap_or(rest.len());
                let (digits, after) = rest.split_at(end);
                if !plain(digits) {
                    let digits = digits.get(..40).unwrap_or(digits);
                    return Err(format!(
                        "holds the number {}, which JSON readers round or refuse; numbers are \
                         written as in RFC 8785",
                        String::from_utf8_lossy(digits)
                    ));
                }
                after
            }
            _ => after,
        };
        values += usize::from(matches!(byte, b',' | b'[' | b'{'));
        if values > MAX_VALUES {
            return Err(format!("holds more than {MAX_VALUES} values"));
        }
    }
    Ok(())
}

/// Reads a string whose opening quote was taken.
fn after_string(mut rest: &[u8]) -> &[u8] {
    while let Some((&byte, after)) = rest.split_first() {
        rest = match byte {
            b'"' => return after,
            b'\\' => after.get(1..).unwrap_or_default(),
            _ => after,
        };
    }
    rest
}

fn plain(digits: &[u8]) -> bool {
    // Nearly all are whole numbers far below 2^53.
    if digits.len() <= 15 && digits.iter().all(u8::is_ascii_digit) {
        return digits == b"0" || digits.first() != Some(&b'0');
    }
    let Ok(value) = serde_json::from_slice::<Value>(digits) else {
        return false;
    };
    serde_json_canonicalizer::to_vec(&value).is_ok_and(|canonical| canonical == digits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn keys_fold_as_in_go() {
        for (one, other, alike) in [
            ("Layers", "layers", true),
            ("Layers", "LAYERS", true),
            ("diff_ids", "Diff_Id\u{17f}", true),
            ("User", "U\u{17f}er", true),
            ("Rank", "Ran\u{212a}", true),
            ("é", "É", true),
            ("os.version", "osversion", false),
            ("Cmd", "Cmd ", false),
            ("Cmd", "Çmd", false),
        ] {
            assert_eq!(fold(one) == fold(other), alike, "{one} {other}");
        }
    }

    #[test]
    fn a_lone_spelling_is_read_and_two_are_refused_at_every_level() {
        let mut value = json!({"CONFIG": {"healthCheck": {"TEST": ["x"]}, "labels": {"a": 1, "A": 2}},
            "rootf\u{17f}": {"Diff_IDs": []}, "History": [{"Created_By": "x"}], "own": {"a": 1, "A": 2}});
        settle(&mut value, &CONFIG, "c").unwrap();
        assert_eq!(
            value,
            json!({"config": {"Healthcheck": {"Test": ["x"]}, "Labels": {"a": 1, "A": 2}},
                "rootfs": {"diff_ids": []}, "history": [{"created_by": "x"}], "own": {"a": 1, "A": 2}})
        );
        for value in [
            json!({"config": {}, "Config": {}}),
            json!({"config": {"Cmd": [], "cmd": []}}),
            json!({"config": {"Healthcheck": {"Test": [], "test": []}}}),
            json!({"rootfs": {"diff_ids": [], "diff_id\u{17f}": []}}),
            json!({"history": [{}, {"comment": "", "Comment": ""}]}),
            json!({"own": 1, "OWN": 2}),
        ] {
            let error = settle(&mut value.clone(), &CONFIG, "c")
                .unwrap_err()
                .to_string();
            assert!(error.contains("which some readers take for one"), "{error}");
        }
    }

    #[test]
    fn numbers_have_one_spelling() {
        for text in [
            "0",
            "-1",
            "[1,9007199254740991]",
            "1.5",
            "{\"1e3\":\"1e3 \\\" 1e3\"}",
            "1e+30",
        ] {
            assert_eq!(check_values(text.as_bytes()), Ok(()), "{text}");
        }
        for (text, number) in [
            ("[1.0]", "1.0"),
            ("{\"a\":1e3}", "1e3"),
            ("-0", "-0"),
            ("9007199254740993", "9007199254740993"),
            ("[18446744073709551616]", "18446744073709551616"),
            ("0.10000000000000000001", "0.10000000000000000001"),
            ("\"\\\\\" ,1E400", "1E400"),
        ] {
            let error = check_values(text.as_bytes()).unwrap_err();
            assert!(error.contains(&format!("number {number},")), "{error}");
        }
        let many = format!("[{}0]", "0,".repeat(MAX_VALUES));
        assert!(
            check_values(many.as_bytes())
                .unwrap_err()
                .contains("values")
        );
    }
}
