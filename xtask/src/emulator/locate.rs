//! Where an emulator may already be: the environment, PATH, the cache.

use crate::packages::cache_folder;
use anyhow::{Result, bail};
use letsesign_tests::boot::Emulator;
use sha2::{Digest, Sha256};
use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The version of meson that this QEMU is built with.
pub(super) const MESON: &str = "1.8.5";
/// The version of vhost-device-vsock.
pub(super) const VSOCK: &str = "0.3.0";

/// All inputs of the build.
const RECIPE: &[&str] = &[
    include_str!("packages.json"),
    include_str!("build-qemu.sh"),
    include_str!("qemu-nsm.patch"),
    include_str!("vhost-device-vsock.patch"),
    MESON,
    VSOCK,
];

/// The parts of an emulator that were found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// QEMU and the folder of its firmware.
    pub(super) qemu: Option<(PathBuf, Option<PathBuf>)>,
    pub(super) vsock: Option<PathBuf>,
}

impl Found {
    /// The emulator, if nothing is missing.
    pub(super) fn whole(self) -> Option<Emulator> {
        let (qemu, firmware) = self.qemu?;
        Some(Emulator {
            qemu,
            firmware,
            vsock: self.vsock?,
        })
    }
}

/// Looks for the two programs: named by the environment, on PATH, built before. An
/// unusable one that the environment names is an error.
pub(super) fn find() -> Result<Found> {
    let given = |name: &str| {
        env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let mut found = in_folder(&folder()?);
    if let Some(qemu) = given("LETSESIGN_QEMU") {
        if !knows_nitro(&qemu) {
            bail!(
                "LETSESIGN_QEMU is {}, which knows no machine type nitro-enclave",
                qemu.display()
            );
        }
        found.qemu = Some((qemu, given("LETSESIGN_QEMU_FIRMWARE")));
    } else if knows_nitro(Path::new("qemu-system-x86_64")) {
        found.qemu = Some(("qemu-system-x86_64".into(), None));
    }
    if let Some(path) = given("LETSESIGN_VHOST_VSOCK") {
        if !path.is_file() {
            bail!(
                "LETSESIGN_VHOST_VSOCK is {}, which is not a file",
                path.display()
            );
        }
        found.vsock = Some(path);
    }
    Ok(found)
}

/// The parts of an emulator that were built into `folder`.
pub(super) fn in_folder(folder: &Path) -> Found {
    let qemu = folder.join("qemu/bin/qemu-system-x86_64");
    let vsock = folder.join("vsock/vhost-device-vsock");
    Found {
        qemu: qemu
            .is_file()
            .then(|| (qemu, Some(folder.join("qemu/firmware")))),
        vsock: vsock.is_file().then_some(vsock),
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
    Ok(cache_folder()?
        .join("emulator")
        .join(key.get(..16).unwrap_or(&key)))
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
        assert!(!knows_nitro(&program(
            folder.path(),
            "echo 'microvm  microvm (i386)'"
        )));
        assert!(!knows_nitro(&program(
            folder.path(),
            "echo 'none  not nitro-enclave'"
        )));
        assert!(knows_nitro(&program(
            folder.path(),
            "echo 'nitro-enclave        AWS Nitro Enclave'"
        )));
        assert!(!knows_nitro(&folder.path().join("absent")));
    }

    #[test]
    fn half_an_emulator_is_none() {
        let folder = tempfile::tempdir().unwrap();
        for (path, whole) in [
            ("qemu/bin/qemu-system-x86_64", false),
            ("vsock/vhost-device-vsock", true),
        ] {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            assert!(in_folder(folder.path()).whole().is_none());
            fs::write(path, "").unwrap();
            assert_eq!(in_folder(folder.path()).whole().is_some(), whole);
        }
    }
}
