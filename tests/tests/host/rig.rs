//! A testbed, a configuration, and hosts that run by it.

use letsesign_host::control::{Client, StatusReport};
use letsesign_testbed::{Options, Pcrs, Testbed, kms};
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::sleep;

/// The longest wait for anything here, on a busy machine.
const LIMIT: Duration = Duration::from_mins(2);

/// Everything around a host.
pub(crate) struct Rig {
    pub(crate) testbed: Testbed,
    folder: TempDir,
    port: u16,
    /// Where the service API is.
    service: u16,
}

pub(crate) fn free_port() -> u16 {
    // Free now; a test that finds it taken fails at once and says so.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// Programs of the workspace, beside this one. `cargo test --workspace --all-features` builds them.
fn program(name: &str) -> PathBuf {
    static BUILT: OnceLock<()> = OnceLock::new();
    let tests = std::env::current_exe().unwrap();
    let folder = tests.parent().unwrap().parent().unwrap().to_owned();
    BUILT.get_or_init(|| {
        let both = ["letsesign-host", "letsesign-server"];
        if both.iter().all(|one| folder.join(one).exists()) {
            return;
        }
        let built = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args(["build", "--package", both[0], "--package", both[1]])
            .args(["--features", "letsesign-server/emulation"])
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap())
            .status();
        assert!(built.unwrap().success(), "cannot build the programs");
    });
    folder.join(name)
}

impl Rig {
    /// A testbed, and the configuration of a host with the emulated server.
    pub(crate) async fn start() -> Self {
        Self::with(Options::default()).await
    }

    pub(crate) async fn with(options: Options) -> Self {
        let testbed = Testbed::start(options).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let rig = Self {
            testbed,
            folder,
            port: free_port(),
            service: free_port(),
        };
        fs::write(rig.path("kms-secret"), kms::ACCESS_KEY.1).unwrap();
        rig.release("test", [[0x11; 48], [0x22; 48], [0x33; 48]]);
        rig.configure("");
        rig
    }

    /// Writes the file of a release with these registers.
    pub(crate) fn release(&self, name: &str, pcrs: Pcrs) {
        let [pcr0, pcr1, pcr2] = pcrs.map(hex::encode);
        let pcrs = json!({"0": pcr0, "1": pcr1, "2": pcr2});
        let release = json!({"verName": name, "pcrs": pcrs, "issueTime": 1});
        fs::write(self.path(&format!("{name}.json")), release.to_string()).unwrap();
    }

    /// The services of the image, with the testbed's addresses.
    pub(crate) fn overrides(&self) -> String {
        let variables = self.testbed.environment();
        let mut found = variables
            .iter()
            .filter(|(name, _)| name == "LETSESIGN_HOST_OVERRIDES");
        let overrides = found.next().unwrap().1.split(',');
        let pairs = overrides.map(|one| one.split_once('=').unwrap());
        let lines: Vec<String> = pairs
            .map(|(service, address)| format!("{service:?} = {address:?}"))
            .collect();
        lines.join(
            "
",
        )
    }

    /// Writes another configuration: `enclave` is what `[enclave]` and its sections hold.
    pub(crate) fn write_configuration(&self, enclave: &str) {
        let text = format!(
            "state = {:?}\n[enclave]\n{enclave}\n[relay.overrides]\n{}\n\
             [http]\nlisten = \"127.0.0.1:{}\"\n[service]\nlisten = \"127.0.0.1:{}\"\n\
             public-url = {:?}\n[service.rate]\naddress = 100000\nkey = 100000\n\
             [service.aws]\naccess-key-id = {:?}\nsecret-access-key-file = {:?}\n\
             [log]\nformat = \"human\"\nlevel = \"debug\"\n",
            self.path("state"),
            self.overrides(),
            self.port,
            self.service,
            self.service_url(),
            kms::ACCESS_KEY.0,
            self.path("kms-secret"),
        );
        fs::write(self.path("host.toml"), text).unwrap();
    }

