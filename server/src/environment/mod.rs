//! The environment that the server runs in: the enclave, or an emulation of it for tests.
//!
//! The environment decides where the configuration, the fonts, the job API, the services and the
//! NSM are. A build has exactly one of the two modules, so that nothing of the emulation can be in
//! the measured program.

#[cfg(feature = "emulation")]
mod emulation;
#[cfg(not(feature = "emulation"))]
mod enclave;

#[cfg(feature = "emulation")]
pub(crate) use emulation::read;
#[cfg(not(feature = "emulation"))]
pub(crate) use enclave::read;

use crate::config::{Config, Service};
use letsesign_attestation::Root;
use letsesign_mail::Scheme;
use letsesign_net::Dialer;
use std::path::PathBuf;

/// Makes the dialer of a service.
pub(crate) type Dial = Box<dyn Fn(&Service) -> Dialer + Send>;

/// The configuration, the job API, and the values that a test may replace.
pub(crate) struct Environment<C> {
    pub(crate) config: Config,
    pub(crate) job_api: C,
    pub(crate) dial: Dial,
    /// Trust anchors of a test, as PEM.
    pub(crate) extra_anchors: Option<Vec<u8>>,
    /// The root of attestation documents.
    pub(crate) root: Root,
    /// The folder with the fonts.
    pub(crate) fonts: PathBuf,
    /// The URL schemes that signing links may have.
    pub(crate) links: Scheme,
}
