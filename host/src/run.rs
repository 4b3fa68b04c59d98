//! A host from its start to its end.

use crate::backlog::HostQueue;
use crate::config::{AfterExit, Attestation, Config, Engine, Launcher, Quota};
use crate::control::{self, Control};
use crate::network::{HostNetwork, Way};
use crate::operations::{self, Operations};
use crate::queue::{self, Allowance, Allowances, KeyFile, MasterKey, Objects, Queue};
use crate::relay::{self, SystemResolver};
use crate::service::Service;
use crate::supervisor::{
    self, Nitro, Parts, Phase, Program, Qemu, Supervisor, Timing, Verification,
};
use crate::transport::{UnixSockets, Vsock};
use crate::{images, supervisor::Settings};
use anyhow::{Context, Result, bail};
use rustix::fs::{FlockOperation, flock};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use sd_notify::NotifyState;
use std::fs::{self, File, Permissions};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tracing::{error, info, warn};

/// Between two sweeps of the queue.
const SWEEP: Duration = Duration::from_hours(1);
/// How long enclaves that end with this program may finish what they have. A job has 10 minutes.
const DRAIN: Duration = Duration::from_secs(630);
/// Days that ended jobs are kept by default.
const KEEP_DAYS: u32 = 400;

/// Runs a host until SIGTERM or SIGINT. A second signal ends it at once; enclaves then run on.
///
/// # Errors
/// When it cannot start; nothing was changed then, except files of the state folder.
pub async fn run(config: Config, abandon_older_tasks: bool) -> Result<()> {
    let _lock = lock(&config.state)?;
    raise_open_files();
    let metrics = operations::record().context("cannot record metrics")?;
    let listener = TcpListener::bind(config.http.listen)
        .await
        .with_context(|| format!("http.listen: cannot listen on {}", config.http.listen))?;
    let queue = open_queue(&config).await?;
    let service_listener = match &config.service {
        None => None,
        Some(service) => Some(
            TcpListener::bind(service.listen)
                .await
                .with_context(|| format!("service.listen: cannot listen on {}", service.listen))?,
        ),
    };
    let supervisor = start_supervisor(&config, queue.clone(), abandon_older_tasks).await?;
    let service = open_service(&config, &queue, &supervisor).await?;
    let control = Control {
        queue: queue.clone(),
        supervisor: Arc::clone(&supervisor),
        service: service.clone(),
    };
    let served = Operations {
        queue: queue.clone(),
        supervisor: Arc::clone(&supervisor),
        metrics,
    };
    let socket = config.control();
    let control = tokio::spawn(async move { control::serve(&socket, control).await });
    let operations = tokio::spawn(operations::serve(listener, served));
    let api = async {
        match (service, service_listener) {
            (Some(service), Some(listener)) => service.serve(listener).await,
            // There is none to end.
            _ => std::future::pending().await,
        }
    };
    let sweeps = tokio::spawn(sweep(queue.queue().clone()));
    info!(
        state = %config.state.display(),
        http = %config.http.listen,
        launcher = supervisor.status().launcher,
        "letsesign-host runs"
    );
    if config.is_emulation() {
        warn!("enclaves are emulated: whoever has this machine reads everything");
    }
    notify(&[NotifyState::Ready]);
    let ended = tokio::select! {
        signal = signalled() => signal,
        served = control => served.context("the control socket's task ended").and_then(|served| {
            served.context("the control socket cannot be served")
        }),
        served = operations => served.context("the task of http.listen ended").and_then(|served| {
            served.context("http.listen cannot be served")
        }),
        served = api => served.context("service.listen cannot be served"),
    };
    notify(&[NotifyState::Stopping]);
    sweeps.abort();
    match (&ended, config.after_exit()) {
        (Ok(()), AfterExit::End) => {
            info!("ending the enclaves; once more to leave them at once");
            tokio::select! {
                () = supervisor.end(DRAIN) => {}
                _ = signalled() => {}
            }
        }
        (Ok(()), AfterExit::Keep) => info!("the enclaves run on, to be taken over again"),
        (Err(error), _) => error!(%error, "the enclaves run on, to be taken over again"),
    }
    supervisor.leave();
    ended
}

/// Raises the soft limit of open files to the hard one: a relay needs two for each connection.
fn raise_open_files() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        warn!(%error, "cannot raise the limit of open files");
    }
}

/// Makes sure that no other host uses the state folder, and makes the folder.
fn lock(state: &Path) -> Result<File> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(state)
        .with_context(|| format!("state: cannot make {}", state.display()))?;
    // Also one that was there: whoever looks into it reads the payload key, and opens the control
    // socket before its mode is set.
    fs::set_permissions(state, Permissions::from_mode(0o700))
        .with_context(|| format!("state: cannot close {} to others", state.display()))?;
    let path = state.join("lock");
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path);
    let file = file.with_context(|| format!("state: cannot write {}", path.display()))?;
    if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
        bail!(
            "another letsesign-host uses the state folder {}",
            state.display()
        );
    }
    Ok(file)
}

