//! Where an emulator may already be: the environment, PATH, the cache.

use crate::packages::cache_folder;
use anyhow::{Result, bail};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The version of meson that this QEMU is built with.
pub(super) const MESON: &str = "1.8.5";
/// The version of vhost-device-vsock.
pub(super) const VSOCK: &str = "0.3.0";

/// Everything that what is built depends on.
const RECIPE: &[&str] = &[
    include_str!("packages.json"),
    include_str!("build-qemu.sh"),
    include_str!("vhost-device-vsock.patch"),
    MESON,
    VSOCK,
];

/// The programs that emulate an enclave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Emulator {
    /// qemu-system-x86_64 with the machine types nitro-enclave and microvm.
    pub(crate) qemu: PathBuf,
    /// Folder of its firmware; `None` when QEMU knows by itself.
    pub(crate) firmware: Option<PathBuf>,
    /// vhost-device-vsock that takes CID 3 for the host.
    pub(crate) vsock: PathBuf,
}

impl Emulator {
    /// Looks for an emulator; `None` when it has to be built. A program named by the environment that is no such emulator
    /// is an error.
    pub(super) fn find() -> Result<Option<Self>> {
        let given = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let built = Self::in_folder(&folder()?);
        let (qemu, firmware) = if let Some(qemu) = given("LETSESIGN_QEMU") {
            if !knows_nitro(&qemu) {
                bail!("LETSESIGN_QEMU is {}, which knows no machine type nitro-enclave", qemu.display());
            }
            (Some(qemu), given("LETSESIGN_QEMU_FIRMWARE"))
        } else if knows_nitro(Path::new("qemu-system-x86_64")) {
            (Some("qemu-system-x86_64".into()), None)
        } else {
            (None, None)
        };
        let vsock = match given("LETSESIGN_VHOST_VSOCK") {
            Some(path) if !path.is_file() => {
                bail!("LETSESIGN_VHOST_VSOCK is {}, which is no file", path.display())
            }
            given => given,
        };
        Ok(match (qemu, vsock, built) {
            (Some(qemu), Some(vsock), _) => Some(Self { qemu, firmware, vsock }),
            (Some(qemu), None, Some(built)) => Some(Self { qemu, firmware, ..built }),
            (None, Some(vsock), Some(built)) => Some(Self { vsock, ..built }),
            (None, None, built) => built,
            _ => None,
        })
    }

    /// The emulator that was built into `folder`.
    pub(super) fn in_folder(folder: &Path) -> Option<Self> {
        let emulator = Self {
            qemu: folder.join("bin/qemu-system-x86_64"),
            firmware: Some(folder.join("firmware")),
            vsock: folder.join("bin/vhost-device-vsock"),
        };
        (emulator.qemu.is_file() && emulator.vsock.is_file()).then_some(emulator)
    }
}

/// The folder of the cache for this very recipe.
pub(super) fn folder() -> Result<PathBuf> {
    let mut hash = Sha256::new();
    for part in RECIPE {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    let key = hex::encode(hash.finalize());
    Ok(cache_folder()?.join("emulator").join(key.get(..16).unwrap_or(&key)))
}

fn knows_nitro(qemu: &Path) -> bool {
    Command::new(qemu)
        .args(["-M", "help"])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .is_ok_and(|output| {
            String::from_utf8_lossy(&output.stdout)
                .lines()
                .any(|line| line.split_whitespace().next() == Some("nitro-enclave"))
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    fn program(folder: &Path, text: &str) -> PathBuf {
        let path = folder.join("qemu");
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    #[test]
    fn only_a_qemu_with_the_machine_type_will_do() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!knows_nitro(&program(folder.path(), "echo 'microvm  microvm (i386)'")));
        assert!(!knows_nitro(&program(folder.path(), "echo 'none  not nitro-enclave'")));
        assert!(knows_nitro(&program(folder.path(), "echo 'nitro-enclave        AWS Nitro Enclave'")));
        assert!(!knows_nitro(&folder.path().join("absent")));
    }

    #[test]
    fn half_an_emulator_is_none() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("bin")).unwrap();
        assert_eq!(Emulator::in_folder(folder.path()), None);
        fs::write(folder.path().join("bin/qemu-system-x86_64"), "").unwrap();
        assert_eq!(Emulator::in_folder(folder.path()), None);
        fs::write(folder.path().join("bin/vhost-device-vsock"), "").unwrap();
        assert!(Emulator::in_folder(folder.path()).is_some());
    }
}
