//! Where the server runs: what the image's files and, in emulation, the environment say.

use crate::config::{self, Egress, Limits};
use anyhow::{Context, Result};
use letsesign_job::Vsock;
use letsesign_nsm::Nsm;

/// Configuration, job API and NSM.
pub(crate) struct Place<C> {
    pub(crate) limits: Limits,
    pub(crate) egress: Egress,
    pub(crate) job_api: C,
    pub(crate) nsm: Nsm,
}

/// The enclave.
#[cfg_attr(feature = "emulation", allow(dead_code))] // emulated instead
pub(crate) fn enclave() -> Result<Place<Vsock>> {
    let (egress, limits) = config::load(config::FOLDER.as_ref())?;
    let job_api = Vsock {
        cid: egress.cid,
        port: egress.job_api,
    };
    let nsm = Nsm::open().context("an enclave without its NSM can prove nothing")?;
    Ok(Place {
        limits,
        egress,
        job_api,
        nsm,
    })
}
