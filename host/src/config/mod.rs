//! The host's configuration: one TOML file, and variables `LETSESIGN_HOST_*` over it.
//!
//! A variable names its key in capitals, sections with two underscores: `LETSESIGN_HOST_STATE`,
//! `LETSESIGN_HOST_QUEUE__URL`, `LETSESIGN_HOST_ENCLAVE__MEMORY_MIB`. Its value is TOML where it is
//! one (`2`, `true`, `["a"]`), a text otherwise.
//!
//! Errors name the file, the line and the way out, and all of them at once.

mod check;
mod load;

pub use load::{ConfigError, Problem, control_socket, load};

use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Everything that an operator decides. `host/host.toml` describes each key.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Config {
    /// Folder of the host's state.
    pub state: PathBuf,
    /// This host's name among those that share a queue.
    #[serde(default)]
    pub name: Option<String>,
    /// The enclaves.
    pub enclave: Enclave,
    /// The queue.
    #[serde(default)]
    pub queue: Queue,
    /// Senders with other shares and quotas than `queue.quota`.
    #[serde(default)]
    pub sender: BTreeMap<String, Quota>,
    /// The egress relay.
    #[serde(default)]
    pub relay: Relay,
    /// Metrics and health.
    #[serde(default)]
    pub http: Http,
    /// The service API; without this section there is none.
    #[serde(default)]
    pub service: Option<Service>,
    /// The log.
    #[serde(default)]
    pub log: Log,
}

/// The enclaves.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Enclave {
    /// The enclave image, or the emulated server's program.
    pub image: PathBuf,
    /// Files `NAME.json` of measurements/: releases that this host may run.
    pub accept: Vec<PathBuf>,
    /// The program that starts enclaves.
    #[serde(default)]
    pub launcher: Launcher,
    /// Enclaves at a time.
    #[serde(default = "one")]
    pub count: u32,
    /// Virtual CPUs of each.
    #[serde(default = "two")]
    pub cpus: u32,
    /// Memory of each in MiB.
    #[serde(default = "memory")]
    pub memory_mib: u32,
    /// The lowest context ID of the 64 that are used.
    #[serde(default = "first_cid")]
    pub first_cid: u32,
    /// The fate of enclaves when this program ends.
    #[serde(default)]
    pub after_exit: Option<AfterExit>,
    /// How attestation documents are verified.
    #[serde(default)]
    pub attestation: Attestation,
    /// For `attestation = "test-root"`: the root, PEM.
    #[serde(default)]
    pub attestation_root: Option<PathBuf>,
    /// For `launcher = "nitro"`.
    #[serde(default)]
    pub nitro: Nitro,
    /// For `launcher = "qemu"`.
    #[serde(default)]
    pub qemu: Option<Qemu>,
    /// For `launcher = "program"`.
    #[serde(default)]
    pub program: Option<Program>,
}

fn one() -> u32 {
    1
}

fn two() -> u32 {
    2
}

fn memory() -> u32 {
    1024
}

fn first_cid() -> u32 {
    16
}

/// The program that starts enclaves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Launcher {
    /// nitro-cli, on an EC2 instance.
    #[default]
    Nitro,
    /// QEMU, for development.
    Qemu,
    /// The emulated server as a process, for development.
    Program,
}

/// The fate of enclaves when this program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AfterExit {
    /// They run on, and the next start takes them over.
    Keep,
    /// They finish what they have and end.
    End,
}

/// How attestation documents are verified.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Attestation {
    /// Down to AWS's root.
    #[default]
    Aws,
    /// Down to `attestation-root`. For emulation only.
    TestRoot,
    /// By their registers alone. For emulation only.
    Registers,
}

/// nitro-cli.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Nitro {
    /// The program.
    pub program: PathBuf,
}

impl Default for Nitro {
    fn default() -> Self {
        Self {
            program: "nitro-cli".into(),
        }
    }
}

/// The emulator; `cargo xtask emulator --json` prints the paths.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Qemu {
    /// qemu-system-x86_64.
    pub qemu: PathBuf,
    /// Folder of its firmware.
    #[serde(default)]
    pub firmware: Option<PathBuf>,
    /// vhost-device-vsock.
    pub vsock: PathBuf,
}

/// The emulated server.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Program {
    /// Folder with egress.toml, limits.toml and the others.
    pub configs: PathBuf,
    /// `NAME.json` with the registers that its emulated NSM attests.
    pub measurements: PathBuf,
    /// Further variables of its environment.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
}

/// The queue.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Queue {
    /// The database.
    pub engine: Engine,
    /// For `engine = "postgres"`: where it is. Better in the variable than in a file.
    pub url: Option<String>,
    /// Payloads and results above 64 KiB, in S3 instead of the state folder.
    pub s3: Option<S3>,
    /// Files with 32 bytes each; the first one encrypts. By default one in the state folder, which
    /// is made when there is none.
    pub keys: Vec<PathBuf>,
    /// The share and the quotas of every sender that has none of its own.
    pub quota: Quota,
    /// Days that rows and results of ended jobs are kept; 400 by default.
    pub keep_days: Option<u32>,
}

