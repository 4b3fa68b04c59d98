//! Differences as text.

use canoni::Difference;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Paths that are named of each kind of difference of writing, unless all are.
const NAMED: usize = 3;

/// Differences of meaning one by one, those of writing by their kind.
pub(super) fn differences(all: &[Difference], every: bool, writing: &str) -> String {
    let mut out = String::new();
    let mut place = "";
    for difference in all.iter().filter(|difference| difference.meaning) {
        if difference.place != place {
            let _ = writeln!(out, "{}", difference.place);
            place = &difference.place;
        }
        let _ = writeln!(out, "  {}", line(difference));
        for detail in &difference.detail {
            let _ = writeln!(out, "      {detail}");
        }
    }
    let mut kinds: BTreeMap<(&str, &str), Vec<&Difference>> = BTreeMap::new();
    for difference in all.iter().filter(|difference| !difference.meaning) {
        // The config has few members, and each is of its own kind.
        let field = if difference.place == "config" {
            difference.path.as_str()
        } else {
            difference.field.as_str()
        };
        kinds
            .entry((&difference.place, field))
            .or_default()
            .push(difference);
    }
    if !kinds.is_empty() {
        let _ = writeln!(out, "{writing}");
    }
    for ((place, _), list) in kinds {
        let named = if every { list.len() } else { NAMED };
        for difference in list.iter().take(named) {
            let _ = writeln!(out, "  {place}: {}", line(difference));
        }
        if let Some(more) = list.len().checked_sub(named).filter(|more| *more > 0) {
            let field = list.first().map_or("", |first| first.field.as_str());
            let _ = writeln!(out, "  {place}: {field} of {more} more paths");
        }
    }
    out
}

fn line(difference: &Difference) -> String {
    let side = |side: &Option<String>| side.clone().unwrap_or_else(|| "nothing".into());
    let (left, right) = (side(&difference.left), side(&difference.right));
    let what = match (difference.path.as_str(), difference.field.as_str()) {
        (path, "presence") => {
            return match (&difference.left, &difference.right) {
                (Some(one), _) => format!("only in the first: {path} ({one})"),
                (_, other) => format!("only in the second: {path} ({})", side(other)),
            };
        }
        (path, "value") => path.to_owned(),
        ("", field) => field.to_owned(),
        (path, field) => format!("{path}: {field}"),
    };
    format!("{what}: {left} | {right}")
}
