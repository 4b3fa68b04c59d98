//! The status of enclaves, for people and for the control socket.

use serde::{Deserialize, Serialize};

/// Where an enclave is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// It is being started, or boots.
    Starting,
    /// It has been attested and gets jobs.
    Serving,
    /// It has been attested, and gets no new jobs.
    Draining,
    /// It ended, and is started again after a pause.
    Waiting,
    /// It failed too often in a row. Nothing happens until somebody acts.
    Failed,
    /// It was ended on purpose.
    Stopped,
}

impl Phase {
    /// All phases, for metrics.
    pub const ALL: [Phase; 6] = [
        Phase::Starting,
        Phase::Serving,
        Phase::Draining,
        Phase::Waiting,
        Phase::Failed,
        Phase::Stopped,
    ];

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Phase::Starting => "starting",
            Phase::Serving => "serving",
            Phase::Draining => "draining",
            Phase::Waiting => "waiting",
            Phase::Failed => "failed",
            Phase::Stopped => "stopped",
        }
    }
}

/// One enclave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnclaveStatus {
    /// Sequence of its release.
    pub release: i64,
    /// PCR0 in hexadecimal.
    pub pcr0: String,
    /// Its context ID.
    pub cid: u32,
    /// Where it is in its life.
    pub phase: Phase,
    /// Names its current start.
    pub start: Option<String>,
    /// Seconds since its last verified self-test.
    pub attested_seconds_ago: Option<u64>,
    /// How often it was started again.
    pub restarts: u64,
    /// The last failure.
    pub last_error: Option<String>,
}

/// All enclaves of this host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The launcher: `nitro`, `qemu` or `program`.
    pub launcher: String,
    /// Whether it is an emulation, which protects nothing.
    pub emulation: bool,
    /// Sequence of the release that takes new tasks.
    pub active: i64,
    /// The enclaves.
    pub enclaves: Vec<EnclaveStatus>,
}
