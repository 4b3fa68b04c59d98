//! The two programs of an emulated enclave, with their arguments.

use super::options::{Options, TICK};
use super::process::Process;
use super::{BootError, Emulator, Image};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// The longest time for vhost-device-vsock to open its socket.
const HELPER_READY: Duration = Duration::from_secs(20);
/// Bytes that the vsock device buffers per connection. Linux 6.12 splits larger buffers than about
/// 32 KiB into pieces, of which the device reads only one, so it must never offer more room.
const VSOCK_BUFFER: u32 = 24576;

pub(super) fn start_vsock(
    emulator: &Emulator,
    folder: &Path,
    sockets: &Path,
    device: &Path,
) -> Result<Process, BootError> {
    let mut command = Command::new(&emulator.vsock);
    command
        .arg("--vm")
        .arg(format!(
            "guest-cid=4,uds-path={},socket={},tx-buffer-size={VSOCK_BUFFER}",
            sockets.display(),
            device.display()
        ))
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    let mut vsock = Process::start(command, &folder.join("vsock.log"))?;
    let deadline = Instant::now() + HELPER_READY;
    while !fs::exists(device).unwrap_or(false) {
        if let Some(status) = vsock.ended() {
            let log = vsock.log();
            return Err(BootError::Helper {
                program: "vhost-device-vsock",
                status,
                log,
            });
        }
        if Instant::now() >= deadline {
            return Err(BootError::Timeout {
                what: "socket of vhost-device-vsock".into(),
                after: HELPER_READY,
                console: vsock.log(),
            });
        }
        thread::sleep(TICK);
    }
    Ok(vsock)
}

pub(super) fn qemu_command(
    emulator: &Emulator,
    image: &Image,
    options: &Options,
    device: &Path,
) -> Command {
    let mut command = Command::new(&emulator.qemu);
    // A triple fault ends the guest's reboot at once; this machine lacks Nitro's keyboard
    // controller.
    let append = format!("reboot=t {}", options.append).trim_end().to_owned();
    match image {
        Image::Eif(path) => {
            command.args(["-M", "nitro-enclave,vsock=vsock,id=letsesign-enclave"]);
            command.arg("-kernel").arg(path).args(["-append", &append]);
        }
        Image::WithoutNsm(parts) => {
            // The vsock device runs in another process, so the guest's memory must be shareable.
            let memory = format!(
                "memory-backend-memfd,id=memory,size={}M,share=on",
                options.memory
            );
            command.args([
                "-object",
                &memory,
                "-M",
                "microvm,acpi=off,memory-backend=memory",
            ]);
            command.args(["-device", "vhost-user-vsock-device,chardev=vsock"]);
            command
                .arg("-kernel")
                .arg(&parts.kernel)
                .arg("-initrd")
                .arg(&parts.ramdisk);
            command
                .arg("-append")
                .arg(format!("{} {append}", parts.cmdline));
        }
    }
    if let Some(firmware) = &emulator.firmware {
        command.arg("-L").arg(firmware);
    }
    command
        .args(["-accel", "tcg", "-cpu", "max", "-no-reboot"])
        .args(["-display", "none", "-monitor", "none", "-serial", "stdio"])
        .args([
            "-m",
            &format!("{}M", options.memory),
            "-smp",
            &options.cpus.to_string(),
        ])
        .arg("-chardev")
        .arg(format!("socket,id=vsock,path={}", device.display()));
    command
}
