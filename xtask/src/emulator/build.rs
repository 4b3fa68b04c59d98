//! Builds the emulator into the cache, step by step; a step that is done is not done again.

use super::locate::{self, MESON, VSOCK};
use super::needs::require_packages;
use crate::packages::cache_folder;
use crate::packages::pins::Pins;
use crate::reproduce::script::{run_logged, spinner};
use crate::workspace::{Workspace, cargo};
use anyhow::{Context, Result};
use letsesign_tests::boot::Emulator;
use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Builds what is missing and gives the whole emulator. Two that build at the same time do it one
/// after the other.
pub(super) fn build(workspace: &Workspace, packages: Option<&Path>) -> Result<Emulator> {
    let folder = locate::folder()?;
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let lock_path = folder.join("lock");
    let lock = File::create(&lock_path)
        .with_context(|| format!("cannot create {}", lock_path.display()))?;
    if lock.try_lock().is_err() {
        let bar = spinner("waiting for another build of the emulator");
        lock.lock()
            .with_context(|| format!("cannot lock {}", lock_path.display()))?;
        bar.finish_and_clear();
    }
    let found = locate::find()?;
    let build = Build {
        folder,
        logs: workspace.target()?.join("emulator"),
    };
    if found.qemu.is_none() {
        require_packages()?;
        build.step("qemu", |work, out| build.qemu(work, out, packages))?;
    }
    if found.vsock.is_none() {
        build.step("vsock", |work, out| build.vsock(work, out))?;
    }
    let emulator = locate::find()?.whole();
    emulator.with_context(|| format!("{} is not whole after the build", build.folder.display()))
}

struct Build {
    folder: PathBuf,
    logs: PathBuf,
}

impl Build {
    /// Runs one step in a clean working folder; its output appears at once or not at all.
    fn step(&self, name: &str, work: impl FnOnce(&Path, &Path) -> Result<()>) -> Result<()> {
        let done = self.folder.join(name);
        let (scratch, out) = (
            self.folder.join(format!("{name}.work")),
            self.folder.join(format!("{name}.out")),
        );
        for path in [&scratch, &out, &done] {
            if path.exists() {
                fs::remove_dir_all(path)
                    .with_context(|| format!("cannot remove {}", path.display()))?;
            }
        }
        for path in [&scratch, &out] {
            fs::create_dir_all(path)
                .with_context(|| format!("cannot create {}", path.display()))?;
        }
        work(&scratch, &out)?;
        fs::rename(&out, &done).with_context(|| format!("cannot create {}", done.display()))?;
        fs::remove_dir_all(&scratch).with_context(|| format!("cannot remove {}", scratch.display()))
    }

    fn qemu(&self, work: &Path, out: &Path, packages: Option<&Path>) -> Result<()> {
        let cache = cache_folder()?;
        let downloads = cache.join("packages");
        let pins: Pins = serde_json::from_str(include_str!("packages.json"))
            .context("the recipe's packages.json")?;
        let bar = spinner("QEMU: source");
        pins.obtain(&downloads, &cache, packages)?;
        bar.finish_and_clear();
        let sources = work.join("sources");
        let build = work.join("build");
        for path in [&sources, &build] {
            fs::create_dir(path).with_context(|| format!("cannot create {}", path.display()))?;
        }
        for pin in &pins.packages {
            symlink(downloads.join(&pin.file), sources.join(&pin.file))
                .context("cannot link a source file")?;
        }
        // QEMU needs this version of meson; a private environment leaves the user's Python alone.
        let environment = work.join("meson");
        let mut venv = Command::new("python3");
        venv.args(["-m", "venv"]).arg(&environment);
        run_logged(
            venv,
            "QEMU: Python environment",
            &self.logs.join("venv.log"),
        )?;
        let mut pip = Command::new(environment.join("bin/pip"));
        pip.args(["install", "--quiet", "--disable-pip-version-check"])
            .arg(format!("meson=={MESON}"));
        run_logged(pip, "QEMU: meson", &self.logs.join("meson.log"))?;

        let script = work.join("build-qemu.sh");
        fs::write(&script, include_str!("build-qemu.sh"))
            .context("cannot write the build script")?;
        let patch = work.join("qemu-nsm.patch");
        fs::write(&patch, include_str!("qemu-nsm.patch")).context("cannot write the patch")?;
        let mut paths = vec![environment.join("bin")];
        paths.extend(std::env::split_paths(
            &std::env::var_os("PATH").unwrap_or_default(),
        ));
        let jobs = std::thread::available_parallelism().map_or(1, usize::from);
        let mut command = Command::new("sh");
        command
            .arg(&script)
            .args([&sources, &build])
            .arg(out)
            .arg(jobs.to_string())
            .arg(&patch)
            .env(
                "PATH",
                std::env::join_paths(paths).context("PATH has an entry with a colon")?,
            );
        run_logged(command, "QEMU", &self.logs.join("qemu.log"))
    }

