//! The languages of page and certificate: one file of verify/web/locales each. Another file there
//! is another language; nothing else names them.
//!
//! `texts` are those of the page, by name. `reasons` are the sentences of the checks, by their
//! English template, which is in the scripts; the English file has none.

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Tag (BCP 47) and content of each file, at build time.
static FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/locales.rs"));

/// All languages, by their tags.
pub(super) fn all() -> Result<Value> {
    let mut all = Map::new();
    for (tag, text) in FILES {
        let value = serde_json::from_str(text)
            .with_context(|| format!("verify/web/locales/{tag}.json is not JSON"))?;
        all.insert((*tag).to_owned(), value);
    }
    Ok(all.into())
}

/// One language, for this program's own use.
#[derive(Debug, Deserialize)]
pub(crate) struct Language {
    texts: BTreeMap<String, String>,
    #[serde(default)]
    reasons: BTreeMap<String, String>,
}

impl Language {
    /// The language of a tag; the error lists those that there are.
    pub(crate) fn find(tag: &str) -> Result<Self> {
        let found = FILES.iter().find(|(known, _)| *known == tag);
        let (_, text) = found.with_context(|| {
            let known: Vec<&str> = FILES.iter().map(|(tag, _)| *tag).collect();
            format!("no language {tag}; there are {}", known.join(", "))
        })?;
        serde_json::from_str(text)
            .with_context(|| format!("verify/web/locales/{tag}.json is malformed"))
    }

    /// A text by its name, with its values.
    pub(crate) fn text(&self, name: &str, values: &[&str]) -> String {
        fill(self.texts.get(name).map_or(name, String::as_str), values)
    }

    /// A sentence by its English template, with its values.
    pub(crate) fn sentence(&self, template: &str, values: &[&str]) -> String {
        let translated = self.reasons.get(template);
        fill(translated.map_or(template, String::as_str), values)
    }
}

/// Puts values in the place of `{0}`, `{1}` ...; values are not searched for marks.
fn fill(template: &str, values: &[&str]) -> String {
    let mut parts = template.split('{');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let mark = part.split_once('}');
        let value = mark.and_then(|(number, after)| {
            let value = values.get(number.parse::<usize>().ok()?)?;
            Some((*value, after))
        });
        if let Some((value, after)) = value {
            out.push_str(value);
            out.push_str(after);
        } else {
            out.push('{');
            out.push_str(part);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::{SCRIPTS, TEMPLATE, settings};
    use std::collections::BTreeSet;
    use std::fmt::Write;

    const ENGLISH: &str = "en-US";

    fn members(value: &Value, name: &str) -> BTreeMap<String, String> {
        let members = value[name].as_object().unwrap();
        members
            .iter()
            .map(|(name, text)| (name.clone(), text.as_str().unwrap().to_owned()))
            .collect()
    }

    /// The marks `{0}`, `{1}` ... of a template.
    fn marks(template: &str) -> BTreeSet<&str> {
        template
            .split('{')
            .skip(1)
            .filter_map(|rest| rest.split_once('}'))
            .map(|(mark, _)| mark)
            .filter(|mark| mark.bytes().all(|byte| byte.is_ascii_digit()))
            .collect()
    }

    /// The templates of the sentences in the scripts: what follows the tag, with numbered marks.
    fn templates() -> BTreeSet<String> {
        let scripts = SCRIPTS.concat();
        let mut found = BTreeSet::new();
        for rest in scripts.split("say`").skip(1) {
            let literal = rest.split_once('`').unwrap().0;
            let mut parts = literal.split("${");
            let mut template = parts.next().unwrap().to_owned();
            for (number, part) in parts.enumerate() {
                let (_, after) = part.split_once('}').unwrap();
                let _ = write!(template, "{{{number}}}{after}");
            }
            found.insert(template);
        }
        found
    }

    #[test]
    fn every_language_has_every_text_with_its_marks() {
        let all = all().unwrap();
        let english = members(&all[ENGLISH], "texts");
        for (tag, language) in all.as_object().unwrap() {
            assert!(!language["name"].as_str().unwrap().is_empty());
            let texts = members(language, "texts");
            let names =
                |texts: &BTreeMap<String, String>| texts.keys().cloned().collect::<Vec<_>>();
            assert_eq!(names(&texts), names(&english), "{tag}");
            for (name, text) in &texts {
                assert_eq!(marks(text), marks(&english[name]), "{tag}: {name}");
            }
        }
    }

    #[test]
    fn every_language_has_every_sentence_and_no_other() {
        let mut templates = templates();
        assert!(templates.len() > 150, "{}", templates.len());
        templates.extend(
            settings::TEMPLATES
                .iter()
                .map(|&template| template.to_owned()),
        );
        let all = all().unwrap();
        for (tag, language) in all.as_object().unwrap() {
            if tag == ENGLISH {
                continue;
            }
            let reasons = members(language, "reasons");
            for template in &templates {
                let reason = reasons.get(template);
                let reason = reason.unwrap_or_else(|| panic!("{tag} lacks {template:?}"));
                assert_eq!(marks(reason), marks(template), "{tag}: {template}");
            }
            for template in reasons.keys() {
                assert!(
                    templates.contains(template),
                    "{tag}: {template:?} is not used"
                );
            }
        }
    }

    #[test]
    fn values_are_put_in_once_and_other_braces_stay() {
        assert_eq!(fill("{1}, {0} {alg} {", &["{1}", "b"]), "b, {1} {alg} {");
        assert_eq!(fill("{0} {7}", &["a"]), "a {7}");
    }

    /// A reason that does not pass through the tag would be shown in English everywhere.
    #[test]
    fn every_reason_of_the_scripts_is_a_sentence() {
        for (number, line) in SCRIPTS.concat().lines().enumerate() {
            for call in ["refuse(", "fail("] {
                for rest in line.split(call).skip(1) {
                    let literal = rest.starts_with(['"', '\'', '`']);
                    assert!(!literal, "line {number}: {line}");
                }
            }
        }
    }

    /// Names of texts in the template, and of literal calls of `text` in the scripts.
    #[test]
    fn every_text_is_used_and_exists() {
        let all = all().unwrap();
        let english = members(&all[ENGLISH], "texts");
        let scripts = SCRIPTS.concat();
        let named = TEMPLATE.split("data-text=\"").skip(1);
        let sources = scripts.clone() + include_str!("../proof/certificate.rs");
        let called = sources.split("text(\"").skip(1);
        for rest in named.chain(called) {
            let name = rest.split_once('"').unwrap().0;
            assert!(english.contains_key(name), "{name}");
        }
        for name in english.keys() {
            let verdict = name.strip_suffix("Text").unwrap_or(name);
            let used = format!("\"{verdict}\"");
            let property = format!(".{name}");
            let found = [&used, &property]
                .iter()
                .any(|text| scripts.contains(*text) || TEMPLATE.contains(*text));
            // Names of verdicts and outcomes are values of their own.
            assert!(found || scripts.contains(&format!("{verdict}:")), "{name}");
        }
    }
}
