//! A first process that shows the real init a machine whose random number generator is not the
//! NSM's.
//!
//! Our kernel has no other generator that could be attached, so this program fakes it one level
//! higher: it mounts what init would mount, with a file of its own in the place of sysfs,
//! makes further calls of mount(2) succeed without doing anything, and then becomes init
//! (`/rootfs/init`).

#![allow(unsafe_code, reason = "seccomp(2) takes its filter by pointer")]

use rustix::mount::{MountFlags, mount};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode};

/// The kernel's answer if a virtio device were its generator.
const OTHER_SOURCE: &str = "virtio_rng.0\n";

/// Runs init on top of the lie.
pub(crate) fn run() -> ExitCode {
    let reason = match prepare() {
        Ok(()) => Command::new("/rootfs/init").exec(),
        Err(error) => error,
    };
    println!("probe: the impostor failed: {reason}");
    ExitCode::FAILURE
}

fn prepare() -> io::Result<()> {
    for (kind, place) in [
        ("proc", "proc"),
        ("tmpfs", "sys"),
        ("devtmpfs", "dev"),
        ("tmpfs", "run"),
        ("tmpfs", "tmp"),
    ] {
        let place = Path::new("/rootfs").join(place);
        std::fs::create_dir_all(&place)?;
        mount(kind, &place, kind, MountFlags::empty(), None)?;
    }
    let misc = Path::new("/rootfs/sys/class/misc/hw_random");
    std::fs::create_dir_all(misc)?;
    std::fs::write(misc.join("rng_current"), OTHER_SOURCE)?;
    let clock = Path::new("/rootfs/sys/devices/system/clocksource/clocksource0");
    std::fs::create_dir_all(clock)?;
    std::fs::write(clock.join("current_clocksource"), "impostor\n")?;
    ignore_mounts()
}

/// From here on mount(2) returns 0 and does nothing.
fn ignore_mounts() -> io::Result<()> {
    let statement = |code: u32, value: u32, yes: u8, no: u8| libc::sock_filter {
        code: u16::try_from(code).unwrap_or_default(),
        jt: yes,
        jf: no,
        k: value,
    };
    let number = u32::try_from(libc::SYS_mount).unwrap_or_default();
    let mut filter = [
        // Offset 0 of struct seccomp_data is the number of the call.
        statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, 0),
        statement(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, number, 0, 1),
        statement(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_ERRNO, 0, 0),
        statement(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_ALLOW, 0, 0),
    ];
    let program = libc::sock_fprog {
        len: u16::try_from(filter.len()).unwrap_or_default(),
        filter: filter.as_mut_ptr(),
    };
    // SAFETY: the kernel copies the program, whose length is that of the array it points to, before
    // the call returns.
    let result = unsafe {
        libc::syscall(
            libc::SYS_seccomp,
            libc::SECCOMP_SET_MODE_FILTER,
            0,
            &raw const program,
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}
