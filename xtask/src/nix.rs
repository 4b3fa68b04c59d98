//! The Nix road on machines that reach neither GitHub nor a binary cache: the flake with stand-ins for its inputs (nix/standin), and
//! the sources it fetches put into the store by their hashes.

use crate::workspace::{Toolchain, Workspace, cargo};
use anyhow::{Context, Result, bail};
use clap::Args;
use serde::Deserialize;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The flake's inputs that have a stand-in.
const INPUTS: &[&str] = &["nixpkgs", "crane", "rust-overlay"];

/// Commands of Nix that take a flake; only these know `--override-input`.
const FLAKE_COMMANDS: &[&str] = &[
    "build",
    "bundle",
    "develop",
    "eval",
    "flake",
    "path-info",
    "print-dev-env",
    "run",
    "shell",
];

/// What of the host the stand-ins' derivations see. A path that is a link on a merged /usr is bound from where it points.
const HOST: &[&str] = &[
    "/bin",
    "/sbin",
    "/lib",
    "/lib64",
    "/usr",
    "/etc/alternatives",
];

/// Arguments of `cargo xtask nix`.
#[derive(Args, Debug)]
#[command(
    after_help = "Nix must be installed (2.8 or newer); nothing is. Crates must be in the store: cargo xtask prefetch.\n\nExamples:\n  \
    cargo xtask nix -- build .#eif\n  cargo xtask nix -- flake check\n  cargo xtask nix -- build .#eif --rebuild"
)]
pub(crate) struct NixArgs {
    /// Arguments of nix
    #[arg(last = true, required = true, value_name = "ARGUMENT")]
    arguments: Vec<OsString>,
}

pub(crate) fn run(workspace: &Workspace, arguments: &NixArgs) -> Result<()> {
    let mut command = Command::new("nix");
    command
        .current_dir(workspace.root())
        .args(options(workspace)?)
        .args(with_stand_ins(workspace, &arguments.arguments));
    let status = command
        .status()
        .context("cannot run nix; install it (on Debian: apt-get install nix-bin)")?;
    if !status.success() {
        bail!("nix failed ({status})");
    }
    Ok(())
}

/// Nix's own settings for this call. No file is written and the user's configuration stays what it is.
fn options(workspace: &Workspace) -> Result<Vec<OsString>> {
    let toolchain = Toolchain::find(workspace)?;
    let mut paths = vec![format!("/toolchain={}", toolchain.sysroot.display())];
    for path in HOST {
        if let Ok(real) = fs::canonicalize(path) {
            paths.push(format!("{path}={}", real.display()));
        }
    }
    let paths = paths.join(" ");
    let mut options: Vec<OsString> = ["--extra-experimental-features", "nix-command flakes"]
        .map(OsString::from)
        .to_vec();
    for (name, value) in [
        ("sandbox", "true"),
        ("substitute", "false"),
        ("sandbox-paths", paths.as_str()),
    ] {
        options.extend(["--option", name, value].map(OsString::from));
    }
    // Without a daemon, root builds as itself: the group of build users need not exist.
    if rustix::process::geteuid().is_root()
        && !Path::new("/nix/var/nix/daemon-socket/socket").exists()
    {
        options.extend(["--option", "build-users-group", ""].map(OsString::from));
    }
    Ok(options)
}

/// The caller's arguments with the stand-ins, before a `--` that belongs to a program that Nix runs.
fn with_stand_ins(workspace: &Workspace, arguments: &[OsString]) -> Vec<OsString> {
    let takes_flake = arguments
        .first()
        .and_then(|first| first.to_str())
        .is_some_and(|first| FLAKE_COMMANDS.contains(&first));
    if !takes_flake {
        return arguments.to_vec();
    }
    let end = arguments
        .iter()
        .position(|argument| argument == "--")
        .unwrap_or(arguments.len());
    let (ours, theirs) = arguments.split_at(end);
    let mut all = ours.to_vec();
    all.push("--no-write-lock-file".into());
    for input in INPUTS {
        let mut reference = OsString::from("path:");
        reference.push(workspace.path("nix/standin").join(input));
        all.extend(["--override-input".into(), OsString::from(input), reference]);
    }
    all.extend_from_slice(theirs);
    all
}

#[derive(Deserialize)]
struct Lock {
    package: Vec<LockedPackage>,
}

#[derive(Deserialize)]
struct LockedPackage {
    name: String,
    version: String,
    checksum: Option<String>,
}

/// `cargo xtask prefetch`: puts the crates of Cargo.lock into the store, as the fixed-output files that crane asks for.
pub(crate) fn prefetch(workspace: &Workspace) -> Result<()> {
    let status = Command::new(cargo())
        .args(["fetch", "--locked"])
        .current_dir(workspace.root())
        .status()
        .context("cannot run cargo")?;
    if !status.success() {
        bail!("cargo fetch failed ({status})");
    }
    let path = workspace.path("Cargo.lock");
    let text =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let lock: Lock =
        toml::from_str(&text).with_context(|| format!("{} is no lock file", path.display()))?;
    let caches = caches()?;
    // The store names a file after the file it was added from.
    let staging = tempfile::tempdir().context("cannot create a directory")?;
    let mut files = Vec::new();
    for package in &lock.package {
        let Some(checksum) = &package.checksum else {
            continue;
        };
        let name = format!("{}-{}.crate", package.name, package.version);
        let crate_file = caches
            .iter()
            .map(|cache| cache.join(&name))
            .find(|file| file.is_file())
            .with_context(|| format!("cargo fetched no {name}"))?;
        let actual = crate::files::sha256(&crate_file)?;
        if actual != *checksum {
            bail!(
                "{}: SHA-256 is {actual}, but Cargo.lock says {checksum}",
                crate_file.display()
            );
        }
        let staged = staging
            .path()
            .join(format!("cargo-src-{}-{}", package.name, package.version));
        fs::copy(&crate_file, &staged)
            .with_context(|| format!("cannot copy {}", crate_file.display()))?;
        files.push(staged);
    }
    let output = Command::new("nix-store")
        .args(["--add-fixed", "sha256"])
        .args(&files)
        .output()
        .context("cannot run nix-store; install Nix (on Debian: apt-get install nix-bin)")?;
    if !output.status.success() {
        bail!(
            "nix-store failed: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    println!("{} crates are in the store", files.len());
    Ok(())
}

/// Where cargo keeps what it downloaded: CARGO_HOME/registry/cache/REGISTRY.
fn caches() -> Result<Vec<PathBuf>> {
    let folder = crate::workspace::cargo_home()
        .context("neither CARGO_HOME nor HOME is set")?
        .join("registry/cache");
    let entries =
        fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))?;
    Ok(entries
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(given: &[&str]) -> Vec<String> {
        let workspace = Workspace::find().unwrap();
        let given: Vec<OsString> = given.iter().map(OsString::from).collect();
        with_stand_ins(&workspace, &given)
            .into_iter()
            .map(|argument| argument.into_string().unwrap())
            .collect()
    }

    #[test]
    fn stand_ins_come_before_the_arguments_of_a_program() {
        let all = arguments(&["run", ".#eif", "--", "describe"]);
        assert_eq!(all[..3], ["run", ".#eif", "--no-write-lock-file"]);
        assert_eq!(all[all.len() - 2..], ["--", "describe"]);
        assert_eq!(
            all.iter()
                .filter(|argument| *argument == "--override-input")
                .count(),
            INPUTS.len()
        );
    }

    #[test]
    fn commands_without_a_flake_are_left_alone() {
        assert_eq!(arguments(&["store", "gc"]), ["store", "gc"]);
    }
}