    /// Where the service API is.
    pub(crate) fn service_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.service)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn server() -> PathBuf {
        program("letsesign-server")
    }

    /// The configuration with the emulated server; `line` is another one of `[enclave]`.
    pub(crate) fn configure(&self, line: &str) {
        let variables = self.testbed.environment();
        let value = |name: &str| {
            let mut found = variables.iter().filter(|(given, _)| given == name);
            found.next().unwrap().1.clone()
        };
        let environment = [
            "LETSESIGN_TLS_EXTRA_ROOTS",
            "LETSESIGN_ATTESTATION_ROOT",
            "LETSESIGN_NSM_SOCKET",
        ]
        .map(|name| format!("{name} = {:?}", value(name)))
        .join(", ");
        let configs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../enclave/configs");
        self.write_configuration(&format!(
            "image = {:?}\naccept = [{:?}]\nlauncher = \"program\"\n{line}\n\
             attestation = \"test-root\"\nattestation-root = {:?}\n\
             [enclave.program]\nconfigs = {:?}\nmeasurements = {:?}\n\
             environment = {{ {environment} }}\n",
            Self::server(),
            self.path("test.json"),
            value("LETSESIGN_ATTESTATION_ROOT"),
            configs,
            self.path("test.json"),
        ));
    }

    /// Starts a host.
    pub(crate) fn host(&self) -> Host {
        self.host_with(&[], &self.path("state"), self.port)
    }

    /// Starts a host with variables over its configuration, which name this state and this port
    /// for metrics.
    pub(crate) fn host_with(
        &self,
        variables: &[(String, String)],
        state: &Path,
        port: u16,
    ) -> Host {
        let log = fs::File::options()
            .create(true)
            .append(true)
            .open(self.path("host.log"));
        let child = Command::new(program("letsesign-host"))
            .arg("--config")
            .arg(self.path("host.toml"))
            .arg("run")
            .envs(variables.iter().cloned())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log.unwrap())
            .spawn()
            .unwrap();
        Host {
            child,
            client: Client::new(state.join("control.sock")),
            log: self.path("host.log"),
            port,
        }
    }

    /// Queues a job by the command line.
    pub(crate) fn submit(&self, sender: &str, name: &str, data: &str) -> Printed {
        fs::write(self.path("payload.json"), data).unwrap();
        let payload = self.path("payload.json").display().to_string();
        let arguments = [
            "jobs", "submit", "--sender", sender, "--name", name, &payload,
        ];
        run(self, &arguments)
    }

    /// Processes of the emulated server that this rig's hosts have started.
    pub(crate) fn servers(&self) -> Vec<i32> {
        let socket = self.testbed.nsm.socket().display().to_string();
        let mark = format!("LETSESIGN_NSM_SOCKET={socket}");
        let mut found = Vec::new();
        for entry in fs::read_dir("/proc").unwrap().flatten() {
            let Some(pid) = entry
                .file_name()
                .to_str()
                .and_then(|name| name.parse::<i32>().ok())
            else {
                continue;
            };
            let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            if environment
                .split(|byte| *byte == 0)
                .any(|one| one == mark.as_bytes())
            {
                found.push(pid);
            }
        }
        found
    }

    /// Those of one host.
    pub(crate) fn children_of(&self, host: &Host) -> Vec<i32> {
        let parent = format!("PPid:\t{}", host.child.id());
        let mut servers = self.servers();
        servers.retain(|pid| {
            let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
            status.lines().any(|line| line == parent)
        });
        servers
    }

    /// Every signer of so many tasks got one mail with a link and one with the document.
    pub(crate) fn every_mail_once(&self, tasks: usize) {
        for number in 0..tasks {
            assert_eq!(self.mails(number), (1, 1), "mails of task {number}");
        }
    }

    /// No signer of so many tasks got one of them twice.
    pub(crate) fn no_mail_twice(&self, tasks: usize) {
        for number in 0..tasks {
            let (links, documents) = self.mails(number);
            assert!(
                links <= 1 && documents <= 1,
                "mails of task {number}: {links}, {documents}"
            );
        }
    }

    /// A signer's mails with a link, and the others.
    fn mails(&self, number: usize) -> (usize, usize) {
        let mails = self.testbed.mailbox.mails();
        let own: Vec<_> = mails
            .iter()
            .filter(|mail| mail.recipients == [super::task::email(number)])
            .collect();
        let html = own
            .iter()
            .map(|mail| mail.parsed().html.unwrap_or_default());
        let links = html
            .filter(|html| html.contains("action=submitIntent"))
            .count();
        (links, own.len() - links)
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        for pid in self.servers() {
            kill(pid, rustix::process::Signal::KILL);
        }
        if std::thread::panicking() {
            let log = fs::read_to_string(self.path("host.log")).unwrap_or_default();
            let lines: Vec<&str> = log.lines().collect();
            eprintln!("{}", lines[lines.len().saturating_sub(60)..].join("\n"));
        }
    }
}

pub(crate) fn kill(pid: i32, signal: rustix::process::Signal) {
    if let Some(pid) = rustix::process::Pid::from_raw(pid) {
        // One that has ended already is as good.
        let _ = rustix::process::kill_process(pid, signal);
    }
}

/// A host's process. It is killed when this is dropped.
pub(crate) struct Host {
    child: Child,
    pub(crate) client: Client,
    log: PathBuf,
    port: u16,
}

impl Host {
    pub(crate) async fn status(&self) -> StatusReport {
        self.client.get("/status").await.unwrap()
    }

    pub(crate) async fn until_ready(&self) {
        self.until("it is ready", |status| status.ready).await;
    }

    pub(crate) async fn until(&self, what: &str, ready: impl Fn(&StatusReport) -> bool) {
        let end = Instant::now() + LIMIT;
        loop {
            let status = self.client.get::<StatusReport>("/status").await;
            if status.as_ref().is_ok_and(&ready) {
                return;
            }
            assert!(
                Instant::now() < end,
                "{what}: {status:?}, see {}",
                self.log.display()
            );
            sleep(Duration::from_millis(20)).await;
        }
    }

    pub(crate) async fn metrics(&self) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
        let request = "GET /metrics HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        text
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM, and waits for a good end.
    pub(crate) async fn terminate(mut self) {
        kill(
            i32::try_from(self.child.id()).unwrap(),
            rustix::process::Signal::TERM,
        );
        let end = Instant::now() + LIMIT;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                assert!(status.success(), "{status}");
                return;
            }
            assert!(Instant::now() < end, "the host does not end");
            sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The output of a command.
pub(crate) struct Printed {
    pub(crate) code: i32,
    pub(crate) text: String,
    pub(crate) errors: String,
}

/// Runs a command of `letsesign-host`.
pub(crate) fn run(rig: &Rig, arguments: &[&str]) -> Printed {
    run_with(rig, &[], arguments)
}

/// The same, with variables over the configuration.
pub(crate) fn run_with(rig: &Rig, variables: &[(String, String)], arguments: &[&str]) -> Printed {
    let output = Command::new(program("letsesign-host"))
        .arg("--config")
        .arg(rig.path("host.toml"))
        .args(arguments)
        .envs(variables.iter().cloned())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    Printed {
        code: output.status.code().unwrap(),
        text: String::from_utf8(output.stdout).unwrap(),
        errors: String::from_utf8(output.stderr).unwrap(),
    }
}
