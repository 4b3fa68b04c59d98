//! A Docker daemon for one test.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// A daemon with its own data and socket and without a bridge network; it ends when dropped.
#[derive(Debug)]
pub struct Daemon {
    child: Child,
    socket: PathBuf,
    _data: tempfile::TempDir,
}

impl Daemon {
    /// Starts `dockerd`; the error says why that is impossible.
    pub fn start() -> Result<Self, String> {
        if !rustix::process::geteuid().is_root() {
            return Err("a Docker daemon of its own needs root".to_owned());
        }
        let data = tempfile::tempdir().map_err(|error| error.to_string())?;
        let at = |name: &str| data.path().join(name);
        let log = File::create(at("log")).map_err(|error| error.to_string())?;
        let child = Command::new("dockerd")
            .arg("--host")
            .arg(format!("unix://{}", at("socket").display()))
            .arg("--data-root")
            .arg(at("data"))
            .arg("--exec-root")
            .arg(at("exec"))
            .arg("--pidfile")
            .arg(at("pid"))
            .args([
                "--bridge=none",
                "--iptables=false",
                "--ip6tables=false",
                "--ip-forward=false",
                "--storage-driver=vfs",
            ])
            .stdin(Stdio::null())
            .stdout(log.try_clone().map_err(|error| error.to_string())?)
            .stderr(log)
            .spawn()
            .map_err(|error| format!("dockerd cannot be started ({error}); install docker.io"))?;
        let mut daemon = Self {
            child,
            socket: at("socket"),
            _data: data,
        };
        let start = Instant::now();
        while !daemon
            .docker(&["version"])
            .output()
            .is_ok_and(|output| output.status.success())
        {
            if let Ok(Some(status)) = daemon.child.try_wait() {
                let log =
                    fs::read_to_string(daemon.socket.with_file_name("log")).unwrap_or_default();
                return Err(format!("dockerd ended ({status}): {log}"));
            }
            if start.elapsed() > Duration::from_mins(2) {
                return Err("dockerd does not answer".to_owned());
            }
            sleep(Duration::from_millis(200));
        }
        Ok(daemon)
    }

    /// Address of the socket, in the form of `DOCKER_HOST`.
    #[must_use]
    pub fn host(&self) -> String {
        format!("unix://{}", self.socket.display())
    }

    /// A command of the client for this daemon.
    #[must_use]
    pub fn docker(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("docker");
        command.arg("--host").arg(self.host()).args(arguments);
        command
    }

    /// Runs the client; its error output becomes the error.
    pub fn run(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Result<(), String> {
        let output = self
            .docker(arguments)
            .envs(environment.iter().copied())
            .output()
            .map_err(|error| error.to_string())?;
        if output.status.success() {
            return Ok(());
        }
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // SIGTERM, so that containerd ends as well and mounts are undone.
        if let Some(pid) = i32::try_from(self.child.id())
            .ok()
            .and_then(rustix::process::Pid::from_raw)
        {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        let _ = self.child.wait();
    }
}
