//! The history of releases, read from named files.

use crate::{
    AGGREGATE, Aggregate, Entry, Error, KEYS, Keys, LEDGER, Ledger, Measurements, NEXT, Release,
    Result, SIGNATURE_SUFFIX, STATUS, SignatureState, Status, StatusList, StatusSource,
};
use std::collections::BTreeMap;

/// Files of `measurements/` by name; those of its folder `keys` as `keys/NAME.pub`. Other files are
/// ignored.
pub type Files = BTreeMap<String, Vec<u8>>;

/// The state of `status.json` as a whole. This file revokes releases, so its absence must not pass
/// for "nothing is revoked".
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Revocations {
    /// `status.json` does not exist.
    Missing,
    /// `status.json` has no signature.
    Unsigned,
    /// The signature is valid, but its trusted comment has no time.
    Undated,
    /// It was signed before the newest release was made, so a newer list exists or should.
    Older {
        /// Time of the signature, in seconds since 1970 (UTC).
        time: u64,
        /// Time of the newest release, in seconds since 1970 (UTC).
        released: u64,
    },
    /// The signature is valid and dated.
    Signed {
        /// Time of the signature, in seconds since 1970 (UTC).
        time: u64,
    },
    /// The signature is wrong.
    Invalid {
        /// The reason, for people.
        reason: String,
    },
}

/// A consistent history: every file is well formed, every released file is unchanged, and the
/// status list names existing releases only.
#[derive(Debug, Clone)]
pub struct History {
    /// Releases, oldest first.
    pub releases: Vec<Entry>,
    /// The measurement of the working tree (`next.json`), if it exists. It is not a release.
    pub next: Option<Release>,
    /// All changes of status.
    pub statuses: StatusList,
    /// Result of checking the signature over `status.json`.
    pub status_signature: SignatureState,
    /// Whether `status.json` exists. Without it, nobody stated that nothing is revoked.
    pub status_present: bool,
    /// SHA-256 of every released file.
    pub ledger: Ledger,
    /// The keys that signatures were checked with.
    pub keys: Keys,
}

impl History {
    /// Reads a history. Signatures are checked with the keys of the folder `keys`.
    ///
    /// A bad signature is a state here, not an error: the caller decides how to treat it.
    ///
    /// # Errors
    /// [`Error`] for a malformed file, a released file that changed, is missing or was never
    /// entered in the ledger, and for the status of an unknown release.
    pub fn from_files(files: &Files) -> Result<Self> {
        Self::with_keys(files, keys(files)?)
    }

    /// Reads a history whose signatures must be by the given keys; ignores the folder `keys`.
    ///
    /// # Errors
    /// As [`Self::from_files`].
    pub fn with_keys(files: &Files, keys: Keys) -> Result<Self> {
        let ledger = match files.get(LEDGER) {
            Some(bytes) => Ledger::parse(bytes)?,
            None => return Err(Error::new(LEDGER, "is missing")),
        };
        let statuses = match files.get(STATUS) {
            Some(bytes) => StatusList::parse(bytes)?,
            None => StatusList::default(),
        };
        let mut releases = Vec::new();
        let mut next = None;
        for (file, bytes) in files {
            let Some(name) = release_name(file) else {
                continue;
            };
            let release = Release::parse(name, bytes)?;
            if name == NEXT {
                next = Some(release);
                continue;
            }
            // Files must match the ledger, and below the ledger must match the files: neither a
            // changed nor an added nor a removed release goes unnoticed.
            ledger.check(name, bytes)?;
            releases.push(entry(release, bytes, files, &statuses, &keys));
        }
        if let Some(name) = ledger
            .names()
            .find(|name| !files.contains_key(&format!("{name}.json")))
        {
            return Err(Error::new(
                &format!("{name}.json"),
                "is in LEDGER, but missing; released files are never removed",
            ));
        }
        // A status of an unknown release is a misspelled name: its revocation would have no effect.
        for changed in &statuses.status_list {
            if !releases
                .iter()
                .any(|entry| entry.release.ver_name == changed.ver_name)
            {
                return Err(Error::new(
                    STATUS,
                    format!("release {:?} does not exist", changed.ver_name),
                ));
            }
        }
        releases.sort_by(|a, b| {
            (a.release.issue_time, &a.release.ver_name)
                .cmp(&(b.release.issue_time, &b.release.ver_name))
        });
        let status_signature = match files.get(STATUS) {
            Some(bytes) => keys.check(STATUS, bytes, signature_of(files, STATUS)),
            None => SignatureState::Unsigned,
        };
        Ok(Self {
            releases,
            next,
            statuses,
            status_signature,
            status_present: files.contains_key(STATUS),
            ledger,
            keys,
        })
    }