    fn vsock(&self, work: &Path, out: &Path) -> Result<()> {
        // A package that asks for it by name makes cargo fetch and verify it.
        let fetch = work.join("fetch");
        fs::create_dir_all(fetch.join("src")).context("cannot create a package")?;
        fs::write(fetch.join("src/lib.rs"), "").context("cannot write a package")?;
        let manifest = format!(
            "[package]\nname = \"fetch\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[dependencies]\n\
             vhost-device-vsock = \"={VSOCK}\"\n\n[workspace]\n"
        );
        fs::write(fetch.join("Cargo.toml"), manifest).context("cannot write a package")?;
        // Not `cargo metadata`, which leaves out dependencies that have no library.
        let vendor = work.join("vendor");
        let mut command = Command::new(cargo());
        command
            .args([
                "vendor",
                "--quiet",
                "--versioned-dirs",
                "--respect-source-config",
            ])
            .arg(&vendor)
            .current_dir(&fetch);
        run_logged(
            command,
            "vhost-device-vsock: source",
            &self.logs.join("vsock-source.log"),
        )?;
        let copy = vendor.join(format!("vhost-device-vsock-{VSOCK}"));
        let patch = work.join("vsock.patch");
        fs::write(&patch, include_str!("vhost-device-vsock.patch"))
            .context("cannot write the patch")?;
        let mut command = Command::new("patch");
        command
            .args(["-p1", "--batch", "-d"])
            .arg(&copy)
            .arg("-i")
            .arg(&patch);
        run_logged(
            command,
            "vhost-device-vsock: patch",
            &self.logs.join("vsock-patch.log"),
        )?;

        let target = work.join("target");
        let mut command = Command::new(cargo());
        command
            .args(["build", "--release", "--locked", "--quiet", "--target-dir"])
            .arg(&target)
            .current_dir(&copy)
            // Flags for the measured programs have no business here.
            .env_remove("RUSTFLAGS")
            .env_remove("CARGO_ENCODED_RUSTFLAGS")
            .env_remove("CARGO_BUILD_TARGET");
        run_logged(
            command,
            "vhost-device-vsock: compile",
            &self.logs.join("vsock.log"),
        )?;
        fs::rename(
            target.join("release/vhost-device-vsock"),
            out.join("vhost-device-vsock"),
        )
        .context("cargo built no vhost-device-vsock")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_step_leaves_nothing_and_starts_afresh() {
        let folder = tempfile::tempdir().unwrap();
        let build = Build {
            folder: folder.path().to_owned(),
            logs: folder.path().to_owned(),
        };
        let failed = build.step("one", |_, out| {
            fs::write(out.join("half"), "").unwrap();
            anyhow::bail!("no")
        });
        assert!(failed.is_err());
        assert!(!folder.path().join("one").exists());
        build
            .step("one", |work, out| {
                assert!(fs::read_dir(work).unwrap().next().is_none());
                fs::write(out.join("whole"), "").unwrap();
                Ok(())
            })
            .unwrap();
        assert!(folder.path().join("one/whole").is_file());
        assert!(!folder.path().join("one/half").exists());
    }

    #[test]
    fn the_recipe_pins_qemu_and_its_firmware() {
        let pins: Pins = serde_json::from_str(include_str!("packages.json")).unwrap();
        for name in ["qemu", "qemu-system-data", "seabios"] {
            assert!(pins.packages.iter().any(|pin| pin.name == name), "{name}");
        }
    }
}
