//! The steps of `cargo xtask test`.

use super::{Outcome, Step, fuzz, nix};
use crate::workspace::{Workspace, cargo};
use anyhow::{Context, Result, bail};
use std::path::PathBuf;
use std::process::{Command, Stdio};

pub(super) const STEPS: &[Step] = &[
    Step {
        name: "fmt",
        shows: "the code is formatted",
        run: fmt,
        beside: false,
    },
    Step {
        name: "clippy",
        shows: "no lint fires",
        run: clippy,
        beside: false,
    },
    Step {
        name: "docs",
        shows: "the documentation builds without a warning",
        run: docs,
        beside: false,
    },
    Step {
        name: "deny",
        shows: "crates, licences and sources are accepted ones",
        run: deny,
        beside: false,
    },
    Step {
        name: "packages",
        shows: "prebuilt packages and measurements are the listed ones; the kernel has what it must; JSON files are as their schemas say",
        run: packages,
        beside: false,
    },
    Step {
        name: "eif",
        shows: "the enclave image builds and has the measurements of measurements/next.json",
        run: eif,
        beside: false,
    },
    Step {
        name: "emulator",
        shows: "the emulated Nitro Enclave is there; the first time it is built, which takes minutes",
        run: emulator,
        beside: false,
    },
    Step {
        name: "tests",
        shows: "unit, property, golden, whole-program, Docker and boot tests",
        run: tests,
        beside: false,
    },
    Step {
        name: "doctests",
        shows: "the examples in the documentation run",
        run: doctests,
        beside: false,
    },
    Step {
        name: "roads",
        shows: "the image has the same bytes when built in other surroundings",
        run: roads,
        beside: true,
    },
    Step {
        name: "fuzz",
        shows: "every fuzz target compiles and finds nothing in a short run",
        run: fuzz::run,
        beside: false,
    },
    Step {
        name: "nix",
        shows: "the flake evaluates and gives the same image, and the checks that only it has are green",
        run: nix::run,
        beside: false,
    },
    Step {
        name: "reproduce",
        shows: "every prebuilt package is rebuilt from its source, byte for byte",
        run: reproduce,
        beside: false,
    },
];

/// Runs cargo in the workspace and fails with it.
pub(super) fn run_cargo(
    workspace: &Workspace,
    arguments: &[&str],
    variables: &[(&str, &str)],
) -> Result<()> {
    let status = Command::new(cargo())
        .args(arguments)
        .envs(variables.iter().copied())
        .current_dir(workspace.root())
        .status()
        .context("cannot run cargo")?;
    if !status.success() {
        bail!("cargo {} failed ({status})", arguments.join(" "));
    }
    Ok(())
}

/// The program that runs.
///
/// Its file may be gone: the step that runs the tests builds xtask with all features, and cargo
/// replaces it. On Linux the kernel's link leads to it nevertheless.
pub(super) fn this_program() -> Result<PathBuf> {
    if cfg!(target_os = "linux") {
        Ok(PathBuf::from("/proc/self/exe"))
    } else {
        std::env::current_exe().context("cannot find this program")
    }
}

/// Runs another task as its users would, with this very program.
pub(super) fn run_xtask(workspace: &Workspace, arguments: &[&str]) -> Result<()> {
    let status = Command::new(this_program()?)
        .args(arguments)
        .current_dir(workspace.root())
        .status()
        .context("cannot run this program")?;
    if !status.success() {
        bail!("cargo xtask {} failed ({status})", arguments.join(" "));
    }
    Ok(())
}

