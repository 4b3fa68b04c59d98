//! Metrics and health over HTTP: `/metrics`, `/healthz`, `/readyz`.

use crate::backlog::HostQueue;
use crate::control::READY;
use crate::supervisor::{Phase, Supervisor};
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use metrics::{describe_counter, describe_gauge, gauge};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tracing::warn;

/// The longest time that the queue may take for `/metrics`; without an answer its gauges stay.
const STATS: Duration = Duration::from_secs(5);
/// Buckets of histograms of durations, in seconds.
const SECONDS: [f64; 10] = [0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0, 120.0, 600.0];

/// The sources of metrics and health.
#[derive(Clone)]
pub struct Operations {
    /// The queue.
    pub queue: HostQueue,
    /// The enclaves.
    pub supervisor: Arc<Supervisor<HostQueue>>,
    /// The recorder.
    pub metrics: PrometheusHandle,
}

/// Installs the recorder of metrics for this process, and describes them.
///
/// # Errors
/// When there is one already.
pub fn record() -> Result<PrometheusHandle, BuildError> {
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &SECONDS)?
        .install_recorder()?;
    crate::queue::describe();
    crate::transport::describe();
    crate::relay::describe();
    describe_gauge!("letsesign_host_enclaves", "Enclaves in each phase.");
    describe_gauge!(
        "letsesign_host_attestation_age_seconds",
        "Age of the newest verified self-test of an enclave that gets jobs; -1 without one."
    );
    describe_gauge!(
        "letsesign_host_emulation",
        "1 when enclaves are emulated, 0 otherwise."
    );
    describe_counter!(
        "letsesign_host_enclave_ends_total",
        "Enclaves that ended unasked."
    );
    describe_counter!(
        "letsesign_host_job_api_requests_total",
        "Requests, by call and status."
    );
    describe_counter!(
        "letsesign_host_job_api_storage_errors_total",
        "Requests that the queue did not answer."
    );
    describe_counter!(
        "letsesign_host_job_api_refused_connections_total",
        "Connections beyond the limit."
    );
    describe_gauge!(
        "letsesign_host_job_api_connections",
        "Open connections of enclaves."
    );
    Ok(handle)
}

/// Serves until it is dropped.
///
/// # Errors
/// When the listener fails for good.
pub async fn serve(listener: TcpListener, operations: Operations) -> io::Result<()> {
    let router = Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .with_state(operations);
    axum::serve(listener, router).await
}

/// 200 when an enclave that gets jobs was attested within the last minute, 503 otherwise.
async fn ready(State(operations): State<Operations>) -> Response {
    if operations.supervisor.is_ready(READY) {
        "ready\n".into_response()
    } else {
        let text = "no enclave was attested within the last minute\n";
        (StatusCode::SERVICE_UNAVAILABLE, text).into_response()
    }
}

async fn metrics(State(operations): State<Operations>) -> Response {
    match tokio::time::timeout(STATS, operations.queue.queue().stats()).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => warn!(%error, "the queue's numbers are those of before"),
        Err(_) => warn!("the queue's numbers are those of before: it does not answer"),
    }
    let status = operations.supervisor.status();
    for phase in Phase::ALL {
        let count = status
            .enclaves
            .iter()
            .filter(|enclave| enclave.phase == phase)
            .count();
        gauge!("letsesign_host_enclaves", "phase" => phase.word())
            .set(u32::try_from(count).unwrap_or(u32::MAX));
    }
    let serving = status
        .enclaves
        .iter()
        .filter(|enclave| enclave.phase == Phase::Serving);
    let youngest = serving
        .filter_map(|enclave| enclave.attested_seconds_ago)
        .min();
    let age = youngest.map_or(-1.0, |age| {
        f64::from(u32::try_from(age).unwrap_or(u32::MAX))
    });
    gauge!("letsesign_host_attestation_age_seconds").set(age);
    gauge!("letsesign_host_emulation").set(u8::from(status.emulation));
    let kind = [("content-type", "text/plain; version=0.0.4")];
    (kind, operations.metrics.render()).into_response()
}
