//! One release within its history.

use crate::{Release, SignatureState, Status};

/// A release with its status and its signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The content of the released file.
    pub release: Release,
    /// The latest status.
    pub status: Status,
    /// The file that states the status.
    pub status_source: StatusSource,
    /// Result of checking the signature over the released file.
    pub signature: SignatureState,
}

/// The file that states a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusSource {
    /// No file states one, so the release is current.
    Default,
    /// The released file.
    Release,
    /// `status.json`.
    StatusList,
}