/// Says that the queue was restored from a backup: its unfinished jobs become unknown. Returns how
/// many.
///
/// # Errors
/// When this host runs, which might hand such jobs out meanwhile; or the queue cannot be opened.
pub async fn restored(config: &Config) -> Result<u64> {
    let _lock = lock(&config.state).context("stop this host before the queue is marked")?;
    Ok(open_queue(config).await?.queue().restored().await?)
}

/// Opens the queue of a configuration.
///
/// # Errors
/// When a key, the database or the payload store cannot be used.
pub async fn open_queue(config: &Config) -> Result<HostQueue> {
    let own_key = config.state.join("payload.key");
    let keys: Vec<Arc<dyn MasterKey>> = if config.queue.keys.is_empty() {
        if !own_key.exists() {
            KeyFile::create(&own_key)?;
        }
        vec![Arc::new(KeyFile(own_key))]
    } else {
        let keys = config.queue.keys.iter();
        keys.map(|path| Arc::new(KeyFile(path.clone())) as Arc<dyn MasterKey>)
            .collect()
    };
    let objects = match &config.queue.s3 {
        None => Objects::Folder {
            path: config.state.join("objects"),
        },
        Some(s3) => Objects::S3(queue::S3 {
            bucket: s3.bucket.clone(),
            region: s3.region.clone().unwrap_or_else(|| "us-east-1".into()),
            prefix: s3.prefix.clone().unwrap_or_default(),
            endpoint: s3.endpoint.clone(),
            credentials: None,
            allow_http: s3.allow_http,
        }),
    };
    let name = match &config.name {
        Some(name) => name.clone(),
        None => rustix::system::uname()
            .nodename()
            .to_string_lossy()
            .into_owned(),
    };
    let engine = engine(config)?;
    let default = allowance(&config.queue.quota, Allowance::default());
    let senders = config
        .sender
        .iter()
        .map(|(name, quota)| (name.clone(), allowance(quota, default)));
    let settings = queue::Settings {
        engine,
        objects,
        keys,
        timing: queue::Timing {
            retention: retention(config),
            ..queue::Timing::default()
        },
        quotas: Allowances {
            default,
            senders: senders.collect(),
        },
        host: name.clone(),
    };
    let queue = Queue::open(settings).await?;
    Ok(match config.queue.engine {
        Engine::Sqlite => HostQueue::alone(queue),
        Engine::Postgres => HostQueue::shared(queue, name),
    })
}

/// The database of a configuration.
fn engine(config: &Config) -> Result<queue::Engine> {
    Ok(match (config.queue.engine, &config.queue.url) {
        (Engine::Postgres, Some(url)) => queue::Engine::Postgres { url: url.clone() },
        (Engine::Postgres, None) => bail!("queue.url is missing"),
        (Engine::Sqlite, _) => queue::Engine::Sqlite {
            path: database(config),
        },
    })
}

/// How long rows and results of what has ended are kept.
fn retention(config: &Config) -> Duration {
    let days = config.queue.keep_days.unwrap_or(KEEP_DAYS);
    Duration::from_secs(u64::from(days) * 86_400)
}

async fn open_service(
    config: &Config,
    queue: &HostQueue,
    supervisor: &Arc<Supervisor<HostQueue>>,
) -> Result<Option<Service>> {
    let Some(service) = &config.service else {
        return Ok(None);
    };
    let supervisor = Arc::clone(supervisor);
    let releases = move || {
        let enclaves = supervisor.status().enclaves;
        let running = enclaves
            .into_iter()
            .filter(|enclave| matches!(enclave.phase, Phase::Serving | Phase::Draining));
        let mut releases: Vec<String> = running.map(|enclave| enclave.pcr0).collect();
        releases.sort_unstable();
        releases.dedup();
        releases
    };
    let engine = engine(config)?;
    let opened = Service::open(
        service.clone(),
        &engine,
        queue.queue().clone(),
        retention(config),
        config.is_emulation(),
        releases,
    );
    Ok(Some(opened.await.context("service")?))
}

/// The file of a queue in SQLite.
pub(crate) fn database(config: &Config) -> PathBuf {
    config.state.join("queue.sqlite")
}

fn allowance(quota: &Quota, default: Allowance) -> Allowance {
    let millis = |seconds: u64| seconds.saturating_mul(1000);
    Allowance {
        weight: quota.weight.unwrap_or(default.weight),
        jobs: quota.jobs.unwrap_or(default.jobs),
        bytes: quota.bytes.unwrap_or(default.bytes),
        enclave_ms: quota.enclave_seconds.map_or(default.enclave_ms, millis),
    }
}

