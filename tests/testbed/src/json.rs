//! JSON whose text the test decides: members in the order written, numbers as spelt, duplicates if
//! wanted.

use sha2::{Digest, Sha256};
use std::fmt::Write;

/// A JSON value that remembers how it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Json {
    /// Text that is written as it is: numbers, `true`, `null`, or anything that is not JSON.
    Raw(String),
    /// A string.
    Text(String),
    /// An array.
    List(Vec<Self>),
    /// An object; names may repeat.
    Object(Vec<(String, Self)>),
}

impl Json {
    /// An object of these members.
    pub fn object<const N: usize>(members: [(&str, Self); N]) -> Self {
        Self::Object(members.map(|(name, value)| (name.to_owned(), value)).into())
    }

    /// Text as it is: `Json::raw("1e-7")`.
    pub fn raw(text: &str) -> Self {
        Self::Raw(text.to_owned())
    }

    /// The member at a path such as `privateTaskInfo.encryptedTaskConfig.dataIV` or
    /// `signerList.0.signerEmail`.
    pub fn at(&self, path: &str) -> Option<&Self> {
        path.split('.').try_fold(self, |value, step| match value {
            Self::Object(members) => members.iter().find(|(name, _)| name == step).map(|m| &m.1),
            Self::List(items) => items.get(step.parse::<usize>().ok()?),
            _ => None,
        })
    }

    fn at_mut(&mut self, path: &str) -> Option<&mut Self> {
        path.split('.').try_fold(self, |value, step| match value {
            Self::Object(members) => members
                .iter_mut()
                .find(|(name, _)| name == step)
                .map(|m| &mut m.1),
            Self::List(items) => items.get_mut(step.parse::<usize>().ok()?),
            _ => None,
        })
    }

    /// The string at a path.
    ///
    /// # Panics
    /// When there is none.
    pub fn text_at(&self, path: &str) -> &str {
        match self.at(path) {
            Some(Self::Text(text)) => text,
            other => panic!("no string at {path}: {other:?}"),
        }
    }

    /// Replaces the value at a path, or adds it as the last member of its object.
    ///
    /// # Panics
    /// When nothing is there that could hold it.
    pub fn set(&mut self, path: &str, value: impl Into<Self>) -> &mut Self {
        if let Some(place) = self.at_mut(path) {
            *place = value.into();
            return self;
        }
        self.add(path, value)
    }

    /// Adds a member, or another one of the same name, or an item of a list.
    ///
    /// # Panics
    /// When nothing is there that could hold it.
    pub fn add(&mut self, path: &str, value: impl Into<Self>) -> &mut Self {
        let (parent, name) = split(path);
        let place = match parent {
            Some(parent) => self.at_mut(parent),
            None => Some(&mut *self),
        };
        match place {
            Some(Self::Object(members)) => members.push((name.to_owned(), value.into())),
            Some(Self::List(items)) => items.push(value.into()),
            other => panic!("nothing holds {path}: {other:?}"),
        }
        self
    }

    /// Takes a member or an item away.
    ///
    /// # Panics
    /// When it is not there.
    pub fn remove(&mut self, path: &str) -> &mut Self {
        let (parent, name) = split(path);
        let place = match parent {
            Some(parent) => self.at_mut(parent),
            None => Some(&mut *self),
        };
        let removed = match place {
            Some(Self::Object(members)) => members
                .iter()
                .position(|(other, _)| other == name)
                .map(|at| members.remove(at).1),
            Some(Self::List(items)) => name.parse().ok().map(|at: usize| items.remove(at)),
            _ => None,
        };
        assert!(removed.is_some(), "nothing to remove at {path}");
        self
    }

    /// The compact text, as JSON.stringify prints it.
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }

    /// SHA-256 of the compact text, in lower-case hexadecimal.
    pub fn hash(&self) -> String {
        hex::encode(Sha256::digest(self.to_text()))
    }

    fn write(&self, out: &mut String) {
        match self {
            Self::Raw(text) => out.push_str(text),
            Self::Text(text) => quote(text, out),
            Self::List(items) => {
                out.push('[');
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    item.write(out);
                }
                out.push(']');
            }
            Self::Object(members) => {
                out.push('{');
                for (at, (name, value)) in members.iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    quote(name, out);
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
        }
    }
}

fn split(path: &str) -> (Option<&str>, &str) {
    match path.rsplit_once('.') {
        Some((parent, name)) => (Some(parent), name),
        None => (None, path),
    }
}

/// ECMAScript's QuoteJSONString, for text without lone surrogates.
fn quote(text: &str, out: &mut String) {
    out.push('"');
    let special = |byte: u8| byte < 0x20 || byte == b'"' || byte == b'\\';
    // Large strings are plain: base64 of a document. Without an early end this takes many bytes at
    // a time.
    if !text
        .bytes()
        .fold(false, |found, byte| found | special(byte))
    {
        out.push_str(text);
        out.push('"');
        return;
    }
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            '\0'..='\u{1f}' => {
                write!(out, "\\u{:04x}", u32::from(character)).expect("a string takes all");
            }
            other => out.push(other),
        }
    }
    out.push('"');
}

impl From<&str> for Json {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Json {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&String> for Json {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<bool> for Json {
    fn from(value: bool) -> Self {
        Self::Raw(value.to_string())
    }
}

impl From<i64> for Json {
    fn from(value: i64) -> Self {
        Self::Raw(value.to_string())
    }
}

impl From<usize> for Json {
    fn from(value: usize) -> Self {
        Self::Raw(value.to_string())
    }
}

impl From<f64> for Json {
    fn from(value: f64) -> Self {
        Self::Raw(value.to_string())
    }
}

impl From<Vec<Self>> for Json {
    fn from(items: Vec<Self>) -> Self {
        Self::List(items)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_those_of_json_stringify() {
        let mut json = Json::object([
            ("z", 1_i64.into()),
            ("a", vec![Json::raw("1e-7"), "é\"\\\u{1}\n".into()].into()),
        ]);
        assert_eq!(
            json.to_text(),
            "{\"z\":1,\"a\":[1e-7,\"é\\\"\\\\\\u0001\\n\"]}"
        );
        json.set("a.0", true).set("b", "new").add("z", 2_i64);
        json.remove("a.1");
        assert_eq!(json.to_text(), r#"{"z":1,"a":[true],"b":"new","z":2}"#);
        assert_eq!(json.text_at("b"), "new");
        assert_eq!(json.at("a.7"), None);
    }
}