/// Whether `cargo NAME` is installed.
fn has_subcommand(name: &str) -> bool {
    Command::new(cargo())
        .args([name, "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn fmt(workspace: &Workspace) -> Result<Outcome> {
    run_cargo(workspace, &["fmt", "--all", "--check"], &[])?;
    Ok(Outcome::Passed)
}

fn clippy(workspace: &Workspace) -> Result<Outcome> {
    let arguments = [
        "clippy",
        "--locked",
        "--workspace",
        "--all-targets",
        "--all-features",
        "--",
        "-Dwarnings",
    ];
    run_cargo(workspace, &arguments, &[])?;
    // The measured form has no features; code must not compile only with them.
    let arguments = ["clippy", "--locked", "--workspace", "--", "-Dwarnings"];
    run_cargo(workspace, &arguments, &[])?;
    // All features together are the emulation, not the test variant.
    let arguments = [
        "clippy",
        "--locked",
        "--package",
        "letsesign-server",
        "--features",
        "test-variant",
        "--",
        "-Dwarnings",
    ];
    run_cargo(workspace, &arguments, &[])?;
    Ok(Outcome::Passed)
}

fn docs(workspace: &Workspace) -> Result<Outcome> {
    let arguments = [
        "doc",
        "--locked",
        "--workspace",
        "--no-deps",
        "--all-features",
    ];
    run_cargo(workspace, &arguments, &[("RUSTDOCFLAGS", "-Dwarnings")])?;
    Ok(Outcome::Passed)
}

fn deny(workspace: &Workspace) -> Result<Outcome> {
    if !has_subcommand("deny") {
        return Ok(Outcome::Skipped(
            "cargo-deny is not installed (cargo install cargo-deny --locked)".to_owned(),
        ));
    }
    run_cargo(
        workspace,
        &["deny", "--offline", "check", "bans", "licenses", "sources"],
        &[],
    )?;
    Ok(Outcome::Passed)
}

fn eif(workspace: &Workspace) -> Result<Outcome> {
    crate::enclave::build(workspace)?;
    crate::enclave::check(workspace)?;
    Ok(Outcome::Passed)
}

/// Without it the boot tests skip themselves; why it could not be had is said here.
#[allow(clippy::unnecessary_wraps, reason = "the form of a step")]
fn emulator(workspace: &Workspace) -> Result<Outcome> {
    match crate::emulator::obtain(workspace) {
        Ok(_) => Ok(Outcome::Passed),
        Err(error) => Ok(Outcome::Skipped(format!("{error:#}"))),
    }
}

/// Builds what tests want beside the image: the probe, the server's test variant, and a build context for Docker.
///
/// The tests themselves decide whether Docker or the emulator is there, and say why they skip.
fn tests(workspace: &Workspace) -> Result<Outcome> {
    crate::enclave::build(workspace)?;
    for program in [crate::hermetic::PROBE, crate::hermetic::SERVER_VARIANT] {
        crate::hermetic::build(workspace, program)?;
    }
    let artifacts = workspace.artifacts()?;
    crate::enclave::write_context(workspace, &artifacts.join("docker"))?;
    let artifacts = artifacts
        .to_str()
        .context("the target directory's path is not UTF-8")?;
    let eif = format!("{artifacts}/letsesign-enclave.eif");
    let variables = [("LETSESIGN_ARTIFACTS", artifacts), ("LETSESIGN_EIF", &eif)];
    if has_subcommand("nextest") {
        let arguments = [
            "nextest",
            "run",
            "--locked",
            "--workspace",
            "--all-features",
            "--no-fail-fast",
        ];
        run_cargo(workspace, &arguments, &variables)?;
    } else {
        let arguments = [
            "test",
            "--locked",
            "--workspace",
            "--all-features",
            "--all-targets",
        ];
        run_cargo(workspace, &arguments, &variables)?;
    }
    Ok(Outcome::Passed)
}

fn doctests(workspace: &Workspace) -> Result<Outcome> {
    run_cargo(
        workspace,
        &["test", "--locked", "--workspace", "--all-features", "--doc"],
        &[],
    )?;
    Ok(Outcome::Passed)
}

/// The second build is on one core, so this runs beside other steps and prints at its end.
fn roads(workspace: &Workspace) -> Result<Outcome> {
    let output = Command::new(this_program()?)
        .arg("roads")
        .current_dir(workspace.root())
        .stdin(Stdio::null())
        .output()
        .context("cannot run this program")?;
    print!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    if !output.status.success() {
        bail!("cargo xtask roads failed ({})", output.status);
    }
    Ok(Outcome::Passed)
}

fn packages(workspace: &Workspace) -> Result<Outcome> {
    crate::packages::Packages::load(&workspace.path("enclave/packages"))?;
    run_xtask(workspace, &["kernel", "check"])?;
    run_xtask(workspace, &["measurements"])?;
    run_xtask(workspace, &["schemas"])?;
    Ok(Outcome::Passed)
}

fn reproduce(workspace: &Workspace) -> Result<Outcome> {
    run_xtask(workspace, &["reproduce"])?;
    Ok(Outcome::Passed)
}
