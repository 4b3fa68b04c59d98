//! Status of a release: whether it may be used, and since when not.

use crate::{Error, Result, json};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Whether a release may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// In use.
    Current,
    /// No longer in use: what it made before stays good, what claims a later date does not.
    EndOfLife,
    /// Must not be trusted, whatever date its results claim.
    Revoked,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Current => "current",
            Self::EndOfLife => "end-of-life",
            Self::Revoked => "revoked",
        })
    }
}

/// A state with its date and reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Status {
    /// Whether the release may be used.
    pub state: State,
    /// Start of the state, in seconds since 1970 (UTC). Required unless current.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub since: Option<u64>,
    /// The reason, at most 500 characters. Required unless current.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
}

impl Status {
    /// The status of a release in use.
    pub const CURRENT: Self = Self {
        state: State::Current,
        since: None,
        reason: None,
    };

    pub(crate) fn check(&self) -> std::result::Result<(), String> {
        let reason = self.reason.as_deref().unwrap_or_default();
        if self.state != State::Current && (self.since.is_none() || reason.is_empty()) {
            return Err(format!(
                "a status of {} needs a date (since) and a reason",
                self.state
            ));
        }
        if reason.chars().count() > 500 || reason.chars().any(char::is_control) {
            return Err(
                "a reason is at most 500 characters, none of them a control character".into(),
            );
        }
        Ok(())
    }

    /// The state that applies to something made at a time (seconds since 1970): an end of life
    /// applies from its date on, a revocation always.
    pub fn at(&self, time: u64) -> State {
        match self.state {
            State::EndOfLife if self.since.is_some_and(|since| time < since) => State::Current,
            state => state,
        }
    }
}

/// A change of a release's status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Flat", into = "Flat")]
pub struct StatusEntry {
    /// Name of the release.
    pub ver_name: String,
    /// Its new status.
    pub status: Status,
}

/// The written form of an entry. serde cannot refuse unknown members beside flattened ones, and a
/// misspelled member must not be ignored.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Flat {
    ver_name: String,
    state: State,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    since: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    reason: Option<String>,
}

impl From<Flat> for StatusEntry {
    fn from(flat: Flat) -> Self {
        Self {
            ver_name: flat.ver_name,
            status: Status {
                state: flat.state,
                since: flat.since,
                reason: flat.reason,
            },
        }
    }
}

impl From<StatusEntry> for Flat {
    fn from(entry: StatusEntry) -> Self {
        let Status {
            state,
            since,
            reason,
        } = entry.status;
        Self {
            ver_name: entry.ver_name,
            state,
            since,
            reason,
        }
    }
}

/// `status.json`: every change of a status, oldest first. The file only grows; released files never
/// change.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StatusList {
    /// The changes, oldest first.
    pub status_list: Vec<StatusEntry>,
}

impl StatusList {
    /// Reads `status.json`.
    ///
    /// # Errors
    /// [`Error`] when the text is not strict JSON or a status is invalid.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let list: Self = json::read(crate::STATUS, bytes)?;
        let mut checked = Self::default();
        for entry in list.status_list {
            checked.push(entry)?;
        }
        Ok(checked)
    }

    /// The text of `status.json`.
    ///
    /// # Errors
    /// Serialization cannot fail in practice: the entries were checked.
    pub fn to_json(&self) -> Result<String> {
        json::write(crate::STATUS, self)
    }

    /// Adds a change. A status only gets worse: a release never returns from its end of life, and
    /// nothing follows a revocation.
    ///
    /// # Errors
    /// [`Error`] when the status is incomplete or not worse than the one before.
    pub fn push(&mut self, entry: StatusEntry) -> Result<()> {
        let fail = |problem: String| {
            Err(Error::new(
                crate::STATUS,
                format!("release {}: {problem}", entry.ver_name),
            ))
        };
        if let Err(problem) = entry.status.check() {
            return fail(problem);
        }
        let before = self
            .latest(&entry.ver_name)
            .map_or(State::Current, |status| status.state);
        if entry.status.state <= before {
            return fail(format!("cannot go from {before} to {}", entry.status.state));
        }
        self.status_list.push(entry);
        Ok(())
    }

    /// The latest status of a release; `None` if it never changed.
    pub fn latest(&self, name: &str) -> Option<&Status> {
        let mut entries = self.status_list.iter().rev();
        entries
            .find(|entry| entry.ver_name == name)
            .map(|entry| &entry.status)
    }

    /// Checks that this list is `before` with changes added at the end.
    ///
    /// # Errors
    /// [`Error`] when an earlier entry was changed or removed.
    pub fn grew_from(&self, before: &Self) -> Result<()> {
        if self.status_list.starts_with(&before.status_list) {
            return Ok(());
        }
        Err(Error::new(
            crate::STATUS,
            "an earlier entry was changed or removed; entries are only added at the end",
        ))
    }
}
