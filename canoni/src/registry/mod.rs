//! Images of registries (OCI Distribution Specification v1.1): fetched into a temporary OCI layout,
//! and pushed.
//!
//! A registry is a stranger. Each manifest and blob is checked by size and sha256 before it is
//! used, credentials go to the host and port that they are for, and to the token server that this
//! host names over HTTPS, and nothing that was asked over HTTPS is answered over HTTP.

#[cfg(feature = "registry")]
mod agent;
mod auth_file;
mod challenge;
#[cfg(feature = "registry")]
mod client;
#[cfg(feature = "registry")]
mod credentials;
#[cfg(feature = "registry")]
mod descriptor;
#[cfg(feature = "registry")]
mod fetch;
#[cfg(feature = "registry")]
mod place;
#[cfg(feature = "registry")]
mod pull;
#[cfg(feature = "registry")]
mod push;
#[cfg(feature = "registry")]
mod retry;
#[cfg(feature = "registry")]
mod token;

pub use auth_file::{AuthFile, Credentials, Entry};
pub use challenge::Challenge;
#[cfg(feature = "registry")]
pub(crate) use pull::pull;
#[cfg(feature = "registry")]
pub use push::push;

use crate::progress::Progress;

/// How registries are asked.
#[derive(Debug, Clone, Default)]
pub struct RegistryOptions {
    /// `HOST` or `HOST:PORT` of registries that are asked over HTTP, as they are part of names.
    /// Loopback addresses always are.
    pub insecure: Vec<String>,
    /// Fetch an image for all of its platforms; otherwise for the one that is chosen.
    pub all_platforms: bool,
    /// Called while blobs go over the network and while a retry waits.
    pub progress: Progress,
}
