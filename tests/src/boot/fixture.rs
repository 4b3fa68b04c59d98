//! The starting point of boot tests: an emulator and the enclave image of this tree, or the reason
//! for skipping.

use super::{BootError, Emulator};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// An emulator and the image of this tree.
#[derive(Debug, Clone)]
pub struct Fixture {
    /// The programs that emulate an enclave.
    pub emulator: Emulator,
    /// The enclave image (EIF).
    pub eif: PathBuf,
    /// The measured init inside the image.
    pub init: PathBuf,
}

impl Fixture {
    /// Finds or builds both. `None` means that the test must return; the reason has been printed.
    ///
    /// The image is the one that `LETSESIGN_EIF` names; otherwise `cargo xtask eif` builds it.
    ///
    /// # Panics
    /// With `REQUIRE_ALL=1`, instead of returning `None`; and when the image does not build.
    pub fn get() -> Option<Self> {
        let emulator = match Emulator::for_tests() {
            Ok(emulator) => emulator,
            Err(error) => {
                let required = env::var_os("REQUIRE_ALL").is_some_and(|value| value == "1");
                assert!(!required, "REQUIRE_ALL=1, but there is {error}");
                println!("skipped: {error}");
                return None;
            }
        };
        let eif = match env::var_os("LETSESIGN_EIF") {
            Some(path) => PathBuf::from(path),
            None => build(),
        };
        let init = eif.with_file_name("bin").join("letsesign-init");
        assert!(eif.is_file(), "the image {} is missing", eif.display());
        assert!(init.is_file(), "the init {} is missing", init.display());
        Some(Self {
            emulator,
            eif,
            init,
        })
    }
}

/// Runs `cargo xtask eif`. Concurrent tests take turns.
fn build() -> PathBuf {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap_or(Path::new("/"));
    let target =
        env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace.join("target"), PathBuf::from);
    let lock = fs::create_dir_all(&target)
        .and_then(|()| fs::File::create(target.join("boot-tests.lock")))
        .and_then(|file| file.lock().map(|()| file))
        .map_err(BootError::io("lock", &target));
    assert!(lock.is_ok(), "{lock:?}");
    let status = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["run", "--quiet", "--package", "xtask", "--", "eif"])
        .current_dir(workspace)
        .stdin(Stdio::null())
        .status();
    assert!(
        status.as_ref().is_ok_and(std::process::ExitStatus::success),
        "cargo xtask eif: {status:?}"
    );
    target.join("enclave/letsesign-enclave.eif")
}
