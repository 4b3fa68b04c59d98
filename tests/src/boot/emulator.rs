use super::BootError;
use serde::{Deserialize, Serialize};
use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The programs that emulate an enclave; `cargo xtask emulator --json` prints one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Emulator {
    /// qemu-system-x86_64 with the machine types `nitro-enclave` and `microvm`.
    pub qemu: PathBuf,
    /// Folder of QEMU's firmware; `None` when QEMU finds it itself.
    pub firmware: Option<PathBuf>,
    /// The program vhost-device-vsock, which assigns CID 3 to the host.
    pub vsock: PathBuf,
}

impl Emulator {
    /// Finds the emulator of this machine for tests. With `REQUIRE_ALL=1`, builds a missing one;
    /// otherwise a missing emulator is an error, which a test prints as the reason for skipping.
    ///
    /// # Errors
    /// [`BootError::Emulator`] with the output of xtask.
    pub fn for_tests() -> Result<Self, BootError> {
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .unwrap_or(Path::new("/"));
        let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command
            .args([
                "run",
                "--quiet",
                "--package",
                "xtask",
                "--",
                "emulator",
                "--json",
            ])
            .current_dir(workspace)
            .stdin(Stdio::null());
        if env::var_os("REQUIRE_ALL").is_none_or(|value| value != "1") {
            command.arg("--no-build");
        }
        let output = command
            .output()
            .map_err(|error| BootError::Emulator(format!("cannot run cargo: {error}")))?;
        if !output.status.success() {
            return Err(BootError::Emulator(
                String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            ));
        }
        serde_json::from_slice(&output.stdout).map_err(|error| {
            BootError::Emulator(format!("cargo xtask emulator printed no paths: {error}"))
        })
    }
}
