//! Programs that are built like the measured ones depend on nothing in their environment.
#![cfg(test)]

use letsesign_tests::{artifacts, skip};
use std::fs;
use std::os::unix::process::CommandExt;
use std::process::{Command, Output};

/// Runs the probe as the only file of a root directory: no /dev, no /proc, no libraries.
fn in_an_empty_root(arguments: &[&str]) -> Option<Output> {
    let artifacts = artifacts()?;
    if !rustix::process::geteuid().is_root() {
        skip("another root directory needs root");
        return None;
    }
    let root = tempfile::tempdir().unwrap();
    fs::copy(
        artifacts.join("bin/letsesign-probe"),
        root.path().join("probe"),
    )
    .unwrap();
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
    let place = root.path().to_owned();
    let mut command = Command::new("/probe");
    command.args(arguments).env_clear();
    // SAFETY: one system call between fork and exec, made without the libc; nothing is allocated.
    #[allow(unsafe_code)]
    unsafe {
        command.pre_exec(move || {
            rustix::process::chroot(&place)?;
            rustix::process::chdir("/")?;
            Ok(())
        });
    }
    Some(command.output().unwrap())
}

/// In a static program, the getrandom crate cannot look up its system call and falls back to
/// /dev/urandom, unless `--cfg getrandom_backend` forbids it (xtask/src/hermetic/environment.rs).
#[test]
fn randomness_needs_no_device_file() {
    let (Some(first), Some(second)) =
        (in_an_empty_root(&["random"]), in_an_empty_root(&["random"]))
    else {
        return;
    };
    for output in [&first, &second] {
        assert!(output.status.success(), "{output:?}");
        assert_eq!(output.stdout.len(), 65, "{output:?}");
    }
    assert_ne!(first.stdout, second.stdout);
}

#[test]
fn usage_errors_are_reported() {
    let Some(output) = in_an_empty_root(&["nonsense"]) else {
        return;
    };
    assert!(!output.status.success());
    assert!(
        String::from_utf8_lossy(&output.stdout).contains("unknown mode"),
        "{output:?}"
    );
}
