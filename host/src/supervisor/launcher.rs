//! The interface to programs that start and end enclaves.

use crate::queue::StartId;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;
use thiserror::Error;

/// An enclave to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spec {
    /// The enclave image file, or the emulated server's program.
    pub image: PathBuf,
    /// Context ID of the enclave, 4 or more.
    pub cid: u32,
    /// Virtual CPUs.
    pub cpus: u32,
    /// Memory in MiB.
    pub memory_mib: u32,
    /// Names this start.
    pub start: StartId,
    /// Folder for sockets and logs; it exists.
    pub folder: PathBuf,
    /// Where the enclave's connections arrive, by port of the parent: for launchers without vsock.
    pub addresses: BTreeMap<u32, String>,
    /// Port of the job API, one of them.
    pub job_api: u32,
    /// The services behind the others, as `host:port`.
    pub services: BTreeMap<u32, String>,
}

/// A process, which no other process can be taken for: numbers of processes are used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessId {
    /// Its number.
    pub pid: i32,
    /// When it started, in clock ticks since the machine did (proc(5), `/proc/PID/stat`, field 22).
    pub started: u64,
}

/// The name by which a started enclave is found again, even by another process of the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Handle {
    /// An enclave of nitro-cli.
    Nitro {
        /// `EnclaveID`.
        id: String,
    },
    /// Processes of this machine. The enclave has ended when the first one has.
    Processes(Vec<ProcessId>),
}

/// Whether an enclave runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It runs.
    Running,
    /// It has ended.
    Ended,
}

/// Why an enclave was not started, looked at or ended.
#[derive(Debug, Error)]
pub enum LaunchError {
    /// A failure that passes, such as resources that the enclave before has not given back yet.
    #[error("{0}")]
    Busy(String),
    /// A failure that stays until somebody changes something.
    #[error("{0}")]
    Failed(String),
}

/// Starts enclaves on the real machine, or emulated ones.
#[async_trait]
pub trait Launcher: Send + Sync {
    /// Its name in logs: `nitro`, `qemu` or `program`.
    fn name(&self) -> &'static str;

    /// Whether it is for development: nothing of it protects anything.
    fn is_emulation(&self) -> bool;

    /// Starts an enclave. It runs on when this process ends.
    async fn launch(&self, spec: &Spec) -> Result<Handle, LaunchError>;

    /// Whether it runs.
    async fn state(&self, handle: &Handle) -> Result<State, LaunchError>;

    /// Ends it: asks first where it can be asked, and ends it after `grace`. When this returns
    /// without an error, it runs no more.
    async fn terminate(&self, handle: &Handle, grace: Duration) -> Result<(), LaunchError>;

    /// Ends what a launch left that was not recorded, because this process was killed in between.
    async fn clean_up(&self, start: &StartId, cid: u32) -> Result<(), LaunchError>;
}
