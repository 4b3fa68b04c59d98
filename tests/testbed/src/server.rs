//! The server's process.

use crate::Testbed;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A server that runs in a testbed, built with the feature `emulation`. It is killed when this is
/// dropped.
#[derive(Debug)]
pub struct Server {
    child: Child,
    log: Arc<Mutex<String>>,
    readers: Vec<JoinHandle<()>>,
    _configs: tempfile::TempDir,
}

impl Server {
    /// Starts it with the measured configuration, in which lines `key = ...` of limits.toml are
    /// changed: `("poll-ms", "5")`. Refusals are answered after 20 ms unless `refusal-ms` is given:
    /// tests refuse a lot, and only a few look at the time.
    pub fn start(program: &Path, testbed: &Testbed, limits: &[(&str, &str)]) -> Self {
        Self::with(program, testbed, limits, &[])
    }

    /// The same, with variables that are added to the testbed's, or replace them.
    ///
    /// # Panics
    /// When it does not start, or a key is not in limits.toml.
    pub fn with(
        program: &Path,
        testbed: &Testbed,
        limits: &[(&str, &str)],
        variables: &[(&str, &str)],
    ) -> Self {
        // A copy of the measured configuration: a test changes limits alone.
        let configs = tempfile::tempdir().expect("a folder");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../enclave/configs");
        copy(&source, configs.path());
        let path = configs.path().join("limits.toml");
        let mut text = std::fs::read_to_string(&path).expect("limits.toml");
        for (key, value) in [("refusal-ms", "20")].iter().chain(limits) {
            let lines: Vec<String> = text
                .lines()
                .map(|line| match line.split_once(" = ") {
                    Some((name, _)) if name == *key => format!("{key} = {value}"),
                    _ => line.to_owned(),
                })
                .collect();
            let changed = lines.join("\n");
            // A misspelt limit would leave the measured value in force without notice.
            assert!(
                lines.contains(&format!("{key} = {value}")),
                "no limit {key}"
            );
            text = changed;
        }
        std::fs::write(&path, text).expect("limits.toml");
        let mut child = Command::new(program)
            .env_clear()
            .envs(testbed.environment())
            .env("LETSESIGN_CONFIGS", configs.path())
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot run {}: {error}", program.display()));
        let log = Arc::new(Mutex::new(String::new()));
        // Drain both pipes, or a server that logs much would block on a full one.
        let readers = vec![
            read(child.stdout.take().expect("a pipe"), &log),
            read(child.stderr.take().expect("a pipe"), &log),
        ];
        Self {
            child,
            log,
            readers,
            _configs: configs,
        }
    }

    /// Whether it writes this within ten seconds, or has written it. A line may be on its way
    /// through the pipe when its job's result is there already.
    pub fn writes(&self, text: &str) -> bool {
        let end = Instant::now() + Duration::from_secs(10);
        while !self.log().contains(text) {
            if Instant::now() >= end {
                return false;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        true
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The text that it has written so far to standard output and standard error.
    pub fn log(&self) -> String {
        self.log
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Whether it runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Sends SIGTERM.
    pub fn signal(&self) {
        let id = i32::try_from(self.child.id())
            .ok()
            .and_then(rustix::process::Pid::from_raw);
        rustix::process::kill_process(id.expect("an id"), rustix::process::Signal::TERM)
            .expect("our child");
    }

    /// Waits for its end: exit code and log. Blocks; within a test of one thread use
    /// [`tokio::task::spawn_blocking`] or the other threads of a runtime for the testbed.
    ///
    /// # Panics
    /// After a minute.
    pub fn wait(mut self) -> (Option<i32>, String) {
        let end = Instant::now() + Duration::from_mins(1);
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("our child") {
                break status;
            }
            assert!(
                Instant::now() < end,
                "the server does not end:\n{}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(5));
        };
        for reader in self.readers.drain(..) {
            reader.join().expect("the log's reader");
        }
        (status.code(), self.log())
    }

    /// SIGTERM, and waits for the end without blocking the testbed: exit code and log.
    ///
    /// # Panics
    /// After a minute.
    pub async fn terminate(self) -> (Option<i32>, String) {
        self.signal();
        tokio::task::spawn_blocking(move || self.wait())
            .await
            .expect("no panic")
    }

    /// Resident memory and its high-water mark, in bytes, and CPU time in clock ticks of 10 ms.
    ///
    /// # Panics
    /// When it does not run.
    pub fn usage(&self) -> Usage {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", self.id())).expect("it runs");
        let field = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name));
            let number = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
            number.unwrap_or_default() << 10
        };
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.id())).expect("it runs");
        // utime and stime are the 12th and 13th after the name in brackets.
        let rest = stat
            .rsplit_once(')')
            .map(|(_, rest)| rest)
            .unwrap_or_default();
        let ticks: u64 = rest
            .split_whitespace()
            .skip(11)
            .take(2)
            .filter_map(|number| number.parse::<u64>().ok())
            .sum();
        Usage {
            resident: field("VmRSS:"),
            peak: field("VmHWM:"),
            cpu: Duration::from_millis(ticks * 10),
        }
    }
}

/// Resources that a process uses.
#[derive(Debug, Clone, Copy)]
pub struct Usage {
    /// Resident memory, bytes.
    pub resident: u64,
    /// The most it ever was.
    pub peak: u64,
    /// CPU time of all its threads.
    pub cpu: Duration,
}

/// Adds lines to the log as they come.
fn read(from: impl Read + Send + 'static, log: &Arc<Mutex<String>>) -> JoinHandle<()> {
    let log = Arc::clone(log);
    std::thread::spawn(move || {
        let mut lines = BufReader::new(from);
        let mut line = Vec::new();
        while lines
            .read_until(b'\n', &mut line)
            .is_ok_and(|count| count > 0)
        {
            let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
            log.push_str(&String::from_utf8_lossy(&line));
            line.clear();
        }
    })
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).expect("the configuration") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            std::fs::create_dir(&target).expect("a folder");
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("a copy");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
