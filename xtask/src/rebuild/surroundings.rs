//! A second place to build in, as different from the first as this machine allows.

use crate::measurements::git;
use crate::workspace::{Toolchain, Workspace, cargo_home};
use anyhow::{Context, Result, bail};
use std::env;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The user and group `nobody` of most systems; any number but the builder's would do.
const OTHER_USER: u32 = 65_534;

/// A prepared copy of the tree. Removed when dropped.
pub(super) struct Surroundings {
    directory: tempfile::TempDir,
    toolchain: PathBuf,
    /// Whether the build can run as another user.
    root: bool,
    /// Holds the library that moves the clock (tests/clock): ld.so takes a blank in LD_PRELOAD for
    /// a separator.
    clock: tempfile::TempDir,
}

impl Surroundings {
    pub(super) fn prepare(workspace: &Workspace) -> Result<Self> {
        let directory = tempfile::Builder::new()
            .prefix("other place ")
            .tempdir()
            .context("cannot create a directory")?;
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755))?;
        let clock = tempfile::Builder::new()
            .prefix("clock-")
            .tempdir()
            .context("cannot create a directory")?;
        fs::set_permissions(clock.path(), fs::Permissions::from_mode(0o755))?;
        let surroundings = Self {
            toolchain: Toolchain::find(workspace)?.sysroot,
            root: rustix::process::geteuid().is_root(),
            clock,
            directory,
        };
        if crate::test::require_all() && !surroundings.root {
            bail!("REQUIRE_ALL=1 wants this as root: another user cannot be taken on otherwise");
        }
        surroundings.copy_tree(workspace)?;
        surroundings.copy_registry()?;
        surroundings.build_clock(workspace)?;
        if surroundings.root {
            give_away(surroundings.directory.path())?;
        }
        Ok(surroundings)
    }

    fn tree(&self) -> PathBuf {
        self.directory.path().join("tree")
    }

    fn cargo_home(&self) -> PathBuf {
        self.directory.path().join("cargo home")
    }

    fn clock_library(&self) -> PathBuf {
        self.clock.path().join("clock.so")
    }

    fn target(&self) -> PathBuf {
        self.directory.path().join("output")
    }

    pub(super) fn artifacts(&self) -> PathBuf {
        self.target().join("enclave")
    }

    pub(super) fn keep(self) -> PathBuf {
        self.directory.keep()
    }

    pub(super) fn describe(&self) -> Vec<String> {
        let or_not = |done: bool, what: &str, why: &str| {
            if done {
                what.to_owned()
            } else {
                format!("NOT {what}: {why}")
            }
        };
        vec![
            format!(
                "directory {}, files created in reverse order",
                self.tree().display()
            ),
            format!(
                "CARGO_HOME {}, one core, umask 077, TZ, LANG, SOURCE_DATE_EPOCH",
                self.cargo_home().display()
            ),
            or_not(
                self.root,
                "user 65534, toolchain bound to another directory",
                "needs root",
            ),
            "the clock 1500 days ahead".to_owned(),
        ]
    }

    /// Builds the library that moves the clock, with the user's own toolchain and settings.
    fn build_clock(&self, workspace: &Workspace) -> Result<()> {
        let status = Command::new(crate::workspace::cargo())
            .args([
                "build",
                "--quiet",
                "--locked",
                "--package",
                "letsesign-clock",
            ])
            .current_dir(workspace.root())
            .status()
            .context("cannot run cargo")?;
        if !status.success() {
            bail!("the library that moves the clock does not build ({status})");
        }
        let built = workspace.target()?.join("debug/libletsesign_clock.so");
        fs::copy(&built, self.clock_library())
            .with_context(|| format!("cannot copy {}", built.display()))?;
        Ok(())
    }

    /// Copies what git knows of, and what it does not ignore, last path first.
    fn copy_tree(&self, workspace: &Workspace) -> Result<()> {
        let mut paths = git::paths(
            workspace,
            &[
                "ls-files",
                "-z",
                "--cached",
                "--others",
                "--exclude-standard",
            ],
        )?;
        paths.sort_unstable();
        for path in paths.iter().rev() {
            let (from, to) = (workspace.root().join(path), self.tree().join(path));
            // A file that is deleted but not yet committed so is not part of the tree.
            if !from.exists() {
                continue;
            }
            if let Some(parent) = to.parent() {
                fs::create_dir_all(parent)?;
            }
            fs::copy(&from, &to).with_context(|| format!("cannot copy {}", path.display()))?;
        }
        Ok(())
    }

    /// Another CARGO_HOME with the same downloads, so that nothing is fetched twice; cargo unpacks
    /// them there anew.
    fn copy_registry(&self) -> Result<()> {
        let home = cargo_home().context("neither CARGO_HOME nor HOME is set")?;
        for part in ["registry/cache", "registry/index", "config.toml"] {
            let from = home.join(part);
            if from.exists() {
                copy_recursively(&from, &self.cargo_home().join(part))?;
            }
        }
        Ok(())
    }

    /// Runs `cargo xtask eif` there.
    ///
    /// As root this happens in a mount namespace of its own, where the toolchain is bound to
    /// another path: the other user may not be able to read ours, and where a toolchain lies must
    /// not matter.
    pub(super) fn build(&self) -> Result<()> {
        let bound = self.directory.path().join("toolchain");
        fs::create_dir(&bound)?;
        let script = if self.root {
            "set -eu; mount --bind \"$ORIGINAL\" \"$BOUND\"; umask 077; cd \"$TREE\"; \
             [ \"$(LD_PRELOAD=\"$CLOCK\" date +%s)\" -gt \"$(($(date +%s) + 86400000))\" ] || { \
             echo 'the library of tests/clock does not move the clock' >&2; exit 1; }; \
             exec taskset -c \"$CORE\" setpriv --reuid=\"$OTHER\" --regid=\"$OTHER\" --clear-groups -- \
             env PATH=\"$BOUND/bin:$PATH\" LD_PRELOAD=\"$CLOCK\" cargo xtask eif"
        } else {
            symlink(&self.toolchain, bound.join("link")).context("cannot link the toolchain")?;
            "set -eu; umask 077; cd \"$TREE\"; exec taskset -c \"$CORE\" \
             env PATH=\"$BOUND/link/bin:$PATH\" LD_PRELOAD=\"$CLOCK\" cargo xtask eif"
        };
        let mut command = if self.root {
            let mut command = Command::new("unshare");
            command.args(["--mount", "sh", "-c", script]);
            command
        } else {
            let mut command = Command::new("sh");
            command.args(["-c", script]);
            command
        };
        command
            .env_clear()
            .envs(self.variables())
            .env("ORIGINAL", &self.toolchain)
            .env("BOUND", &bound)
            .env("TREE", self.tree());
        let status = command.status().context("cannot start the second build")?;
        if !status.success() {
            bail!("the second build failed ({status})");
        }
        Ok(())
    }

    fn variables(&self) -> Vec<(OsString, OsString)> {
        let path = env::var_os("PATH").unwrap_or_default();
        let mut variables: Vec<(OsString, OsString)> = [
            ("PATH", path.as_os_str()),
            ("HOME", self.directory.path().as_os_str()),
            ("TMPDIR", self.directory.path().as_os_str()),
            ("CARGO_HOME", self.cargo_home().as_os_str()),
            ("CARGO_TARGET_DIR", self.target().as_os_str()),
        ]
        .map(|(name, value)| (name.into(), value.to_owned()))
        .to_vec();
        let core = rustix::thread::sched_getcpu().to_string();
        let other = OTHER_USER.to_string();
        for (name, value) in [
            ("CORE", core.as_str()),
            ("OTHER", other.as_str()),
            ("CARGO_NET_OFFLINE", "true"),
            ("TZ", "Asia/Kathmandu"),
            ("LANG", "tr_TR.UTF-8"),
            ("LC_ALL", "tr_TR.UTF-8"),
            ("SOURCE_DATE_EPOCH", "1234567890"),
            ("RUSTFLAGS", "-Copt-level=0"),
        ] {
            variables.push((name.into(), value.into()));
        }
        variables.push(("CLOCK".into(), self.clock_library().into()));
        variables
    }
}

fn copy_recursively(from: &Path, to: &Path) -> Result<()> {
    let context = || format!("cannot copy {}", from.display());
    if from.is_dir() {
        fs::create_dir_all(to).with_context(context)?;
        for entry in fs::read_dir(from).with_context(context)? {
            let entry = entry.with_context(context)?;
            copy_recursively(&entry.path(), &to.join(entry.file_name()))?;
        }
    } else {
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::copy(from, to).with_context(context)?;
    }
    Ok(())
}

/// Makes the other user the owner of everything in a directory.
fn give_away(path: &Path) -> Result<()> {
    chown(path, Some(OTHER_USER), Some(OTHER_USER))
        .with_context(|| format!("cannot give away {}", path.display()))?;
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            give_away(&entry?.path())?;
        }
    }
    Ok(())
}
