//! Everything of the service, started in order and ended in the opposite one.

use crate::Programs;
use anyhow::{Context, Result, bail, ensure};
use letsesign_host::control::{Client, StatusReport};
use letsesign_testbed::{Options, Pcrs, Testbed, kms};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::process::{Child, Command};

/// Name of the release that runs here.
const RELEASE: &str = "local";
/// How long the host may take until its enclave is attested. Loading an image in QEMU takes
/// seconds, a busy machine many of them.
const READY: Duration = Duration::from_mins(2);
/// How long the host may take to end its enclave.
const END: Duration = Duration::from_secs(20);

/// A running service.
pub struct Stack {
    /// Testbed, folder and addresses.
    pub parts: Parts,
    /// The host's process.
    pub host: Host,
}

/// The parts of a running service, beside its processes.
pub struct Parts {
    /// AWS, mails and SMS.
    pub testbed: Arc<Testbed>,
    /// The folder of all state; it goes with this value.
    pub folder: TempDir,
    /// Where the host's service API is.
    pub service: SocketAddr,
}

impl Parts {
    /// The host's configuration.
    pub fn configuration(&self) -> PathBuf {
        self.folder.path().join("host.toml")
    }

    /// The folder of measurements, with the release that runs.
    pub fn measurements(&self) -> PathBuf {
        self.folder.path().join("measurements")
    }

    /// The file of the release that runs.
    pub fn release(&self) -> PathBuf {
        release_of(self.folder.path())
    }
}

/// The process of letsesign-host. It is killed when this is dropped.
pub struct Host {
    child: Child,
    folder: PathBuf,
}

/// A port that is free now.
fn free() -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port on loopback")?;
    Ok(listener.local_addr()?)
}

impl Stack {
    /// Starts testbed and host, and waits until an enclave is attested.
    ///
    /// # Errors
    /// When a program does not start, or the host ends or does not become ready in time; the error
    /// has the end of its log. Nothing runs then.
    pub async fn start(programs: &Programs) -> Result<Self> {
        let options = Options::default();
        let pcrs = options.pcrs;
        let testbed = Testbed::start(options).await.context("no testbed")?;
        let folder = tempfile::Builder::new()
            .prefix("letsesign-serve-")
            .tempdir()
            .context("no temporary folder")?;
        let (service, operations) = (free()?, free()?);
        let at = folder.path();
        write_release(at, pcrs)?;
        let text = configuration(at, &testbed, &programs.server, service, operations)?;
        fs::write(at.join("host.toml"), text).context("cannot write host.toml")?;
        let log = fs::File::create(at.join("host.log")).context("cannot write host.log")?;
        let host = Command::new(&programs.host)
            .arg("--config")
            .arg(at.join("host.toml"))
            .arg("run")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            // Ctrl-C on the terminal reaches this program, which ends the host in its own time.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot run {}", programs.host.display()))?;
        let mut host = Host {
            child: host,
            folder: at.to_owned(),
        };
        match host.until_ready().await {
            Ok(()) => Ok(Self {
                parts: Parts {
                    testbed: Arc::new(testbed),
                    folder,
                    service,
                },
                host,
            }),
            Err(error) => {
                let log = host.log_end();
                host.end().await;
                Err(error.context(format!("letsesign-host's log ends with:\n{log}")))
            }
        }
    }
}

