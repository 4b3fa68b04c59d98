//! Enclaves: started, watched, drained and replaced.
//!
//! A [`Supervisor`] keeps so many enclaves of the active release running (`member`), each
//! with its relay and its job API. An enclave gets jobs once a self-test has shown that it is the
//! image that was started (`attest`); one that ends or is not well is replaced, later each time,
//! and a crash loop ends in the phase `failed`, which alerts fire on. What must be known after this
//! process was killed is in a file (`records`): enclaves run on, and are taken over again.

mod attest;
mod fleet;
mod heartbeat;
mod image;
mod launcher;
mod member;
mod nitro;
mod parts;
mod process;
mod program;
mod qemu;
mod records;
mod status;

pub use attest::{HealthError, Verification, self_test};
pub use fleet::{Parts, Settings, StartError, Supervisor, UpgradeError};
pub use image::{Image, Images};
pub use launcher::{Handle, LaunchError, Launcher, ProcessId, Spec, State};
pub use nitro::Nitro;
pub use parts::{Backlog, Network, Opened};
pub use program::Program;
pub use qemu::Qemu;
pub use records::RecordsError;
pub use status::{EnclaveStatus, Phase, Status};

/// How long things may take.
#[derive(Debug, Clone)]
pub struct Timing {
    /// From a start to its first verified self-test.
    pub boot: std::time::Duration,
    /// Between two self-tests.
    pub health: std::time::Duration,
    /// A self-test.
    pub health_answer: std::time::Duration,
    /// Self-tests in a row that fail before an enclave is replaced.
    pub health_failures: u32,
    /// Between two looks whether an enclave runs.
    pub look: std::time::Duration,
    /// The first pause before an enclave is started again; each further one is twice as long.
    pub restart_first: std::time::Duration,
    /// The longest pause.
    pub restart_most: std::time::Duration,
    /// Starts in a row that never got to a verified self-test before an enclave is given up.
    pub crash_loop: u32,
    /// How long an enclave may take to end after it was asked.
    pub grace: std::time::Duration,
}

impl Default for Timing {
    fn default() -> Self {
        let seconds = std::time::Duration::from_secs;
        Self {
            boot: seconds(120),
            health: seconds(20),
            health_answer: seconds(30),
            health_failures: 3,
            look: std::time::Duration::from_millis(500),
            restart_first: seconds(1),
            restart_most: seconds(60),
            crash_loop: 6,
            grace: seconds(25),
        }
    }
}