/// Limits and settings of the relays of a configuration.
///
/// # Errors
/// When an address or a service cannot be read.
pub fn relay_options(config: &Config) -> Result<relay::Options> {
    let mut options = relay::Options::default();
    let relay = &config.relay;
    options.connections = relay.connections.unwrap_or(options.connections);
    options.connections_per_port = relay
        .connections_per_port
        .unwrap_or(options.connections_per_port);
    options.connect = relay
        .connect_seconds
        .map_or(options.connect, Duration::from_secs);
    options.idle = relay.idle_seconds.map_or(options.idle, Duration::from_secs);
    for (host, addresses) in &relay.allow {
        let networks = addresses.iter().map(|address| {
            // A single address is a network of one.
            address
                .parse()
                .or_else(|_| address.parse().map(std::net::IpAddr::into))
                .with_context(|| {
                    format!(
                        "relay.allow: {address:?} of {host} is neither a network nor an address"
                    )
                })
        });
        options
            .allow_addresses
            .insert(host.to_ascii_lowercase(), networks.collect::<Result<_>>()?);
    }
    for (service, address) in &relay.overrides {
        let parsed = service
            .rsplit_once(':')
            .and_then(|(host, port)| Some((host.to_ascii_lowercase(), port.parse().ok()?)));
        let key =
            parsed.with_context(|| format!("relay.overrides: {service:?} is not host:port"))?;
        options.overrides.insert(key, *address);
    }
    Ok(options)
}

async fn start_supervisor(
    config: &Config,
    queue: HostQueue,
    abandon_older_tasks: bool,
) -> Result<Arc<Supervisor<HostQueue>>> {
    let enclave = &config.enclave;
    let sockets = config.state.join("sockets");
    let way = match enclave.launcher {
        Launcher::Nitro => Way::Vsock(Arc::new(Vsock::default())),
        Launcher::Qemu => {
            fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&sockets)
                .with_context(|| format!("cannot make {}", sockets.display()))?;
            Way::Unix(Arc::new(UnixSockets {
                folder: sockets.clone(),
            }))
        }
        Launcher::Program => Way::Tcp,
    };
    let launcher: Arc<dyn supervisor::Launcher> = match enclave.launcher {
        Launcher::Nitro => Arc::new(Nitro::new(&enclave.nitro.program)),
        Launcher::Qemu => {
            let qemu = enclave.qemu.as_ref().context("enclave.qemu is missing")?;
            Arc::new(Qemu {
                qemu: qemu.qemu.clone(),
                firmware: qemu.firmware.clone(),
                vsock: qemu.vsock.clone(),
                sockets,
            })
        }
        Launcher::Program => {
            let program = enclave
                .program
                .as_ref()
                .context("enclave.program is missing")?;
            Arc::new(Program {
                configs: Some(program.configs.clone()),
                environment: program.environment.clone(),
            })
        }
    };
    let settings = Settings {
        state: config.state.clone(),
        count: enclave.count,
        cpus: enclave.cpus,
        memory_mib: enclave.memory_mib,
        first_cid: enclave.first_cid,
        heartbeat: enclave.launcher == Launcher::Qemu,
        verification: verification(config)?,
        timing: Timing {
            // Each look at an enclave of Nitro starts nitro-cli.
            look: Duration::from_secs(if enclave.launcher == Launcher::Nitro {
                5
            } else {
                1
            }),
            ..Timing::default()
        },
    };
    let parts = Parts {
        queue: Arc::new(queue),
        network: Arc::new(HostNetwork {
            way,
            relay: relay_options(config)?,
            resolver: Arc::new(SystemResolver::default()),
        }),
        launcher,
        images: images::of(config).map_err(anyhow::Error::msg)?.into(),
    };
    let image = &enclave.image;
    Ok(Supervisor::start(settings, parts, image, abandon_older_tasks).await?)
}

fn verification(config: &Config) -> Result<Verification> {
    Ok(
        match (config.enclave.attestation, &config.enclave.attestation_root) {
            (Attestation::Aws, _) => Verification::aws(),
            (Attestation::Registers, _) => Verification::Registers,
            (Attestation::TestRoot, None) => bail!("enclave.attestation-root is missing"),
            (Attestation::TestRoot, Some(path)) => {
                let pem = fs::read(path)
                    .with_context(|| format!("enclave.attestation-root: {}", path.display()))?;
                let mut certificates = CertificateDer::pem_slice_iter(&pem);
                let (Some(Ok(der)), None) = (certificates.next(), certificates.next()) else {
                    bail!("{} is not PEM of one certificate", path.display());
                };
                Verification::test_root(&der)
                    .with_context(|| format!("{} cannot be a root", path.display()))?
            }
        },
    )
}

async fn sweep(queue: Queue) {
    loop {
        tokio::time::sleep(SWEEP).await;
        match queue.sweep().await {
            Ok(swept) if swept.jobs > 0 || swept.objects > 0 => {
                info!(
                    jobs = swept.jobs,
                    objects = swept.objects,
                    "removed what is not needed"
                );
            }
            Ok(_) => {}
            Err(error) => warn!(%error, "cannot remove what is not needed; trying in an hour"),
        }
    }
}

/// Returns on SIGTERM or SIGINT.
async fn signalled() -> Result<()> {
    let mut term = signal(SignalKind::terminate()).context("cannot handle SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot handle SIGINT")?;
    tokio::select! {
        _ = term.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

/// Tells systemd, where it is there.
fn notify(states: &[NotifyState]) {
    if let Err(error) = sd_notify::notify(states) {
        warn!(%error, "cannot tell systemd");
    }
}
