//! Debian's docker-registry, which is the distribution project's.

use std::io;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A registry on a loopback address; it ends when it is dropped.
#[derive(Debug)]
pub struct Registry {
    /// Address and port.
    pub host: String,
    child: Child,
}

impl Registry {
    /// Starts one that keeps its images in a folder; `auth` is added to its configuration. `None`
    /// means that the test must return; the reason was printed.
    ///
    /// # Errors
    /// Where it cannot be started, or does not listen within 30 seconds.
    ///
    /// # Panics
    /// With `REQUIRE_ALL=1`, instead of giving `None`.
    pub fn start(folder: &Path, auth: &str) -> io::Result<Option<Self>> {
        if !crate::is_installed("docker-registry") {
            crate::skip("docker-registry is not installed");
            return Ok(None);
        }
        let host = TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
        let text = format!(
            "version: 0.1\nlog:\n  level: error\nstorage:\n  filesystem:\n    rootdirectory: {}\n\
             http:\n  addr: {host}\n{auth}",
            folder.join("store").display()
        );
        let path = folder.join("config.yml");
        std::fs::write(&path, text)?;
        let child = Command::new("docker-registry")
            .arg("serve")
            .arg(path)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let registry = Self { host, child };
        let start = Instant::now();
        while let Err(error) = TcpStream::connect(&registry.host) {
            if start.elapsed() > Duration::from_secs(30) {
                return Err(error);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(Some(registry))
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
