//! Metrics of the relay, by destination (`host:port`).

use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};
use metrics::{describe_counter, describe_gauge, describe_histogram};
use std::time::Instant;

/// Describes the metrics of this module.
pub fn describe() {
    describe_gauge!(
        "letsesign_host_relay_connections",
        "Connections that are open now"
    );
    describe_counter!(
        "letsesign_host_relay_connections_total",
        "Connections of enclaves that were taken"
    );
    describe_counter!(
        "letsesign_host_relay_refused_total",
        "Connections of enclaves that were closed without reaching the destination, by reason"
    );
    describe_counter!(
        "letsesign_host_relay_ended_total",
        "Forwarded connections that ended: closed, idle, broken, or stopped with the relay"
    );
    describe_counter!(
        "letsesign_host_relay_sent_bytes_total",
        metrics::Unit::Bytes,
        "Bytes from enclaves to the destination"
    );
    describe_counter!(
        "letsesign_host_relay_received_bytes_total",
        metrics::Unit::Bytes,
        "Bytes from the destination to enclaves"
    );
    describe_counter!(
        "letsesign_host_relay_connect_errors_total",
        "Addresses that could not be connected to, by reason"
    );
    describe_histogram!(
        "letsesign_host_relay_connect_seconds",
        metrics::Unit::Seconds,
        "From the check of the ClientHello until the destination accepts"
    );
    describe_histogram!(
        "letsesign_host_relay_duration_seconds",
        metrics::Unit::Seconds,
        "A forwarded connection altogether"
    );
    describe_counter!(
        "letsesign_host_relay_panics_total",
        "Defects of this program that cost a connection"
    );
    describe_counter!(
        "letsesign_host_relay_dns_errors_total",
        "Lookups that failed, by reason; the last good addresses are kept"
    );
    describe_gauge!(
        "letsesign_host_relay_dns_age_seconds",
        metrics::Unit::Seconds,
        "Since the last answer about the destination's name"
    );
}

/// Handles of one destination.
pub(super) struct Metrics {
    pub(super) label: String,
    pub(super) sent: Counter,
    pub(super) received: Counter,
    pub(super) connect: Histogram,
    duration: Histogram,
    open: Gauge,
    total: Counter,
    panics: Counter,
}

impl Metrics {
    pub(super) fn new(label: String) -> Self {
        let of = || label.clone();
        Self {
            sent: counter!("letsesign_host_relay_sent_bytes_total", "destination" => of()),
            received: counter!("letsesign_host_relay_received_bytes_total", "destination" => of()),
            connect: histogram!("letsesign_host_relay_connect_seconds", "destination" => of()),
            duration: histogram!("letsesign_host_relay_duration_seconds", "destination" => of()),
            open: gauge!("letsesign_host_relay_connections", "destination" => of()),
            total: counter!("letsesign_host_relay_connections_total", "destination" => of()),
            panics: counter!("letsesign_host_relay_panics_total", "destination" => of()),
            label,
        }
    }

    /// Counts a connection from now until the guard is dropped, in a panic as well.
    pub(super) fn connection(&self) -> OpenGuard<'_> {
        self.total.increment(1);
        self.open.increment(1.0);
        OpenGuard(self, Instant::now())
    }

    pub(super) fn refused(&self, reason: &'static str) {
        counter!(
            "letsesign_host_relay_refused_total",
            "destination" => self.label.clone(), "reason" => reason
        )
        .increment(1);
    }

    pub(super) fn ended(&self, how: &'static str) {
        counter!(
            "letsesign_host_relay_ended_total", "destination" => self.label.clone(), "how" => how
        )
        .increment(1);
    }

    pub(super) fn connect_error(&self, reason: &'static str) {
        counter!(
            "letsesign_host_relay_connect_errors_total",
            "destination" => self.label.clone(), "reason" => reason
        )
        .increment(1);
    }
}

/// Counts one open connection.
pub(super) struct OpenGuard<'a>(&'a Metrics, Instant);

impl Drop for OpenGuard<'_> {
    fn drop(&mut self) {
        self.0.open.decrement(1.0);
        self.0.duration.record(self.1.elapsed());
        if std::thread::panicking() {
            self.0.panics.increment(1);
        }
    }
}
