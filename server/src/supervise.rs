//! Start, workers, end.

use crate::jobs::Tools;
use crate::nsm::SharedNsm;
use crate::place::Place;
use crate::worker::Worker;
use anyhow::{Context, Result};
use letsesign_job::{Client, Connect};
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Runs the server until SIGTERM. Exit code 0 when every job that was taken was finished, 1 when the grace period ended
/// first.
pub(crate) fn run() -> Result<ExitCode> {
    #[cfg(not(feature = "emulation"))]
    let place = crate::place::enclave()?;
    #[cfg(feature = "emulation")]
    let place = crate::emulation::place()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(8)
        .build()
        .context("cannot start threads")?;
    let code = runtime.block_on(serve(place));
    // A blocking call into the NSM that never returns must not keep the process.
    runtime.shutdown_background();
    code
}

async fn serve<C: Connect>(place: Place<C>) -> Result<ExitCode> {
    let Place {
        limits,
        egress,
        job_api,
        nsm,
    } = place;
    let mut terminate = signal(SignalKind::terminate()).context("cannot catch SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot catch SIGINT")?;
    let count = std::thread::available_parallelism()
        .map_or(1, usize::from)
        .min(limits.workers_max);
    let tools = Tools {
        nsm: SharedNsm::new(nsm, limits.nsm()),
    };
    let (stop, stopping) = watch::channel(false);
    let mut workers = JoinSet::new();
    for _ in 0..count {
        let worker = Worker {
            client: Client::new(job_api.clone(), limits.timing()),
            tools: tools.clone(),
            poll: limits.poll(),
            poll_most: limits.poll_most(),
            stop: stopping.clone(),
        };
        workers.spawn(worker.run());
    }
    tracing::info!(
        workers = count,
        services = egress.tls.len(),
        version = env!("CARGO_PKG_VERSION"),
        "ready"
    );
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping: no new jobs are taken");
    stop.send_replace(true);
    let all = async { while workers.join_next().await.is_some() {} };
    if timeout(limits.grace(), all).await.is_err() {
        tracing::error!(
            "jobs were still running after {:?}; they are lost",
            limits.grace()
        );
        return Ok(ExitCode::FAILURE);
    }
    tracing::info!("stopped");
    Ok(ExitCode::SUCCESS)
}
