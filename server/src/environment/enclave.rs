//! The enclave: everything follows from the image's own files.

use super::Environment;
use crate::config;
use anyhow::{Context, Result};
use letsesign_attestation::Root;
use letsesign_mail::Scheme;
use letsesign_net::{Dialer, Vsock};
use letsesign_nsm::Nsm;

/// The folder of the image's fonts.
const FONTS: &str = "/letsesign/fonts";

/// Reads the image's configuration and opens the NSM.
pub(crate) fn read() -> Result<(Environment<Vsock>, Nsm)> {
    let config = config::load(config::FOLDER.as_ref())?;
    let cid = config.egress.cid;
    let job_api = Vsock {
        cid,
        port: config.egress.job_api,
    };
    let nsm = Nsm::open().context("an enclave without its NSM can prove nothing")?;
    let environment = Environment {
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
    Ok((environment, nsm))
}

#[cfg(not(feature = "test-variant"))]
#[expect(clippy::unnecessary_wraps, reason = "as in the test variant")]
fn test_anchors() -> Result<Option<Vec<u8>>> {
    Ok(None)
}

/// The additional trust anchors of a test's image: the root of the emulated services.
#[cfg(feature = "test-variant")]
fn test_anchors() -> Result<Option<Vec<u8>>> {
    let path = std::path::Path::new(config::FOLDER).join("test-anchors.pem");
    let pem = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(Some(pem))
}
