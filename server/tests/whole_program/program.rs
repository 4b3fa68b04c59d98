//! The server's process.

use crate::host::Host;
use crate::nsm::MockNsm;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;

pub struct Program {
    child: Child,
    log: Option<JoinHandle<String>>,
    _configs: tempfile::TempDir,
}

impl Program {
    pub fn start(host: &Host, nsm: &MockNsm) -> Self {
        Self::with(host, nsm, &[])
    }

    /// The measured configuration with shorter time limits: a test should not wait for ten seconds.
    pub fn with(host: &Host, nsm: &MockNsm, variables: &[(&str, &str)]) -> Self {
        let configs = tempfile::tempdir().unwrap();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../enclave/configs");
        for name in ["egress.toml", "compatible.toml", "amazon.pem", "public.pem"] {
            std::fs::copy(source.join(name), configs.path().join(name)).unwrap();
        }
        let mut limits = std::fs::read_to_string(source.join("limits.toml")).unwrap();
        for (from, to) in [
            ("workers-max = 16", "workers-max = 1"),
            ("poll-ms = 100", "poll-ms = 5"),
            ("poll-most-ms = 1000", "poll-most-ms = 20"),
            ("head-ms = 10000", "head-ms = 1500"),
            ("idle-ms = 10000", "idle-ms = 1500"),
            ("exchange-ms = 60000", "exchange-ms = 4000"),
            ("delivery-ms = 120000", "delivery-ms = 30000"),
            ("retry-first-ms = 100", "retry-first-ms = 5"),
            ("retry-most-ms = 5000", "retry-most-ms = 20"),
        ] {
            assert!(limits.contains(from), "{from}");
            limits = limits.replace(from, to);
        }
        std::fs::write(configs.path().join("limits.toml"), limits).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_letsesign-server"))
            .env_clear()
            .env("LETSESIGN_JOB_API", format!("http://{}", host.address))
            .env("LETSESIGN_NSM_SOCKET", &nsm.socket)
            .env("LETSESIGN_CONFIGS", configs.path())
            .envs(variables.iter().copied())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stderr = child.stderr.take().unwrap();
        let log = std::thread::spawn(move || {
            let mut text = String::new();
            stderr.read_to_string(&mut text).unwrap();
            text
        });
        Self {
            child,
            log: Some(log),
            _configs: configs,
        }
    }

    pub fn assert_running(&mut self) {
        assert_eq!(self.child.try_wait().unwrap(), None, "the server ended");
    }

    pub fn signal(&self) {
        let id = i32::try_from(self.child.id()).unwrap();
        assert_eq!(send_terminate(id), 0);
    }

    /// Exit code and log.
    pub fn wait(&mut self) -> (Option<i32>, String) {
        let code = self.child.wait().unwrap().code();
        (code, self.log.take().unwrap().join().unwrap())
    }

    pub fn terminate(&mut self) -> (Option<i32>, String) {
        self.signal();
        self.wait()
    }
}

#[allow(unsafe_code)]
fn send_terminate(id: i32) -> i32 {
    // SAFETY: kill only takes numbers; the process is our child and not yet waited for.
    unsafe { libc::kill(id, libc::SIGTERM) }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
