//! `tcb-info.json`: what existing clients read.

use crate::{Entry, Error, Pcrs, Result, State, json};
use serde::{Deserialize, Serialize};

/// All releases that are not revoked, oldest first, in the form of existing clients and nothing beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Aggregate {
    version_list: Vec<Version>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Version {
    ver_name: String,
    pcrs: Pcrs,
    issue_time: u64,
}

impl Aggregate {
    /// The aggregate of a history. Existing clients know no status, so a revoked release is left out: they then refuse it.
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
    /// None in practice.
    pub fn to_json(&self) -> Result<String> {
        json::write(crate::AGGREGATE, self)
    }

    /// Compares with the file.
    ///
    /// # Errors
    /// [`Error`] when it says something else.
    pub fn check(&self, bytes: &[u8]) -> Result<()> {
        let written: Self = json::read(crate::AGGREGATE, bytes)?;
        if written == *self {
            return Ok(());
        }
        Err(Error::new(
            crate::AGGREGATE,
            "does not agree with the files beside it; write it anew with: cargo xtask measurements --write",
        ))
    }
}
