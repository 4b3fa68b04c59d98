//! Why the supervisor does not start, or keeps the release that it has.

use crate::supervisor::LaunchError;
use crate::supervisor::records::RecordsError;
use std::io;
use std::path::PathBuf;
use thiserror::Error;

/// The supervisor did not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// Its file cannot be read or written.
    #[error(transparent)]
    Records(#[from] RecordsError),
    /// An enclave of before cannot be looked at.
    #[error("cannot tell which enclaves of before still run: {0}")]
    Launcher(#[from] LaunchError),
    /// The queue does not answer.
    #[error(transparent)]
    Queue(#[from] crate::queue::Error),
    /// The image of the configuration cannot be used.
    #[error(transparent)]
    Image(#[from] UpgradeError),
}

/// An image was not put into the place of another.
#[derive(Debug, Error)]
pub enum UpgradeError {
    /// The image cannot be used.
    #[error("{0}")]
    Image(String),
    /// It runs already.
    #[error("this image is the active release {0} already")]
    Active(i64),
    /// It was active before.
    #[error(
        "this image is release {older}, which was active before {active}: tasks that {active} has \
         worked would be lost; `rollback` goes back while there is none"
    )]
    Older {
        /// Its sequence.
        older: i64,
        /// The active one's.
        active: i64,
    },
    /// Tasks of the active release could not be finished.
    #[error(
        "the image does not list the active release {active} (PCR0 {pcr0}) in compatible.toml, so \
         tasks that began there could not be finished; build it with that entry, or give those \
         tasks up with --abandon-older-tasks"
    )]
    Incompatible {
        /// The active release.
        active: i64,
        /// Its PCR0.
        pcr0: String,
    },
    /// The new enclaves did not get so far.
    #[error("the new enclave was not attested, so the old one goes on: {0}")]
    NotAttested(String),
    /// There is no release to go back to.
    #[error("there is no release before the active one")]
    NoOlder,
    /// Tasks have been with the active release.
    #[error(
        "release {0} has tasks already, and tasks never move to an older release, so there is no \
         way back. Upgrade to a corrected image instead"
    )]
    Used(i64),
    /// The image could not be copied.
    #[error("cannot copy the image to {}: {error}", .path.display())]
    Copy {
        /// Where to.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The change could not be recorded.
    #[error(transparent)]
    Records(#[from] RecordsError),
    /// The queue does not answer.
    #[error(transparent)]
    Queue(#[from] crate::queue::Error),
}
