//! Two image configs, member by member.

use super::Difference;
use crate::error::Result;
use crate::source::Image;
use crate::write::canonical_config;
use serde_json::Value;
use std::collections::BTreeSet;

/// Differences of meaning are those of the canonical configs (the layers' digests apart, which say
/// only that layers differ); all others are differences of writing.
pub(super) fn compare(left: &Image, right: &Image, flatten: bool) -> Result<Vec<Difference>> {
    if left.config_json() == right.config_json() {
        return Ok(Vec::new());
    }
    let mut all = Vec::new();
    let (a, b) = (
        canonical_config(left, flatten)?,
        canonical_config(right, flatten)?,
    );
    walk("", Some(&a), Some(&b), true, &mut all);
    let meaning: BTreeSet<String> = all
        .iter()
        .map(|difference| difference.path.clone())
        .collect();
    let mut raw = Vec::new();
    walk(
        "",
        Some(left.config_value()),
        Some(right.config_value()),
        false,
        &mut raw,
    );
    raw.retain(|difference| {
        // A difference that is reported there or above it is not repeated; layers are compared by
        // themselves.
        !difference.path.starts_with("/rootfs/diff_ids")
            && !meaning.iter().any(|path| {
                difference.path == *path
                    || difference
                        .path
                        .strip_prefix(path.as_str())
                        .is_some_and(|rest| rest.starts_with('/'))
            })
    });
    if left.config_value() == right.config_value() {
        raw.push(Difference::new(
            false,
            "config",
            "",
            "spelling",
            Some(format!("{} bytes of JSON", left.config_json().len())),
            Some(format!("{} bytes of JSON", right.config_json().len())),
        ));
    }
    all.extend(raw);
    Ok(all)
}

fn walk(
    pointer: &str,
    left: Option<&Value>,
    right: Option<&Value>,
    meaning: bool,
    all: &mut Vec<Difference>,
) {
    if left == right || (meaning && pointer == "/rootfs/diff_ids") {
        return;
    }
    match (left, right) {
        (Some(Value::Object(one)), Some(Value::Object(other))) => {
            let names: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
            for name in names {
                let step = name.replace('~', "~0").replace('/', "~1");
                walk(
                    &format!("{pointer}/{step}"),
                    one.get(name),
                    other.get(name),
                    meaning,
                    all,
                );
            }
        }
        (Some(Value::Array(one)), Some(Value::Array(other))) => {
            for index in 0..one.len().max(other.len()) {
                walk(
                    &format!("{pointer}/{index}"),
                    one.get(index),
                    other.get(index),
                    meaning,
                    all,
                );
            }
        }
        _ => {
            // JSON escapes control characters, so this text cannot act on a terminal but for C1
            // controls.
            let text = |value: &Value| crate::printable(value.to_string().as_bytes());
            all.push(Difference::new(
                meaning,
                "config",
                crate::printable(pointer.as_bytes()),
                "value",
                left.map(text),
                right.map(text),
            ));
        }
    }
}
