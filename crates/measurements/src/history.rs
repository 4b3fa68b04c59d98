//! A whole history out of named files.

use crate::{
    AGGREGATE, Aggregate, Error, KEYS, Keys, LEDGER, Ledger, NEXT, Pcrs, Release, Result,
    SIGNATURE_SUFFIX, STATUS, SignatureState, Status, StatusList,
};
use std::collections::BTreeMap;

/// Files of `measurements/` by name, those of its folder `keys` as `keys/NAME.pub`. Files of other kinds may be among them.
pub type Files = BTreeMap<String, Vec<u8>>;

/// One release with what is known about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What was released.
    pub release: Release,
    /// Its last known status.
    pub status: Status,
    /// Where the status is from.
    pub status_source: StatusSource,
    /// The signature over the released file.
    pub signature: SignatureState,
}

/// Where a status is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusSource {
    /// No file says anything: current.
    Default,
    /// The released file itself.
    Release,
    /// `status.json`.
    StatusList,
}

/// What is known about `status.json` as a whole. It is what revokes, so its absence must not pass
/// for "nothing is revoked".
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Revocations {
    /// There is no `status.json`.
    Missing,
    /// Nobody signed it.
    Unsigned,
    /// It is signed, and its trusted comment has no time.
    Undated,
    /// It was signed before the newest release was made, so there is or should be a newer one.
    Older {
        /// When it was signed, in seconds since 1970 (UTC).
        time: u64,
        /// When the newest release was made, likewise.
        released: u64,
    },
    /// It is signed.
    Signed {
        /// When, in seconds since 1970 (UTC).
        time: u64,
    },
    /// Its signature is wrong.
    Invalid {
        /// Why.
        reason: String,
    },
}

/// A consistent history: every file well formed, every released file as it was released, the status list about releases that exist.
#[derive(Debug, Clone)]
pub struct History {
    /// Releases, oldest first.
    pub releases: Vec<Entry>,
    /// The measurement of the working tree, when it is there. No release.
    pub next: Option<Release>,
    /// Changes of status.
    pub statuses: StatusList,
    /// The signature over `status.json`.
    pub status_signature: SignatureState,
    /// Whether there is a `status.json`. Without one, nobody said that nothing is revoked.
    pub status_present: bool,
    /// The ledger.
    pub ledger: Ledger,
    /// The keys that signatures were checked with.
    pub keys: Keys,
}

impl History {
    /// Reads a history. Signatures are checked with the keys of the folder `keys`.
    ///
    /// A bad signature is no error here but a state: whoever asks decides what it means.
    ///
    /// # Errors
    /// [`Error`] for a malformed file, a released file that changed, one that is missing or was never entered, and a status of a
    /// release that does not exist.
    pub fn from_files(files: &Files) -> Result<Self> {
        Self::with_keys(files, keys(files)?)
    }

    /// Reads a history whose signatures must be by the given keys, whatever is in the folder `keys`.
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
        for changed in &statuses.status_list {
            if !releases
                .iter()
                .any(|entry| entry.release.ver_name == changed.ver_name)
            {
                return Err(Error::new(
                    STATUS,
                    format!("there is no release {:?}", changed.ver_name),
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

    /// The release with these measurements. All three registers count. Of several releases the one
    /// whose status is worst, and of those the newest: an image does not become better by being
    /// released again.
    pub fn find(&self, pcrs: &Pcrs) -> Option<&Entry> {
        self.releases
            .iter()
            .filter(|entry| entry.release.pcrs == *pcrs)
            .max_by_key(|entry| entry.status.state)
    }

    /// What the list of revocations is worth.
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
        match newest.max() {
            Some(released) if released > time => Revocations::Older { time, released },
            _ => Revocations::Signed { time },
        }
    }

    /// Takes over every status of `other` that is worse than this history's for the same
    /// measurements: a list that was put back to an older one does not undo what is known already.
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

    /// A signature that is there and wrong, and that what is said about a release rests on: that of its file, or of `status.json`. The file and
    /// the reason.
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

    /// The release of this name.
    pub fn named(&self, name: &str) -> Option<&Entry> {
        self.releases
            .iter()
            .find(|entry| entry.release.ver_name == name)
    }

    /// What `tcb-info.json` should say.
    pub fn aggregate(&self) -> Aggregate {
        Aggregate::of(&self.releases)
    }
}

/// The time in a trusted comment of minisign's form, `timestamp:SECONDS` and a tab.
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

/// The release that a file is about: `NAME.json`, but not the aggregate, the status list, nor names with a further dot.
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
            let text = std::str::from_utf8(bytes).map_err(|_| Error::new(file, "is no text"))?;
            keys.add(name, text)?;
        }
    }
    Ok(keys)
}
