//! Strict reading and deterministic writing of JSON files.

use crate::{Error, Result};
use serde::{Serialize, de::DeserializeOwned};

pub(crate) fn read<T: DeserializeOwned>(file: &str, bytes: &[u8]) -> Result<T> {
    strict_json::check(bytes, strict_json::Limits::default())
        .map_err(|error| Error::new(file, error))?;
    serde_json::from_slice(bytes).map_err(|error| Error::new(file, error))
}

/// Writes JSON indented by two spaces, with a final line break.
pub(crate) fn write(file: &str, value: &impl Serialize) -> Result<String> {
    let mut text = serde_json::to_string_pretty(value).map_err(|error| Error::new(file, error))?;
    text.push('\n');
    Ok(text)
}
