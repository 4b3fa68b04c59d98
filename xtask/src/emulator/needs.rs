//! Programs and libraries that the build of the emulator needs from the machine.

use crate::reproduce::script::spinner;
use anyhow::{Result, bail};
use std::process::{Command, Stdio};

/// Debian packages that the build needs on this machine.
const NEEDED: &[&str] = &[
    "binutils",
    "gcc",
    "libc6-dev",
    "libcbor-dev",
    "libfdt-dev",
    "libglib2.0-dev",
    "libgnutls28-dev",
    "ninja-build",
    "patch",
    "pkg-config",
    "python3",
    "python3-venv",
    "xz-utils",
    "zlib1g-dev",
];

/// Installs the Debian packages that the build needs if it may, else names the missing ones. On
/// other systems than Debian, the build itself fails and names them.
pub(super) fn require_packages() -> Result<()> {
    let mut missing = Vec::new();
    for package in NEEDED {
        let Ok(output) = Command::new("dpkg-query")
            .args(["-W", "-f", "${db:Status-Status}\\n", package])
            .stderr(Stdio::null())
            .output()
        else {
            return Ok(());
        };
        if !String::from_utf8_lossy(&output.stdout)
            .lines()
            .any(|line| line == "installed")
        {
            missing.push(*package);
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let list = missing.join(" ");
    let root = Command::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|output| output.stdout == b"0\n");
    if !root {
        bail!("the build of the emulator needs Debian packages: sudo apt-get install {list}");
    }
    let bar = spinner(&format!("installing {list}"));
    let install = || {
        Command::new("apt-get")
            .args(["install", "-y", "-qq", "--no-install-recommends"])
            .args(&missing)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .stdin(Stdio::null())
            .output()
            .is_ok_and(|output| output.status.success())
    };
    if !install() {
        // Lists that are out of date name packages that are gone.
        let _ = Command::new("apt-get")
            .args(["update", "-qq"])
            .stdin(Stdio::null())
            .output();
        if !install() {
            bail!("apt-get install {list} failed; run it to see why");
        }
    }
    bar.finish_and_clear();
    Ok(())
}
