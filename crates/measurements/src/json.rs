//! Strict reading and plain writing of JSON files.

use crate::{Error, Result};
use serde::{Serialize, de::DeserializeOwned};

pub(crate) fn read<T: DeserializeOwned>(file: &str, bytes: &[u8]) -> Result<T> {
    strict_json::check(bytes, strict_json::Limits::default())
        .map_err(|error| Error::new(file, error))?;
    serde_json::from_slice(bytes).map_err(|error| Error::new(file, error))
}

/// Indented by two, with a line break at the end.
pub(crate) fn write(file: &str, value: &impl Serialize) -> Result<String> {
    let mut text = serde_json::to_string_pretty(value).map_err(|error| Error::new(file, error))?;
    text.push('\n');
    Ok(text)
}
