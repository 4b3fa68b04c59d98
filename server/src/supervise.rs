//! Start, workers, end.

use crate::attested::Judge;
use crate::clock::Clock;
use crate::config::Limits;
use crate::jobs::{Context as JobContext, Tools};
use crate::kms::Kms;
use crate::mailer::Mailer;
use crate::memory::{self, Budget};
use crate::nsm::{Question, SharedNsm};
use crate::place::Place;
use crate::refusals::Refusals;
use crate::services::services;
use crate::sessions::Sessions;
use crate::sms::Sms;
use crate::worker::{Shared, Worker};
use anyhow::{Context, Result};
use letsesign_attestation::Measurements;
use letsesign_job::{Client, Connect};
use letsesign_kms::Renewal;
use letsesign_nsm::Nsm;
use letsesign_nsm::document::Unverified;
use letsesign_stamp::Fonts;
use memmap2::Mmap;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Notify, Semaphore, watch};
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::{sleep, timeout};

/// Files of the handwriting, monospace and CJK faces (enclave/packages/packages.json).
const FACES: [&str; 3] = ["DancingScript-Regular.otf", "Inconsolata.otf", "ukai.ttc"];

/// Runs the server until SIGTERM. Exit code 0 when every job that was taken was finished, 1 when the grace period ended
/// first.
pub(crate) fn run() -> Result<ExitCode> {
    #[cfg(not(feature = "emulation"))]
    let (place, nsm) = crate::place::enclave()?;
    #[cfg(feature = "emulation")]
    let (place, nsm) = crate::emulation::place()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(16)
        .build()
        .context("cannot start threads")?;
    let code = runtime.block_on(serve(place, nsm));
    // A blocking call into the NSM that never returns must not keep the process.
    runtime.shutdown_background();
    code
}

fn fonts(folder: &Path) -> Result<Fonts> {
    let read = |name: &str| {
        let path = folder.join(name);
        map(&path).with_context(|| format!("cannot read {}", path.display()))
    };
    let [script, mono, cjk] = FACES;
    Fonts::new(read(script)?, read(mono)?, read(cjk)?)
        .with_context(|| format!("the fonts of {} are unusable", folder.display()))
}

/// A file's bytes without a copy of them: the CJK face has 17 MB, of which most are never looked at.
#[allow(unsafe_code)]
fn map(path: &Path) -> std::io::Result<Mmap> {
    let file = std::fs::File::open(path)?;
    // SAFETY: nobody changes the file while it is mapped. It is in the measured root file system, which belongs to root and is written by
    // nobody after init has unpacked it.
    unsafe { Mmap::map(&file) }
}

/// What the NSM says at the start: the time, and which image this is.
fn start_nsm(nsm: &Nsm) -> Result<(Clock, Option<Measurements>)> {
    let document = nsm.attest(None, None, None)?;
    let fields = Unverified::parse(&document).context("the NSM's document is unusable")?;
    let pcr = |index: u8| -> Result<[u8; 48]> {
        let value = fields.pcrs.get(&index).copied().unwrap_or_default();
        <[u8; 48]>::try_from(value)
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

async fn tools<C>(place: &Place<C>, nsm: Nsm) -> Result<Tools> {
    let config = &place.config;
    let limits = &config.limits;
    let folder = place.fonts.clone();
    // Meanwhile the NSM is asked, and trust anchors are read.
    let fonts = spawn_blocking(move || fonts(&folder));
    let nsm = Arc::new(nsm);
    let asked = Arc::clone(&nsm);
    let (clock, own) = timeout(limits.nsm(), spawn_blocking(move || start_nsm(&asked)))
        .await
        .with_context(|| format!("the NSM did not answer within {:?}", limits.nsm()))???;
    let shared = SharedNsm::new(nsm, limits.nsm(), clock.clone());
    let services = services(config, &place.dial, place.extra_anchors.as_deref(), &clock)?;
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
        judge: Arc::new(Judge::new(place.root.clone(), images)?),
        refusals: Arc::new(Refusals::new(limits.refusals_per_key).context("no random numbers")?),
        refusal_delay: limits.refusal(),
        por_validity: limits.por_validity(),
        links: place.links,
        job: Arc::new(JobContext::none()),
    };
    Ok(tools)
}

/// Sets the clock by the NSM's time again and again, also when there are no jobs.
async fn keep_time(nsm: SharedNsm, every: Duration) {
    loop {
        sleep(every).await;
        if let Err(error) = nsm.attest(Question::default()).await {
            tracing::warn!("the clock was not set: {error}");
        }
    }
}

/// Closes connections that nobody uses, and forgets results that are too old.
async fn tidy(tools: Tools, sessions: Arc<Sessions>, every: Duration) {
    loop {
        sleep(every).await;
        sessions.tidy();
        tools.mailer.close_idle();
        tools.sms.close_idle();
    }
}

/// What this start of the server remembers of its jobs.
fn sessions(limits: &Limits) -> Result<Arc<Sessions>> {
    let mut key = [0; 32];
    getrandom::fill(&mut key).map_err(|_| anyhow::anyhow!("there are no random numbers"))?;
    Ok(Arc::new(Sessions::new(key, limits.sessions())))
}

/// The memory that jobs may take.
fn budget(limits: &Limits) -> Budget {
    let job = limits.job_memory();
    let bytes = memory::available(limits.memory_reserve()).unwrap_or_else(|| {
        tracing::warn!("the kernel does not say how much memory there is: one large job at a time");
        0
    });
    Budget::new(bytes, job)
}

async fn serve<C: Connect>(place: Place<C>, nsm: Nsm) -> Result<ExitCode> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot catch SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot catch SIGINT")?;
    let tools = tools(&place, nsm).await?;
    let limits: Limits = place.config.limits;
    let kms = Arc::clone(&tools.kms);
    let sessions = sessions(&limits)?;
    tokio::spawn(async move { kms.keep_keys().await });
    tokio::spawn(keep_time(tools.nsm.clone(), limits.clock()));
    tokio::spawn(tidy(tools.clone(), Arc::clone(&sessions), limits.keep()));
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    let count = limits.workers(cpus);
    let (stop, stopping) = watch::channel(false);
    let shared = Arc::new(Shared {
        tools,
        sessions,
        budget: budget(&limits),
        // Jobs that come again must not keep all workers.
        waiting: Semaphore::new(count / 2),
        full: Notify::new(),
        limits,
    });
    let mut workers = JoinSet::new();
    for _ in 0..count {
        let client = Client::new(place.job_api.clone(), shared.limits.timing());
        workers.spawn(Worker::new(client, Arc::clone(&shared), stopping.clone()).run());
    }
    tracing::info!(
        workers = count,
        services = place.config.egress.tls.len(),
        version = env!("CARGO_PKG_VERSION"),
        "ready"
    );
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        () = shared.full.notified() => {
            tracing::warn!("no more sessions can be remembered: a new start is needed");
        }
    }
    tracing::info!("stopping: no new jobs are taken");
    stop.send_replace(true);
    let all = async { while workers.join_next().await.is_some() {} };
    let grace = shared.limits.grace();
    if timeout(grace, all).await.is_err() {
        tracing::error!("jobs were still running after {grace:?}; they are lost");
        return Ok(ExitCode::FAILURE);
    }
    tracing::info!("stopped");
    Ok(ExitCode::SUCCESS)
}
