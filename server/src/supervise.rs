//! The running server: workers, periodic tasks and an orderly end.

use crate::config::Limits;
use crate::environment::{self, Environment};
use crate::memory;
use crate::nsm::{Question, SharedNsm};
use crate::sessions::Sessions;
use crate::startup;
use crate::tools::Tools;
use crate::worker::{Shared, Worker};
use anyhow::{Context, Result};
use letsesign_job_protocol::{Client, Connect};
use letsesign_nsm::Nsm;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Notify, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// Runs the server until SIGTERM. Exit code 0 when every job that was taken was finished, 1 when
/// the grace period ended first.
pub(crate) fn run() -> Result<ExitCode> {
    let (environment, nsm) = environment::read()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(16)
        .build()
        .context("cannot start threads")?;
    let code = runtime.block_on(serve(environment, nsm));
    // Do not wait for blocking threads: a call into the NSM that never returns must not keep the
    // process alive.
    runtime.shutdown_background();
    code
}

/// Sets the clock by the NSM's time periodically, also while the server is idle.
async fn keep_time(nsm: SharedNsm, every: Duration) {
    loop {
        sleep(every).await;
        if let Err(error) = nsm.attest(Question::default()).await {
            tracing::warn!("the clock was not set: {error}");
        }
    }
}

/// Closes idle connections, and forgets results that are too old.
async fn tidy(tools: Tools, sessions: Arc<Sessions>, every: Duration) {
    loop {
        sleep(every).await;
        sessions.tidy();
        tools.mailer.close_idle();
        tools.sms.close_idle();
        tools.data_keys.sweep();
    }
}

/// Interval between returns of free memory to the system.
const GIVE_BACK: Duration = Duration::from_secs(1);

/// Returns memory that jobs of the last second freed.
async fn give_memory_back() {
    loop {
        sleep(GIVE_BACK).await;
        // It may take milliseconds, which no job should wait for.
        let _ = tokio::task::spawn_blocking(memory::give_back).await;
    }
}

async fn serve<C: Connect>(environment: Environment<C>, nsm: Nsm) -> Result<ExitCode> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot catch SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot catch SIGINT")?;
    let tools = startup::tools(&environment, nsm).await?;
    let limits: Limits = environment.config.limits;
    let kms = Arc::clone(&tools.kms);
    let sessions = startup::sessions(&limits)?;
    tokio::spawn(async move { kms.keep_keys().await });
    tokio::spawn(keep_time(tools.nsm.clone(), limits.clock()));
    tokio::spawn(give_memory_back());
    tokio::spawn(tidy(tools.clone(), Arc::clone(&sessions), limits.keep()));
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    let count = limits.workers(cpus);
    let (stop, stopping) = watch::channel(false);
    let shared = Arc::new(Shared {
        tools,
        sessions,
        budget: startup::budget(&limits),
        // Bounded, so that repeated jobs cannot occupy all workers.
        waiting: Semaphore::new(count / 2),
        full: Notify::new(),
        limits,
    });
    let mut workers = JoinSet::new();
    for _ in 0..count {
        let client = Client::new(environment.job_api.clone(), shared.limits.timing());
        workers.spawn(Worker::new(client, Arc::clone(&shared), stopping.clone()).run());
    }
    tracing::info!(
        workers = count,
        services = environment.config.egress.tls.len(),
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
