use super::console::{Console, Line};
use super::options::{Options, TICK};
use super::process::Process;
use super::programs::{qemu_command, start_vsock};
use super::{BootError, Emulator, Host, Image};
use serde_json::Value;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// The longest path of the folder. The path of a unix socket has room for 108 bytes with the final
/// NUL; the longest appended name is `/vm.vsock_9001`.
const FOLDER_MAX: usize = 107 - 14;
/// The message of QEMU 10.0 when its NSM processes a request before the guest has supplied the
/// response buffer, which happens on a busy host. The device answers nothing from then on, so
/// waiting is pointless.
const NSM_STOPPED: &str = "Expected response buffer after request buffer in virtqueue";
/// Interval at which QEMU's messages are checked.
const LOOK: Duration = Duration::from_millis(250);
/// A running enclave. Dropping it ends everything that belongs to it.
#[derive(Debug)]
pub struct Machine {
    // In the order of destruction: QEMU, its vsock device, the servers on the sockets, the folder
    // with the sockets.
    qemu: Process,
    _vsock: Process,
    _runtime: Runtime,
    reader: Option<JoinHandle<()>>,
    folder: TempDir,
    console: Console,
    host: Host,
    power_on: Instant,
}

impl Machine {
    /// Starts an image. Returns when QEMU runs, which is before the image has booted.
    ///
    /// # Errors
    /// When a program of the emulator cannot be started, or a socket cannot be created.
    pub fn boot(emulator: &Emulator, image: &Image, options: Options) -> Result<Self, BootError> {
        let folder = tempfile::Builder::new()
            .prefix("enclave-")
            .tempdir()
            .map_err(BootError::io("create a folder in", std::env::temp_dir()))?;
        if folder.path().as_os_str().len() > FOLDER_MAX {
            return Err(BootError::Emulator(format!(
                "{} is too long for the path of a socket; set TMPDIR to a shorter one",
                folder.path().display()
            )));
        }
        let host = Host::default();
        let sockets = folder.path().join("vm.vsock");
        let runtime = host.serve(&sockets, &options)?;
        let device = folder.path().join("device");
        let vsock = start_vsock(emulator, folder.path(), &sockets, &device)?;

        let mut command = qemu_command(emulator, image, &options, &device);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let power_on = Instant::now();
        host.power_on(power_on);
        let mut qemu = Process::start(command, &folder.path().join("qemu.log"))?;
        let console = Console::default();
        let reader = qemu.child().stdout.take().map(|output| {
            let (console, sink) = (console.clone(), options.console);
            thread::spawn(move || console.collect(output, power_on, sink))
        });
        Ok(Self {
            qemu,
            _vsock: vsock,
            _runtime: runtime,
            reader,
            folder,
            console,
            host,
            power_on,
        })
    }

    /// The parent of this enclave.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// All lines of the console so far.
    pub fn console(&self) -> Vec<Line> {
        self.console.lines()
    }

    /// The texts of these lines.
    pub fn console_text(&self) -> Vec<String> {
        let lines = self.console.lines().into_iter();
        lines.map(|line| line.text).collect()
    }

    /// Time since power-on.
    pub fn uptime(&self) -> Duration {
        self.power_on.elapsed()
    }

    /// Process id of QEMU.
    pub fn pid(&mut self) -> u32 {
        self.qemu.child().id()
    }

    /// Folder of the sockets: `vm.vsock` for connections to the enclave, `vm.vsock_PORT` for
    /// connections from it.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Waits for the heartbeat and returns the time from power-on to it.
    ///
    /// # Errors
    /// [`BootError::Timeout`], or [`BootError::Ended`] when the enclave ended first.
    pub fn wait_heartbeat(&mut self, limit: Duration) -> Result<Duration, BootError> {
        self.wait("the heartbeat", limit, |machine| machine.host.heartbeat())
    }

    /// Waits for the first `get-job` and returns the time from power-on to it.
    ///
    /// # Errors
    /// As [`Machine::wait_heartbeat`].
    pub fn wait_first_get_job(&mut self, limit: Duration) -> Result<Duration, BootError> {
        self.wait("the first get-job", limit, |machine| {
            machine.host.first_get_job()
        })
    }

    /// Waits for the result of a session and takes it.
    ///
    /// # Errors
    /// As [`Machine::wait_heartbeat`].
    pub fn wait_result(&mut self, session: &str, limit: Duration) -> Result<Value, BootError> {
        self.wait(&format!("the result of {session}"), limit, |machine| {
            machine.host.take_result(session)
        })
    }

    /// Waits for a line of the console that contains `text`.
    ///
    /// # Errors
    /// As [`Machine::wait_heartbeat`].
    pub fn wait_console(&mut self, text: &str, limit: Duration) -> Result<Line, BootError> {
        self.wait(&format!("the line {text:?}"), limit, |machine| {
            machine.console.find(text)
        })
    }

    /// Waits until the enclave and its console have ended. QEMU's status is 0 after a reboot of the
    /// guest.
    ///
    /// # Errors
    /// [`BootError::Timeout`].
    pub fn wait_end(&mut self, limit: Duration) -> Result<ExitStatus, BootError> {
        let deadline = Instant::now() + limit;
        loop {
            if let Some(status) = self.qemu.ended() {
                if let Some(reader) = self.reader.take() {
                    // This fails only if a sink panicked; the lines are available anyway.
                    let _ = reader.join();
                }
                return Ok(status);
            }
            if Instant::now() >= deadline {
                return Err(self.timeout("end of the enclave", limit));
            }
            thread::sleep(TICK);
        }
    }

    /// Whether the emulator's NSM has stopped. Then a failure is not the image's fault, and another
    /// boot may succeed.
    pub fn nsm_stopped(&self) -> bool {
        self.qemu.log().contains(NSM_STOPPED)
    }

    fn wait<T>(
        &mut self,
        what: &str,
        limit: Duration,
        mut ready: impl FnMut(&Self) -> Option<T>,
    ) -> Result<T, BootError> {
        let deadline = Instant::now() + limit;
        let mut look = Instant::now() + LOOK;
        loop {
            if Instant::now() >= look {
                if self.nsm_stopped() {
                    return Err(BootError::Nsm(self.last_words()));
                }
                look = Instant::now() + LOOK;
            }
            let ended = self.qemu.ended();
            if ended.is_some() {
                // Keep the last messages before the end.
                if let Some(reader) = self.reader.take() {
                    let _ = reader.join();
                }
            }
            if let Some(found) = ready(self) {
                return Ok(found);
            }
            if let Some(status) = ended {
                let console = self.last_words();
                return Err(BootError::Ended {
                    what: what.to_owned(),
                    status,
                    console,
                });
            }
            if Instant::now() >= deadline {
                return Err(self.timeout(what, limit));
            }
            thread::sleep(TICK);
        }
    }

    fn timeout(&self, what: &str, after: Duration) -> BootError {
        BootError::Timeout {
            what: what.to_owned(),
            after,
            console: self.last_words(),
        }
    }

    fn last_words(&self) -> String {
        let log = self.qemu.log();
        let tail = self.console.tail(30);
        if log.is_empty() {
            tail
        } else {
            format!("{tail}\nqemu: {log}")
        }
    }
}
