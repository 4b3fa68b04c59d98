//! The Nix build on machines that reach neither GitHub nor a binary cache: the flake with test
//! doubles of its inputs (nix/doubles), and the sources it fetches put into the store by their
//! hashes.

mod prefetch;

pub(crate) use self::prefetch::{PrefetchArgs, prefetch};

use crate::emulator;
use crate::workspace::{Toolchain, Workspace};
use anyhow::{Context, Result, bail};
use clap::Args;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The flake's inputs that have a test double.
const INPUTS: &[&str] = &["nixpkgs", "crane", "rust-overlay"];

/// Commands of Nix that take a flake; only these know `--override-input`.
const FLAKE_COMMANDS: &[&str] = &[
    "build",
    "bundle",
    "develop",
    "eval",
    "path-info",
    "print-dev-env",
    "run",
    "shell",
];

/// Parts of the host that the doubles' derivations see. A path that is a link on a merged /usr is
/// bound from where it points.
const HOST: &[&str] = &[
    "/bin",
    "/sbin",
    "/lib",
    "/lib64",
    "/usr",
    "/etc/alternatives",
];

/// Programs that nixpkgs has and its double takes from the host's PATH: bound to /tools/bin/NAME
/// when they are there.
const TOOLS: &[&str] = &["cargo-deny", "cargo-nextest", "deadnix"];

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
    let emulator = emulator::built()?;
    if emulator.is_none() {
        eprintln!(
            "note: the cache has no emulator, so the flake has no check that boots the image; cargo xtask emulator builds it"
        );
    }
    let staging = tempfile::tempdir().context("cannot create a directory")?;
    stage(
        &workspace.path("nix/doubles"),
        staging.path(),
        emulator.is_some(),
    )?;
    let mut command = Command::new("nix");
    command
        .current_dir(workspace.root())
        .args(options(workspace, emulator.as_deref())?)
        .args(with_doubles(staging.path(), &arguments.arguments));
    let status = command
        .status()
        .context("cannot run nix; install it (on Debian: apt-get install nix-bin)")?;
    if !status.success() {
        bail!("nix failed ({status})");
    }
    Ok(())
}

/// Nix's own settings for this call. No file is written, so the user's configuration stays
/// unchanged.
fn options(workspace: &Workspace, emulator: Option<&Path>) -> Result<Vec<OsString>> {
    let toolchain = Toolchain::find(workspace)?;
    let mut paths = vec![format!("/toolchain={}", toolchain.sysroot.display())];
    for path in HOST {
        if let Ok(real) = fs::canonicalize(path) {
            paths.push(format!("{path}={}", real.display()));
        }
    }
    for tool in TOOLS {
        if let Some(real) = on_path(tool) {
            paths.push(format!("/tools/bin/{tool}={}", real.display()));
        }
    }
    if let Some(folder) = emulator {
        paths.push(format!("/emulator={}", folder.display()));
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

/// Where PATH has a program.
fn on_path(program: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?)
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
        .and_then(|path| fs::canonicalize(path).ok())
}

/// Copies the doubles, and says in the copy whether the host has an emulator: a flake cannot
/// look.
fn stage(from: &Path, to: &Path, with_emulator: bool) -> Result<()> {
    for input in INPUTS {
        let (source, copy) = (from.join(input), to.join(input));
        fs::create_dir(&copy).with_context(|| format!("cannot create {}", copy.display()))?;
        let entries =
            fs::read_dir(&source).with_context(|| format!("cannot list {}", source.display()))?;
        for entry in entries {
            let path = entry
                .with_context(|| format!("cannot list {}", source.display()))?
                .path();
            if let Some(name) = path.file_name() {
                fs::copy(&path, copy.join(name))
                    .with_context(|| format!("cannot copy {}", path.display()))?;
            }
        }
    }
    if with_emulator {
        let mark = to.join("nixpkgs/has-emulator");
        fs::write(&mark, "").with_context(|| format!("cannot write {}", mark.display()))?;
    }
    Ok(())
}

/// The caller's arguments with the doubles in `folder`, right after the command: what follows may
/// belong to a program that Nix runs.
fn with_doubles(folder: &Path, arguments: &[OsString]) -> Vec<OsString> {
    let words = match arguments.first().and_then(|first| first.to_str()) {
        // `flake` alone is only half a command.
        Some("flake") => 2,
        Some(first) if FLAKE_COMMANDS.contains(&first) => 1,
        _ => return arguments.to_vec(),
    };
    let (command, rest) = arguments.split_at(words.min(arguments.len()));
    let mut all = command.to_vec();
    all.push("--no-write-lock-file".into());
    for input in INPUTS {
        let mut reference = OsString::from("path:");
        reference.push(folder.join(input));
        all.extend(["--override-input".into(), OsString::from(input), reference]);
    }
    all.extend_from_slice(rest);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(given: &[&str]) -> Vec<String> {
        let given: Vec<OsString> = given.iter().map(OsString::from).collect();
        with_doubles(Path::new("/doubles"), &given)
            .into_iter()
            .map(|argument| argument.into_string().unwrap())
            .collect()
    }

    #[test]
    fn doubles_come_before_the_arguments_of_a_program() {
        let all = arguments(&["develop", "-c", "cargo", "--version"]);
        assert_eq!(
            all[..3],
            ["develop", "--no-write-lock-file", "--override-input"]
        );
        assert_eq!(all[all.len() - 3..], ["-c", "cargo", "--version"]);
        assert_eq!(
            all.iter()
                .filter(|argument| *argument == "--override-input")
                .count(),
            INPUTS.len()
        );
    }

    #[test]
    fn a_flake_command_of_two_words_stays_together() {
        let all = arguments(&["flake", "check", "-L"]);
        assert_eq!(all[..3], ["flake", "check", "--no-write-lock-file"]);
        assert_eq!(all.last().unwrap(), "-L");
        assert_eq!(arguments(&["flake"])[0], "flake");
    }

    #[test]
    fn the_copy_says_whether_there_is_an_emulator() {
        let workspace = Workspace::find().unwrap();
        for with in [false, true] {
            let folder = tempfile::tempdir().unwrap();
            stage(&workspace.path("nix/doubles"), folder.path(), with).unwrap();
            assert_eq!(folder.path().join("nixpkgs/has-emulator").exists(), with);
            for input in INPUTS {
                assert!(folder.path().join(input).join("flake.nix").is_file());
            }
        }
    }

    #[test]
    fn commands_without_a_flake_are_left_alone() {
        assert_eq!(arguments(&["store", "gc"]), ["store", "gc"]);
    }
}
