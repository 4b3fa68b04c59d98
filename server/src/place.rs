//! Where the server runs: what the image's files and, in emulation, the environment say.

use crate::config::{self, Config, Service};
use anyhow::{Context, Result};
use letsesign_attestation::Root;
use letsesign_mail::Scheme;
use letsesign_net::{Dialer, Vsock};
use letsesign_nsm::Nsm;
use std::path::PathBuf;

/// Where the image has its fonts.
#[cfg_attr(feature = "emulation", allow(dead_code))]
const FONTS: &str = "/letsesign/fonts";

/// How the server reaches a service.
pub(crate) type Dial = Box<dyn Fn(&Service) -> Dialer + Send>;

/// Configuration, job API, and what a test may put in their place.
pub(crate) struct Place<C> {
    pub(crate) config: Config,
    pub(crate) job_api: C,
    /// The way to each service.
    pub(crate) dial: Dial,
    /// Trust anchors of a test, as PEM.
    pub(crate) extra_anchors: Option<Vec<u8>>,
    /// The root of attestation documents.
    pub(crate) root: Root,
    /// The folder with the fonts.
    pub(crate) fonts: PathBuf,
    /// Where signing links may lead.
    pub(crate) links: Scheme,
}

/// The enclave.
#[cfg_attr(feature = "emulation", allow(dead_code))] // emulated instead
pub(crate) fn enclave() -> Result<(Place<Vsock>, Nsm)> {
    let config = config::load(config::FOLDER.as_ref())?;
    let cid = config.egress.cid;
    let job_api = Vsock {
        cid,
        port: config.egress.job_api,
    };
    let nsm = Nsm::open().context("an enclave without its NSM can prove nothing")?;
    let place = Place {
        config,
        job_api,
        dial: Box::new(move |service| {
            Dialer::new(Vsock {
                cid,
                port: service.vsock_port,
            })
        }),
        extra_anchors: test_anchors()?,
        root: Root::aws(),
        fonts: FONTS.into(),
        links: Scheme::Https,
    };
    Ok((place, nsm))
}

#[cfg(not(feature = "test-variant"))]
#[cfg_attr(feature = "emulation", allow(dead_code))]
#[expect(clippy::unnecessary_wraps, reason = "as in the test variant")]
fn test_anchors() -> Result<Option<Vec<u8>>> {
    Ok(None)
}

/// What the image of a test trusts besides: the emulated services' root.
#[cfg(feature = "test-variant")]
fn test_anchors() -> Result<Option<Vec<u8>>> {
    let path = std::path::Path::new(config::FOLDER).join("test-anchors.pem");
    let pem = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(Some(pem))
}