    /// The release with these measurements; all three registers must match. If several releases
    /// match, the one with the worst status, then the newest: an image does not become better by
    /// being released again.
    pub fn find(&self, pcrs: &Measurements) -> Option<&Entry> {
        self.releases
            .iter()
            .filter(|entry| entry.release.pcrs == *pcrs)
            .max_by_key(|entry| entry.status.state)
    }

    /// Whether `status.json` can be relied on.
    pub fn revocations(&self) -> Revocations {
        let comment = match &self.status_signature {
            _ if !self.status_present => return Revocations::Missing,
            SignatureState::Unsigned => return Revocations::Unsigned,
            SignatureState::Invalid { reason } => {
                return Revocations::Invalid {
                    reason: reason.clone(),
                };
            }
            SignatureState::Signed {
                trusted_comment, ..
            } => trusted_comment,
        };
        let Some(time) = signing_time(comment) else {
            return Revocations::Undated;
        };
        let newest = self.releases.iter().map(|entry| entry.release.issue_time);
        // Rolling back to a list from before the newest release would hide later revocations.
        match newest.max() {
            Some(released) if released > time => Revocations::Older { time, released },
            _ => Revocations::Signed { time },
        }
    }

    /// Takes over every status of `other` that is worse than this history's for the same
    /// measurements, so that rolling back to an older list does not undo a known revocation.
    pub fn keep_worse(&mut self, other: &Self) {
        for entry in &mut self.releases {
            if let Some(known) = other.find(&entry.release.pcrs)
                && known.status.state > entry.status.state
            {
                entry.status = known.status.clone();
                entry.status_source = known.status_source;
            }
        }
    }

    /// The first invalid signature that statements about a release depend on: that of its file or
    /// of `status.json`. Returns the file and the reason.
    pub fn invalid_signature<'a>(&'a self, entry: &'a Entry) -> Option<(String, &'a str)> {
        let file = format!("{}.json", entry.release.ver_name);
        [
            (file, &entry.signature),
            (STATUS.to_owned(), &self.status_signature),
        ]
        .into_iter()
        .find_map(|(file, state)| match state {
            SignatureState::Invalid { reason } => Some((file, reason.as_str())),
            _ => None,
        })
    }

    /// The release with this name.
    pub fn named(&self, name: &str) -> Option<&Entry> {
        self.releases
            .iter()
            .find(|entry| entry.release.ver_name == name)
    }

    /// The content that `tcb-info.json` should have.
    pub fn aggregate(&self) -> Aggregate {
        Aggregate::of(&self.releases)
    }
}

/// The time in a trusted comment of minisign's form: `timestamp:SECONDS` and a tab.
fn signing_time(comment: &str) -> Option<u64> {
    let mut parts = comment.split('\t');
    parts.find_map(|part| part.strip_prefix("timestamp:")?.parse().ok())
}

fn entry(
    release: Release,
    bytes: &[u8],
    files: &Files,
    statuses: &StatusList,
    keys: &Keys,
) -> Entry {
    let file = format!("{}.json", release.ver_name);
    let (status, status_source) = match (statuses.latest(&release.ver_name), &release.status) {
        (Some(status), _) => (status.clone(), StatusSource::StatusList),
        (None, Some(status)) => (status.clone(), StatusSource::Release),
        (None, None) => (Status::CURRENT, StatusSource::Default),
    };
    Entry {
        signature: keys.check(&file, bytes, signature_of(files, &file)),
        release,
        status,
        status_source,
    }
}

fn signature_of<'a>(files: &'a Files, file: &str) -> Option<&'a [u8]> {
    files
        .get(&format!("{file}{SIGNATURE_SUFFIX}"))
        .map(Vec::as_slice)
}

/// The name of the release that a file holds: `NAME.json` without a further dot, but not the
/// aggregate or the status list.
fn release_name(file: &str) -> Option<&str> {
    let name = file.strip_suffix(".json")?;
    (file != AGGREGATE && file != STATUS && !name.contains(['.', '/'])).then_some(name)
}

fn keys(files: &Files) -> Result<Keys> {
    let mut keys = Keys::default();
    for (file, bytes) in files {
        let name = file
            .strip_prefix(KEYS)
            .and_then(|file| file.strip_prefix('/'))
            .and_then(|file| file.strip_suffix(".pub"));
        if let Some(name) = name {
            let text =
                std::str::from_utf8(bytes).map_err(|_| Error::new(file, "is not UTF-8 text"))?;
            keys.add(name, text)?;
        }
    }
    Ok(keys)
}
