//! Reading a configuration, and saying where it is wrong.

use super::{Config, check};
use serde::Deserialize;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// The prefix of variables that stand above the file.
const PREFIX: &str = "LETSESIGN_HOST_";
/// Variables that are not keys of the file: the file's name, the mark of processes that we start,
/// and a variable of the emulated server (docs/job-protocol.md, "Emulation").
const OTHERS: [&str; 3] = [
    "LETSESIGN_HOST_CONFIG",
    "LETSESIGN_HOST_START",
    "LETSESIGN_HOST_OVERRIDES",
];
/// The largest file, in bytes.
const MAX: u64 = 1 << 20;

/// One problem of a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The key, with its sections: `enclave.image`.
    pub key: String,
    /// The problem, and the way out.
    pub text: String,
}

/// A configuration cannot be used.
#[derive(Debug)]
pub struct ConfigError {
    path: PathBuf,
    lines: Vec<String>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "the configuration {} cannot be used",
            self.path.display()
        )?;
        for line in &self.lines {
            write!(formatter, "\n  {line}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

/// Reads a configuration. `variables` is the environment.
///
/// # Errors
/// [`ConfigError`] with every problem that was found, each with its line or variable.
pub fn load(
    path: &Path,
    variables: impl IntoIterator<Item = (String, String)>,
) -> Result<Config, ConfigError> {
    let failed = |line: String| ConfigError {
        path: path.to_owned(),
        lines: vec![line],
    };
    let size = fs::metadata(path)
        .map_err(|error| failed(error.to_string()))?
        .len();
    if size > MAX {
        return Err(failed(format!(
            "it has {size} bytes; at most {MAX} are read"
        )));
    }
    let text = fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
    let mut table: Table = toml::from_str(&text).map_err(|error| failed(at(&text, &error)))?;
    let mut over = Vec::new();
    for (name, value) in variables {
        let key = name
            .strip_prefix(PREFIX)
            .filter(|_| !OTHERS.contains(&name.as_str()));
        if let Some(key) = key {
            let key = key
                .to_ascii_lowercase()
                .replace("__", ".")
                .replace('_', "-");
            set(&mut table, &key, &value)
                .map_err(|problem| failed(format!("{name}: {problem}")))?;
            over.push((key, name));
        }
    }
    // The file alone first: its errors have lines. What is missing there may be in a variable.
    let read = if over.is_empty() {
        toml::from_str::<Config>(&text).map_err(|error| at(&text, &error))
    } else {
        Config::deserialize(table).map_err(|error| {
            let names: Vec<&str> = over.iter().map(|(_, name)| name.as_str()).collect();
            format!(
                "with {}: {}",
                names.join(", "),
                one_line(&error.to_string())
            )
        })
    };
    let config = read.map_err(failed)?;
    let problems = check::problems(&config);
    if problems.is_empty() {
        return Ok(config);
    }
    let lines = problems.into_iter().map(|Problem { key, text: problem }| {
        match over.iter().find(|(name, _)| *name == key) {
            Some((_, variable)) => format!("{variable} {problem}"),
            None => match line_of(&text, &key) {
                Some(line) => format!("line {line}: {key} {problem}"),
                None => format!("{key} {problem}"),
            },
        }
    });
    Err(ConfigError {
        path: path.to_owned(),
        lines: lines.collect(),
    })
}

/// The control socket of the host with this configuration, which may be wrong otherwise: a running
/// host must be reachable to be repaired.
///
/// # Errors
/// When neither file nor variables have `state`.
pub fn control_socket(
    path: &Path,
    variables: impl IntoIterator<Item = (String, String)>,
) -> Result<PathBuf, ConfigError> {
    let mut variables = variables.into_iter();
    let given = variables.find(|(name, _)| name == "LETSESIGN_HOST_STATE");
    let state = if let Some((_, state)) = given {
        state
    } else {
        let failed = |line: String| ConfigError {
            path: path.to_owned(),
            lines: vec![line],
        };
        let text = fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
        let table: Table = toml::from_str(&text).map_err(|error| failed(at(&text, &error)))?;
        let state = table.get("state").and_then(Value::as_str);
        state
            .ok_or_else(|| failed("state is missing".to_owned()))?
            .to_owned()
    };
    Ok(PathBuf::from(state).join("control.sock"))
}

/// Puts a value to its place.
fn set(table: &mut Table, key: &str, value: &str) -> Result<(), String> {
    let parsed: Option<Table> = toml::from_str(&format!("value = {value}")).ok();
    // No key has a date or a float: what looks like one is a text.
    let value = match parsed.and_then(|mut table| table.remove("value")) {
        Some(Value::Datetime(_) | Value::Float(_)) | None => Value::String(value.to_owned()),
        Some(value) => value,
    };
    let mut sections: Vec<&str> = key.split('.').collect();
    let last = sections.pop().unwrap_or_default();
    let mut at = table;
    for section in sections {
        let entry = at
            .entry(section)
            .or_insert_with(|| Value::Table(Table::new()));
        at = entry
            .as_table_mut()
            .ok_or_else(|| format!("{section} is not a section in the file"))?;
    }
    at.insert(last.to_owned(), value);
    Ok(())
}

/// A syntax or type error, with its line.
fn at(text: &str, error: &toml::de::Error) -> String {
    let message = one_line(error.message());
    match error.span() {
        Some(span) => {
            let before = text.get(..span.start).unwrap_or(text);
            format!("line {}: {message}", before.matches('\n').count() + 1)
        }
        None => message,
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The line of a key, or of its section: as people write TOML, one key a line.
fn line_of(text: &str, key: &str) -> Option<usize> {
    let (section, name) = key.rsplit_once('.').unwrap_or(("", key));
    let mut current = String::new();
    let mut header = None;
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if let Some(rest) = line.strip_prefix('[') {
            current = rest.trim_end_matches(']').trim().replace('"', "");
            if current == section || current == key {
                header = Some(number + 1);
            }
            continue;
        }
        let Some((left, _)) = line.split_once('=') else {
            continue;
        };
        let left = left.trim().replace('"', "");
        let whole = if current.is_empty() {
            left.clone()
        } else {
            format!("{current}.{left}")
        };
        if whole == key || (current == section && left == name) {
            return Some(number + 1);
        }
    }
    header
}
