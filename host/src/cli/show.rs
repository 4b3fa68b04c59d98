//! Reports for people.

use super::{print, print_json};
use anyhow::Result;
use letsesign_escape as escape;
use letsesign_host::check::{Grade, Report};
use letsesign_host::control::StatusReport;
use std::fmt::Write;

/// `status`.
pub(super) fn status(status: &StatusReport) -> String {
    let mut text = String::new();
    let ready = if status.ready { "ready" } else { "not ready" };
    let _ = writeln!(text, "letsesign-host {}, {ready}", status.version);
    if status.enclaves.emulation {
        let _ = writeln!(
            text,
            "emulation ({}): nothing is protected",
            status.enclaves.launcher
        );
    }
    for enclave in &status.enclaves.enclaves {
        let active = if enclave.release == status.enclaves.active {
            ", active"
        } else {
            ""
        };
        let attested = enclave
            .attested_seconds_ago
            .map_or("not attested".to_owned(), |ago| {
                format!("attested {ago} s ago")
            });
        let _ = writeln!(
            text,
            "enclave {}: {}, {attested}, release {}{active}, PCR0 {}, {} restarts",
            enclave.cid,
            enclave.phase.word(),
            enclave.release,
            enclave.pcr0,
            enclave.restarts
        );
        if let Some(error) = &enclave.last_error {
            let _ = writeln!(text, "  last error: {}", escape::line(error));
        }
    }
    let jobs: Vec<String> = status
        .jobs
        .iter()
        .map(|(state, count)| format!("{count} {state}"))
        .collect();
    let _ = writeln!(text, "jobs: {}", jobs.join(", "));
    if let Some(seconds) = status.oldest_queued_seconds {
        let _ = writeln!(text, "the oldest queued job has waited {seconds} s");
    }
    if status.jobs.get("unknown").is_some_and(|count| *count > 0) {
        let _ = writeln!(
            text,
            "decide unknown jobs: letsesign-host jobs list --state unknown"
        );
    }
    text
}

/// `check`.
pub(super) fn check(report: &Report, as_json: bool) -> Result<()> {
    if as_json {
        return print_json(report);
    }
    let mut text = String::new();
    for finding in &report.findings {
        let grade = match finding.grade {
            Grade::Good => "ok     ",
            Grade::Warning => "warning",
            Grade::Problem => "PROBLEM",
        };
        let _ = writeln!(
            text,
            "{grade}  {}: {}",
            finding.subject,
            escape::lines(&finding.text)
        );
        if let Some(way_out) = &finding.way_out {
            let _ = writeln!(text, "         -> {way_out}");
        }
    }
    print(text)
}