/// The queue's database.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Engine {
    /// A file of this host.
    #[default]
    Sqlite,
    /// A server that several hosts share.
    Postgres,
}

/// S3, or what speaks its protocol. Credentials come from the usual variables of AWS, or from the
/// instance's role.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct S3 {
    /// The bucket.
    pub bucket: String,
    /// Its region.
    #[serde(default)]
    pub region: Option<String>,
    /// Another server than AWS's, `https://HOST[:PORT]`.
    #[serde(default)]
    pub endpoint: Option<String>,
    /// In front of all names in the bucket.
    #[serde(default)]
    pub prefix: Option<String>,
    /// Whether `endpoint` may be http. For tests.
    #[serde(default)]
    pub allow_http: bool,
}

/// A sender's share and quotas. What is absent is as [`Allowance`](crate::queue::Allowance) says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Quota {
    /// Its share of the enclaves, beside the others' that have jobs waiting; 1 by default.
    pub weight: Option<u32>,
    /// Unfinished jobs at a time.
    pub jobs: Option<u64>,
    /// Bytes of unfinished jobs.
    pub bytes: Option<u64>,
    /// Seconds of enclave time a day.
    pub enclave_seconds: Option<u64>,
}

/// The egress relay.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Relay {
    /// Connections of one enclave at a time.
    pub connections: Option<usize>,
    /// Connections to one service at a time.
    pub connections_per_port: Option<usize>,
    /// Seconds to connect.
    pub connect_seconds: Option<u64>,
    /// Seconds without a byte either way.
    pub idle_seconds: Option<u64>,
    /// By host: private addresses that it may have, such as those of a VPC endpoint.
    pub allow: BTreeMap<String, Vec<String>>,
    /// By `host:port`: another `address:port`. For emulation only.
    pub overrides: BTreeMap<String, SocketAddr>,
}

/// Metrics and health.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Http {
    /// Where they are served.
    pub listen: SocketAddr,
}

impl Default for Http {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 9180)),
        }
    }
}

/// The service API.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Service {
    /// Where it is served, without TLS: a proxy in front of it has the certificate.
    #[serde(default = "service_listen")]
    pub listen: SocketAddr,
    /// Its address for clients, `https://HOST`.
    pub public_url: String,
    /// Networks of proxies whose `X-Forwarded-For` is believed.
    #[serde(default)]
    pub trusted_proxies: Vec<ipnet::IpNet>,
    /// Requests a minute.
    #[serde(default)]
    pub rate: Rate,
    /// Another DNS server than the system's, for registrations.
    #[serde(default)]
    pub dns: Option<SocketAddr>,
    /// Credentials that enclaves use for KMS.
    #[serde(default)]
    pub aws: Aws,
}

fn service_listen() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 9181))
}

/// How often somebody may call.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Rate {
    /// Requests a minute of one address without an API key.
    pub address: u32,
    /// Requests a minute of one API key.
    pub key: u32,
    /// Registrations an hour that one address begins. Each is kept for seven days.
    pub registrations: u32,
    /// Registrations an hour that all addresses begin together.
    pub all_registrations: u32,
}

impl Default for Rate {
    fn default() -> Self {
        Self {
            address: 60,
            key: 600,
            registrations: 10,
            all_registrations: 200,
        }
    }
}

/// Credentials that enclaves use for KMS: these, or AWS's variables, or the instance's role.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Aws {
    /// The access key.
    pub access_key_id: Option<String>,
    /// The file with its secret.
    pub secret_access_key_file: Option<PathBuf>,
}

/// The log.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Log {
    /// How it is written.
    pub format: LogFormat,
    /// The events to write, as `tracing-subscriber` reads it: `info`, `letsesign_host=debug`.
    pub level: String,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            format: LogFormat::default(),
            level: "info".into(),
        }
    }
}

/// How the log is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    /// For people on a terminal, JSON otherwise.
    #[default]
    Auto,
    /// For people.
    Human,
    /// One JSON object a line.
    Json,
}

impl Config {
    /// Whether nothing of it protects anything.
    pub fn is_emulation(&self) -> bool {
        self.enclave.launcher != Launcher::Nitro
    }

    /// The fate of enclaves when this program ends: on Nitro they are kept, so that a restart
    /// of this program interrupts nobody.
    pub fn after_exit(&self) -> AfterExit {
        self.enclave.after_exit.unwrap_or(if self.is_emulation() {
            AfterExit::End
        } else {
            AfterExit::Keep
        })
    }

    /// The unix socket on which a running host takes commands.
    pub fn control(&self) -> PathBuf {
        self.state.join("control.sock")
    }
}

#[cfg(test)]
mod tests;
