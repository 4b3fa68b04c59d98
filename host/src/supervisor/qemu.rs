//! An enclave image in QEMU's machine `nitro-enclave` (docs/emulator.md), for development. Its NSM
//! signs nothing, so it protects nothing.

use super::launcher::{Handle, LaunchError, Launcher, ProcessId, Spec, State};
use super::process;
use super::program::{processes_state, terminate_processes};
use crate::queue::StartId;
use async_trait::async_trait;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How long vhost-device-vsock may take to open its socket.
const DEVICE_READY: Duration = Duration::from_secs(20);
/// Bytes that the vsock device buffers per connection. Linux 6.12 splits larger buffers than about
/// 32 KiB into pieces, of which the device reads only one, so it must never offer more room.
const VSOCK_BUFFER: u32 = 24576;

/// The programs of the emulator; `cargo xtask emulator --json` prints their paths.
#[derive(Debug, Clone)]
pub struct Qemu {
    /// qemu-system-x86_64 with the machine type `nitro-enclave`.
    pub qemu: PathBuf,
    /// Folder of QEMU's firmware, where it does not find it itself.
    pub firmware: Option<PathBuf>,
    /// vhost-device-vsock, for which CID 3 is the host.
    pub vsock: PathBuf,
    /// Folder of the sockets `vmCID.vsock_PORT`, where
    /// [`UnixSockets`](crate::transport::UnixSockets) listens.
    pub sockets: PathBuf,
}

impl Qemu {
    async fn device(&self, spec: &Spec, socket: &Path) -> Result<ProcessId, LaunchError> {
        // One of an earlier start would be taken for this one's.
        let _ = std::fs::remove_file(socket);
        let own = self.sockets.join(format!("vm{}.vsock", spec.cid));
        let _ = std::fs::remove_file(&own);
        let mut command = Command::new(&self.vsock);
        command.arg("--vm").arg(format!(
            "guest-cid={},uds-path={},socket={},tx-buffer-size={VSOCK_BUFFER}",
            spec.cid,
            own.display(),
            socket.display()
        ));
        let id = process::spawn(&mut command, &spec.start, &spec.folder.join("vsock.log"))?;
        let until = Instant::now() + DEVICE_READY;
        while !socket.exists() {
            if process::state(id) == State::Ended || Instant::now() >= until {
                process::terminate(id, Duration::ZERO).await?;
                return Err(LaunchError::Failed(format!(
                    "vhost-device-vsock did not open {}; its messages are in {}",
                    socket.display(),
                    spec.folder.join("vsock.log").display()
                )));
            }
            sleep(Duration::from_millis(5)).await;
        }
        Ok(id)
    }

    fn machine(&self, spec: &Spec, device: &Path) -> Command {
        let mut command = Command::new(&self.qemu);
        command
            .args(["-M", "nitro-enclave,vsock=vsock,id=letsesign-enclave"])
            .arg("-kernel")
            .arg(&spec.image)
            // A triple fault ends the guest's reboot at once; this machine lacks Nitro's keyboard
            // controller.
            .args(["-append", "reboot=t"]);
        if let Some(firmware) = &self.firmware {
            command.arg("-L").arg(firmware);
        }
        command
            .args(["-accel", "tcg", "-cpu", "max", "-no-reboot"])
            // The console is not asked for: no enclave in operation has one.
            .args(["-display", "none", "-monitor", "none", "-serial", "null"])
            .arg("-m")
            .arg(format!("{}M", spec.memory_mib))
            .arg("-smp")
            .arg(spec.cpus.to_string())
            .arg("-chardev")
            .arg(format!("socket,id=vsock,path={}", device.display()));
        command
    }
}

#[async_trait]
impl Launcher for Qemu {
    fn name(&self) -> &'static str {
        "qemu"
    }

    fn is_emulation(&self) -> bool {
        true
    }

    async fn launch(&self, spec: &Spec) -> Result<Handle, LaunchError> {
        let socket = self.sockets.join(format!("vm{}.device", spec.cid));
        let device = self.device(spec, &socket).await?;
        let mut command = self.machine(spec, &socket);
        match process::spawn(&mut command, &spec.start, &spec.folder.join("qemu.log")) {
            Ok(machine) => Ok(Handle::Processes(vec![machine, device])),
            Err(error) => {
                process::terminate(device, Duration::ZERO).await?;
                Err(error)
            }
        }
    }

    async fn state(&self, handle: &Handle) -> Result<State, LaunchError> {
        processes_state(handle)
    }

    async fn terminate(&self, handle: &Handle, _grace: Duration) -> Result<(), LaunchError> {
        // Like nitro-cli, this asks nobody: an enclave is drained before.
        terminate_processes(handle, Duration::ZERO).await
    }

    async fn clean_up(&self, start: &StartId, _cid: u32) -> Result<(), LaunchError> {
        terminate_processes(&Handle::Processes(process::of_start(start)), Duration::ZERO).await
    }
}
