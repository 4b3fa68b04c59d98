//! Kernel configurations: `.config` files and fragments of them.

use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

/// The value of an option.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    /// `y`
    BuiltIn,
    /// `m`
    Module,
    /// `n`, or `# CONFIG_... is not set`
    Off,
    /// A number or a quoted string, as written.
    Text(String),
}

impl fmt::Display for Value {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::BuiltIn => "y",
            Self::Module => "m",
            Self::Off => "n",
            Self::Text(text) => text,
        })
    }
}

/// Options by name, without the prefix `CONFIG_`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Configuration(BTreeMap<String, Value>);

impl Configuration {
    /// Reads a file.
    pub(super) fn load(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(&text).with_context(|| path.display().to_string())
    }

    /// Reads the form that Kconfig writes. A line of another form, or an option named twice, is an
    /// error: the checks would otherwise overlook it.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let mut options = BTreeMap::new();
        for (index, line) in text.lines().enumerate() {
            let number = index + 1;
            let (name, value) = if let Some(rest) = line.strip_prefix("CONFIG_") {
                let (name, value) = rest
                    .split_once('=')
                    .with_context(|| format!("line {number}: no value"))?;
                let value = match value {
                    "y" => Value::BuiltIn,
                    "m" => Value::Module,
                    "n" => Value::Off,
                    text => Value::Text(text.to_owned()),
                };
                (name, value)
            } else if let Some(rest) = line.strip_prefix("# CONFIG_") {
                let name = rest.strip_suffix(" is not set").with_context(|| {
                    format!("line {number}: neither a comment nor an option that is off")
                })?;
                (name, Value::Off)
            } else if line.starts_with('#') || line.trim().is_empty() {
                continue;
            } else {
                bail!("line {number}: {line:?} is not an option");
            };
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
            if name.is_empty() || !name.bytes().all(plain) {
                bail!("line {number}: {name:?} is not an option's name");
            }
            if options.insert(name.to_owned(), value).is_some() {
                bail!("line {number}: {name} is named twice");
            }
        }
        Ok(Self(options))
    }

    /// The value of an option; one that is not mentioned is off, as Kconfig leaves out what cannot
    /// be chosen.
    pub(super) fn get(&self, name: &str) -> &Value {
        self.0.get(name).unwrap_or(&Value::Off)
    }

    /// All options in the order of their names.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// The differences to `other`, one line per option, readable without the two files.
    pub(super) fn differences(&self, other: &Self) -> Vec<String> {
        let mut names: Vec<&String> = self.0.keys().chain(other.0.keys()).collect();
        names.sort_unstable();
        names.dedup();
        names
            .into_iter()
            .filter(|name| self.get(name) != other.get(name))
            .map(|name| format!("{name}: {} became {}", self.get(name), other.get(name)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_forms_of_a_line() {
        let options = Configuration::parse("# Linux\nCONFIG_A=y\nCONFIG_B=m\n# CONFIG_C is not set\n\nCONFIG_D=\"x=y\"\nCONFIG_E=0x10\n").unwrap();
        assert_eq!(options.get("A"), &Value::BuiltIn);
        assert_eq!(options.get("B"), &Value::Module);
        assert_eq!(options.get("C"), &Value::Off);
        assert_eq!(options.get("D"), &Value::Text("\"x=y\"".into()));
        assert_eq!(options.get("E"), &Value::Text("0x10".into()));
        assert_eq!(options.get("F"), &Value::Off);
    }

    #[test]
    fn what_would_not_be_seen_is_refused() {
        for (text, expected) in [
            (" CONFIG_A=y\n", "line 1"),
            ("CONFIG_A\n", "no value"),
            ("CONFIG_A=y\nCONFIG_A=y\n", "line 2: A is named twice"),
            ("# CONFIG_A is not sett\n", "line 1"),
            ("CONFIG_=y\n", "is not an option's name"),
            ("CONFIG_A B=y\n", "is not an option's name"),
        ] {
            let error = format!("{:#}", Configuration::parse(text).unwrap_err());
            assert!(error.contains(expected), "{text:?}: {error}");
        }
    }

    #[test]
    fn differences_name_option_and_values() {
        let old = Configuration::parse("CONFIG_A=y\nCONFIG_B=\"1\"\nCONFIG_C=y\n").unwrap();
        let new = Configuration::parse("CONFIG_A=y\nCONFIG_B=\"2\"\nCONFIG_D=y\n").unwrap();
        assert_eq!(
            old.differences(&new),
            ["B: \"1\" became \"2\"", "C: y became n", "D: n became y"]
        );
    }
}
