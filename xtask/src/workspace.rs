//! Where things are: the workspace, its target directory and the pinned toolchain.

use anyhow::{Context, Result, bail};
use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The name of the image; its files are NAME.eif, NAME.json and so on.
pub(crate) const IMAGE_NAME: &str = "letsesign-enclave";

/// The release of rustc that the measured bytes depend on (rust-toolchain.toml), and the commit it
/// was built from. A distribution's own build of the same release is another compiler.
pub(crate) const RUSTC_RELEASE: &str = "1.95.0";
pub(crate) const RUSTC_COMMIT: &str = "59807616e1fa2540724bfbac14d7976d7e4a3860";

/// The target of every measured program; always passed explicitly, because `--target` changes crate
/// hashes.
pub(crate) const TARGET: &str = "x86_64-unknown-linux-gnu";

/// A checkout of this repository.
#[derive(Debug, Clone)]
pub(crate) struct Workspace {
    root: PathBuf,
    target: PathBuf,
}

impl Workspace {
    /// Finds the checkout from the current directory upward.
    pub(crate) fn find() -> Result<Self> {
        let start = env::current_dir().context("cannot tell the current directory")?;
        let root = start
            .ancestors()
            .find(|directory| directory.join("enclave/base/SHA256SUMS").is_file())
            .with_context(|| {
                format!(
                    "{} is not inside a checkout of this repository (no enclave/base/SHA256SUMS above it)",
                    start.display()
                )
            })?;
        let root = root
            .canonicalize()
            .with_context(|| format!("cannot resolve {}", root.display()))?;
        // The same precedence as cargo's own, without its configuration files.
        let target = match env::var_os("CARGO_TARGET_DIR") {
            Some(directory) if !directory.is_empty() => start.join(directory),
            _ => root.join("target"),
        };
        Ok(Self { root, target })
    }

    /// The checkout in this directory, with its own target directory, whatever the environment
    /// says.
    pub(crate) fn at(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            target: root.join("target"),
        }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// A path below the root, given with forward slashes.
    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// The target directory; created when absent.
    pub(crate) fn target(&self) -> Result<PathBuf> {
        std::fs::create_dir_all(&self.target).with_context(|| {
            format!(
                "cannot create the target directory {}",
                self.target.display()
            )
        })?;
        self.target
            .canonicalize()
            .with_context(|| format!("cannot resolve {}", self.target.display()))
    }

    /// Where finished artefacts are put: `target/enclave`.
    pub(crate) fn artifacts(&self) -> Result<PathBuf> {
        let directory = self.target()?.join("enclave");
        std::fs::create_dir_all(&directory)
            .with_context(|| format!("cannot create {}", directory.display()))?;
        Ok(directory)
    }
}

/// The cargo that runs us, so that `cargo +toolchain xtask` stays with its toolchain.
pub(crate) fn cargo() -> OsString {
    env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// Where cargo keeps downloads and the user's configuration.
pub(crate) fn cargo_home() -> Option<PathBuf> {
    env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| env::var_os("HOME").map(|home| PathBuf::from(home).join(".cargo")))
}

/// The pinned toolchain on this machine.
#[derive(Debug, Clone)]
pub(crate) struct Toolchain {
    /// `rustc --print sysroot`.
    pub(crate) sysroot: PathBuf,
}

impl Toolchain {
    /// Finds rustc and refuses any but the pinned build.
    pub(crate) fn find(workspace: &Workspace) -> Result<Self> {
        let version = rustc(workspace, &["-vV"])?;
        let field = |name: &str| {
            version
                .lines()
                .find_map(|line| line.strip_prefix(name))
                .map_or("", str::trim)
        };
        if field("commit-hash:") != RUSTC_COMMIT {
            bail!(
                "the measured programs are built by rustc {RUSTC_RELEASE} (commit {RUSTC_COMMIT}), but this is rustc {} \
                 (commit {}); install it with: rustup toolchain install {RUSTC_RELEASE}",
                field("release:"),
                field("commit-hash:")
            );
        }
        let sysroot = PathBuf::from(rustc(workspace, &["--print", "sysroot"])?.trim_end());
        let toolchain = Self { sysroot };
        for file in [toolchain.rustc(), toolchain.lld()] {
            if !file.is_file() {
                bail!(
                    "{} is missing from the toolchain; reinstall rustc {RUSTC_RELEASE}",
                    file.display()
                );
            }
        }
        Ok(toolchain)
    }

    pub(crate) fn rustc(&self) -> PathBuf {
        self.sysroot.join("bin/rustc")
    }

    /// The linker that rustc ships.
    pub(crate) fn lld(&self) -> PathBuf {
        self.sysroot
            .join(format!("lib/rustlib/{TARGET}/bin/rust-lld"))
    }
}

fn rustc(workspace: &Workspace, arguments: &[&str]) -> Result<String> {
    let output = Command::new("rustc")
        .args(arguments)
        .current_dir(workspace.root())
        .output()
        .context(
            "cannot run rustc; install it with rustup (rust-toolchain.toml names the release)",
        )?;
    if !output.status.success() {
        bail!(
            "rustc {} failed: {}",
            arguments.join(" "),
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    String::from_utf8(output.stdout).context("rustc printed a path that is not UTF-8")
}
