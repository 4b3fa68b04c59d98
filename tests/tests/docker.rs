//! The road through Docker: `docker build` of enclave/Dockerfile, made canonical, gives the very image and measurements of the
//! other roads. With a Docker daemon of the test's own.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use canoni::{Archive, Canonical, CanonicalOptions, Limits, Selector, TreeOptions};
use eif::{Build, Compression, Image, Metadata, Ramdisks, Silent, Source};
use letsesign_tests::{artifacts, skip};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// A daemon with its own data, socket and bridge-less network; ended when dropped.
struct Daemon {
    child: Child,
    socket: PathBuf,
    _data: tempfile::TempDir,
}

impl Daemon {
    /// Starts `dockerd`, or says why that cannot be.
    fn start() -> Result<Self, String> {
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

    fn docker(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("docker");
        command
            .arg("--host")
            .arg(format!("unix://{}", self.socket.display()))
            .args(arguments);
        command
    }

    fn run(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Result<(), String> {
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
        // TERM, so that containerd ends as well and mounts are undone.
        if let Some(pid) = i32::try_from(self.child.id())
            .ok()
            .and_then(rustix::process::Pid::from_raw)
        {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        let _ = self.child.wait();
    }
}

fn canonical(archive: &Path) -> Canonical {
    let image = Archive::open(archive, &Limits::default())
        .unwrap()
        .image(&Selector::default())
        .unwrap();
    Canonical::from_image(
        &image,
        &CanonicalOptions {
            flatten: true,
            ..CanonicalOptions::default()
        },
    )
    .unwrap()
}

#[test]
fn an_image_that_docker_built_has_the_same_measurements() {
    let Some(artifacts) = artifacts() else { return };
    let daemon = match Daemon::start() {
        Ok(daemon) => daemon,
        Err(reason) => return skip(&reason),
    };
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let dockerfile = repository.join("enclave/Dockerfile");
    let context = artifacts.join("docker");
    let ours = canonical(&artifacts.join("letsesign-enclave.tar"));
    let (_, expected) =
        Image::open(&artifacts.join("letsesign-enclave.eif"), Arc::new(Silent)).unwrap();

    let mut built = 0;
    for buildkit in ["0", "1"] {
        let tag = format!("letsesign-enclave:{buildkit}");
        let arguments = [
            "build",
            "--no-cache",
            "--tag",
            &tag,
            "--file",
            dockerfile.to_str().unwrap(),
            context.to_str().unwrap(),
        ];
        if let Err(reason) = daemon.run(&arguments, &[("DOCKER_BUILDKIT", buildkit)]) {
            // The classic builder is in every daemon; BuildKit wants a plugin of the client that not everybody has.
            assert_eq!(buildkit, "1", "{reason}");
            println!(
                "without BuildKit: {}",
                reason.lines().next().unwrap_or_default()
            );
            continue;
        }
        let scratch = tempfile::tempdir().unwrap();
        let saved = scratch.path().join("saved.tar");
        daemon
            .run(&["save", "--output", saved.to_str().unwrap(), &tag], &[])
            .unwrap();

        let theirs = canonical(&saved);
        assert_eq!(
            String::from_utf8_lossy(theirs.config()),
            String::from_utf8_lossy(ours.config())
        );
        assert_eq!(theirs.digest(), ours.digest());

        let source =
            Source::archive(&saved, &Selector::default(), &TreeOptions::default()).unwrap();
        let init = artifacts.join("bin/letsesign-init");
        let kernel = repository.join("enclave/packages/kernel/bzImage");
        let ramdisks = Ramdisks::Bundle {
            init: &init,
            tree: &source.tree,
            process: &source.process,
        };
        let mut build = Build::new(
            &kernel,
            &expected.cmdline,
            ramdisks,
            Metadata::new("docker", "0"),
        );
        build.compression = Compression::Lz4;
        assert_eq!(build.measure().unwrap().pcrs, expected.pcrs);
        built += 1;
    }
    assert!(built > 0);
}