impl Host {
    async fn until_ready(&mut self) -> Result<()> {
        let client = Client::new(self.folder.join("state/control.sock"));
        let end = Instant::now() + READY;
        loop {
            if let Some(status) = self.child.try_wait()? {
                bail!("letsesign-host has ended ({status})");
            }
            if let Ok(status) = client.get::<StatusReport>("/status").await
                && status.ready
            {
                return Ok(());
            }
            ensure!(
                Instant::now() < end,
                "no enclave was attested within {} s",
                READY.as_secs()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Returns when the host has ended by itself: what happened, and the end of its log.
    pub async fn ended(&mut self) -> String {
        match self.child.wait().await {
            Ok(status) => format!("letsesign-host has ended ({status})\n{}", self.log_end()),
            Err(error) => format!("letsesign-host is lost: {error}"),
        }
    }

    fn log_end(&self) -> String {
        let log = fs::read_to_string(self.folder.join("host.log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let from = lines.len().saturating_sub(20);
        lines.get(from..).unwrap_or_default().join("\n")
    }

    /// Ends the host, which ends its enclave.
    pub async fn end(mut self) {
        let id = self.child.id().and_then(|id| i32::try_from(id).ok());
        if let Some(pid) = id.and_then(Pid::from_raw) {
            // One that has ended already is as good.
            let _ = kill_process(pid, Signal::TERM);
        }
        if tokio::time::timeout(END, self.child.wait()).await.is_err() {
            let _ = self.child.kill().await;
        }
    }
}

fn release_of(folder: &Path) -> PathBuf {
    folder.join("measurements").join(format!("{RELEASE}.json"))
}

/// Writes a folder of measurements as the repository has one (docs/measurements.md).
fn write_release(folder: &Path, pcrs: Pcrs) -> Result<()> {
    let [pcr0, pcr1, pcr2] = pcrs.map(hex::encode);
    let release = json!({
        "verName": RELEASE,
        "pcrs": {"0": pcr0, "1": pcr1, "2": pcr2},
        "issueTime": 1_700_000_000,
    })
    .to_string();
    let measurements = folder.join("measurements");
    // No keys: a release of this machine is not signed.
    fs::create_dir_all(measurements.join("keys"))?;
    let hash = hex::encode(Sha256::digest(&release));
    fs::write(
        measurements.join("LEDGER"),
        format!("{hash}  {RELEASE}.json\n"),
    )?;
    fs::write(release_of(folder), release).context("cannot write the file of the release")
}

/// The text of `host.toml`.
#[allow(
    clippy::unnecessary_debug_formatting,
    reason = "TOML's strings are quoted and escaped so"
)]
fn configuration(
    at: &Path,
    testbed: &Testbed,
    server: &Path,
    service: SocketAddr,
    operations: SocketAddr,
) -> Result<String> {
    let variables = testbed.environment();
    let value = |name: &str| {
        let mut found = variables.iter().filter(|(given, _)| given == name);
        found
            .next()
            .map(|(_, value)| value.clone())
            .with_context(|| format!("the testbed has no {name}"))
    };
    let overrides = value("LETSESIGN_HOST_OVERRIDES")?;
    let overrides: Vec<String> = overrides
        .split(',')
        .filter_map(|one| one.split_once('='))
        .map(|(service, address)| format!("{service:?} = {address:?}"))
        .collect();
    let release = release_of(at);
    let names = [
        "LETSESIGN_TLS_EXTRA_ROOTS",
        "LETSESIGN_ATTESTATION_ROOT",
        "LETSESIGN_NSM_SOCKET",
    ];
    let environment = names
        .iter()
        .map(|name| Ok(format!("{name} = {:?}", value(name)?)))
        .collect::<Result<Vec<_>>>()?;
    let configs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../enclave/configs");
    let enclave = format!(
        "image = {server:?}\naccept = [{release:?}]\nlauncher = \"program\"\n\
         attestation = \"test-root\"\nattestation-root = {:?}\n\
         [enclave.program]\nconfigs = {configs:?}\nmeasurements = {release:?}\n\
         environment = {{ {} }}\n",
        value("LETSESIGN_ATTESTATION_ROOT")?,
        environment.join(", "),
    );
    let secret = at.join("kms-secret");
    fs::write(&secret, kms::ACCESS_KEY.1).context("cannot write the secret for KMS")?;
    Ok(format!(
        "state = {:?}\n[enclave]\n{enclave}[relay.overrides]\n{}\n\
         [http]\nlisten = \"{operations}\"\n\
         [service]\nlisten = \"{service}\"\npublic-url = \"http://{service}\"\n\
         [service.rate]\naddress = 6000\nkey = 6000\n\
         [service.aws]\naccess-key-id = {:?}\nsecret-access-key-file = {secret:?}\n\
         [log]\nformat = \"human\"\nlevel = \"info\"\n",
        at.join("state"),
        overrides.join("\n"),
        kms::ACCESS_KEY.0,
    ))
}
