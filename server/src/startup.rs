//! Startup: prepares everything that jobs need before the server asks for the first one.

use crate::clock::Clock;
use crate::config::Limits;
use crate::data_keys::DataKeys;
use crate::environment::Environment;
use crate::job_context::JobContext;
use crate::kms::Kms;
use crate::mailer::Mailer;
use crate::memory::{self, Budget};
use crate::nsm::SharedNsm;
use crate::proof_verifier::ProofVerifier;
use crate::refusals::Refusals;
use crate::service_clients::service_clients;
use crate::sessions::Sessions;
use crate::sms::Sms;
use crate::tools::Tools;
use crate::turns::Turns;
use anyhow::{Context, Result};
use letsesign_kms::Renewal;
use letsesign_nsm::Nsm;
use letsesign_nsm::document::Unverified;
use letsesign_pcr::{Measurements, Pcr};
use letsesign_protocol2::LaunchSecret;
use letsesign_stamp::Fonts;
use memmap2::Mmap;
use std::path::Path;
use std::sync::Arc;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// Files of the handwriting, monospace and CJK faces (enclave/packages/packages.json).
const FACES: [&str; 3] = ["DancingScript-Regular.otf", "Inconsolata.otf", "ukai.ttc"];

fn fonts(folder: &Path) -> Result<Fonts> {
    let read = |name: &str| {
        let path = folder.join(name);
        map(&path).with_context(|| format!("cannot read {}", path.display()))
    };
    let [script, mono, cjk] = FACES;
    Fonts::new(read(script)?, read(mono)?, read(cjk)?)
        .with_context(|| format!("the fonts of {} are unusable", folder.display()))
}

/// Maps a file instead of reading it: the CJK face has 17 MB, most of which is never used.
#[allow(unsafe_code)]
fn map(path: &Path) -> std::io::Result<Mmap> {
    let file = std::fs::File::open(path)?;
    // SAFETY: the file does not change while it is mapped. It is in the measured root file system,
    // which belongs to root; after init has unpacked it, nothing writes to it.
    unsafe { Mmap::map(&file) }
}

/// Reads from the NSM at the start: the time, and which image this is.
fn start_nsm(nsm: &Nsm) -> Result<(Clock, Option<Measurements>)> {
    let document = nsm.attest(None, None, None)?;
    let fields = Unverified::parse(&document).context("the NSM's document is unusable")?;
    let pcr = |index: u8| {
        let value = fields.pcrs.get(&index).copied().unwrap_or_default();
        Pcr::try_from(value)
            .ok()
            .with_context(|| format!("the NSM's document has no PCR{index} of 48 bytes"))
    };
    let own = match Measurements::new(pcr(0)?, pcr(1)?, pcr(2)?) {
        Ok(own) => Some(own),
        Err(error) => {
            tracing::warn!("{error}: no proof will be accepted");
            None
        }
    };
    Ok((Clock::new(fields.timestamp), own))
}

pub(crate) async fn tools<C>(environment: &Environment<C>, nsm: Nsm) -> Result<Tools> {
    let config = &environment.config;
    let limits = &config.limits;
    let folder = environment.fonts.clone();
    // Query the NSM and read the trust anchors meanwhile.
    let fonts = spawn_blocking(move || fonts(&folder));
    let nsm = Arc::new(nsm);
    let asked = Arc::clone(&nsm);
    let (clock, own) = timeout(limits.nsm(), spawn_blocking(move || start_nsm(&asked)))
        .await
        .with_context(|| format!("the NSM did not answer within {:?}", limits.nsm()))???;
    let shared = SharedNsm::new(nsm, limits.nsm(), clock.clone());
    let services = service_clients(
        config,
        &environment.dial,
        environment.extra_anchors.as_deref(),
        &clock,
    )?;
    let mut images = Vec::new();
    for release in &config.compatible.release {
        images.push(release.measurements()?);
    }
    let images = own.map(|own| {
        images.push(own);
        images
    });
    let tools = Tools {
        kms: Arc::new(Kms::new(
            services.kms,
            shared.clone(),
            Renewal {
                age: limits.kms_key(),
                uses: limits.kms_key_uses,
            },
            limits.kms_document(),
        )),
        mailer: Arc::new(Mailer::new(
            services.ses,
            services.sendgrid,
            clock,
            limits.mail_step(),
            limits.mail(),
        )),
        sms: Arc::new(Sms::new(services.twilio, limits.sms_pause())),
        nsm: shared,
        fonts: fonts.await??,
        proof_verifier: Arc::new(ProofVerifier::new(environment.root.clone(), images)?),
        data_keys: Arc::new(
            DataKeys::new(limits.data_keys()).context("the system gave no random bytes")?,
        ),
        reminders: Arc::new(Turns::new(limits.reminder_pause())),
        launch: LaunchSecret::generate()?,
        refusals: Arc::new(
            Refusals::new(limits.refusals_per_key).context("the system gave no random bytes")?,
        ),
        refusal_delay: limits.refusal(),
        por_validity: limits.por_validity(),
        links: environment.links,
        job: Arc::new(JobContext::none()),
    };
    Ok(tools)
}

/// The table of sessions, under a key that only this process knows.
pub(crate) fn sessions(limits: &Limits) -> Result<Arc<Sessions>> {
    let mut key = [0; 32];
    getrandom::fill(&mut key).map_err(|_| anyhow::anyhow!("the system gave no random bytes"))?;
    Ok(Arc::new(Sessions::new(key, limits.sessions())))
}

/// The memory that jobs may take.
pub(crate) fn budget(limits: &Limits) -> Budget {
    let job = limits.job_memory();
    let bytes = memory::available(limits.memory_reserve()).unwrap_or_else(|| {
        tracing::warn!("the kernel does not say how much memory there is: one large job at a time");
        0
    });
    Budget::new(bytes, job)
}
