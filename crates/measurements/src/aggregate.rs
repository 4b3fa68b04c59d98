//! `tcb-info.json`, the list of releases that existing clients read.

use crate::{Entry, Error, Measurements, Result, State, json};
use serde::{Deserialize, Serialize};

/// All releases that are not revoked, oldest first, in exactly the form of existing clients.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Aggregate {
    version_list: Vec<Version>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Version {
    ver_name: String,
    pcrs: Measurements,
    issue_time: u64,
}

impl Aggregate {
    /// The aggregate of a history. Existing clients have no notion of status, so a revoked release
    /// is left out, and they refuse it.
    pub(crate) fn of(entries: &[Entry]) -> Self {
        let usable = entries
            .iter()
            .filter(|entry| entry.status.state != State::Revoked);
        let version_list = usable
            .map(|entry| Version {
                ver_name: entry.release.ver_name.clone(),
                pcrs: entry.release.pcrs,
                issue_time: entry.release.issue_time,
            })
            .collect();
        Self { version_list }
    }

    /// The text of `tcb-info.json`.
    ///
    /// # Errors
    /// Serialization cannot fail in practice.
    pub fn to_json(&self) -> Result<String> {
        json::write(crate::AGGREGATE, self)
    }

    /// Compares with the content of the file.
    ///
    /// # Errors
    /// [`Error`] when the file differs.
    pub fn check(&self, bytes: &[u8]) -> Result<()> {
        let written: Self = json::read(crate::AGGREGATE, bytes)?;
        if written == *self {
            return Ok(());
        }
        Err(Error::new(
            crate::AGGREGATE,
            "does not agree with the files beside it; write it anew with: cargo xtask measure --files --write",
        ))
    }
}
