//! The steps of `cargo xtask test`.

use super::program::{run_cargo, run_xtask, this_program};
use super::{Outcome, Step, fuzz, nix, nix_lint};
use crate::workspace::{Workspace, cargo};
use anyhow::{Context, Result, bail};
use std::process::{Command, Stdio};

pub(super) const STEPS: &[Step] = &[
    Step {
        name: "fmt",
        shows: "the code is formatted",
        run: fmt,
        beside: false,
        on_request: false,
    },
    Step {
        name: "style",
        shows: "comments, texts and pages are as docs/style.md says, and their links lead somewhere",
        run: style,
        beside: false,
        on_request: false,
    },
    Step {
        name: "nix-lint",
        shows: "deadnix and statix find nothing in the flake",
        run: nix_lint::run,
        beside: false,
        on_request: false,
    },
    Step {
        name: "clippy",
        shows: "no lint fires",
        run: clippy,
        beside: false,
        on_request: false,
    },
    Step {
        name: "docs",
        shows: "the documentation builds without a warning",
        run: docs,
        beside: false,
        on_request: false,
    },
    Step {
        name: "book",
        shows: "the pages build as a book that lists every one of them",
        run: book,
        beside: false,
        on_request: false,
    },
    Step {
        name: "deny",
        shows: "crates, licences and sources are accepted ones",
        run: deny,
        beside: false,
        on_request: false,
    },
    Step {
        name: "packages",
        shows: "prebuilt packages and measurements are the listed ones; the kernel has what it must; JSON files are as their schemas say",
        run: packages,
        beside: false,
        on_request: false,
    },
    Step {
        name: "eif",
        shows: "the enclave image builds and has the measurements of measurements/next.json",
        run: eif,
        beside: false,
        on_request: false,
    },
    Step {
        name: "emulator",
        shows: "the emulated Nitro Enclave is there; the first time it is built, which takes minutes",
        run: emulator,
        beside: false,
        on_request: false,
    },
    Step {
        name: "tests",
        shows: "unit, property, golden, whole-program, Docker and boot tests",
        run: tests,
        beside: false,
        on_request: false,
    },
    Step {
        name: "doctests",
        shows: "the examples in the documentation run",
        run: doctests,
        beside: false,
        on_request: false,
    },
    Step {
        name: "rebuild",
        shows: "the image has the same bytes when built in other surroundings",
        run: rebuild,
        beside: true,
        on_request: false,
    },
    Step {
        name: "corpus",
        shows: "four readers see the stamps on foreign PDFs, and nothing else that changed",
        run: corpus,
        beside: false,
        on_request: false,
    },
    Step {
        name: "fuzz",
        shows: "every fuzz target compiles and finds nothing in a short run",
        run: fuzz::run,
        beside: false,
        on_request: false,
    },
    Step {
        name: "nix",
        shows: "the flake evaluates and gives the same image, and the checks that only it has are green",
        run: nix::run,
        beside: false,
        on_request: false,
    },
    Step {
        name: "reproduce",
        shows: "every prebuilt package is rebuilt from its source, byte for byte",
        run: reproduce,
        beside: false,
        on_request: false,
    },
    Step {
        name: "reproduce-page",
        shows: "the commands of docs/reproduce.md run as they are written",
        run: nix::page,
        beside: false,
        on_request: true,
    },
];

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

fn style(workspace: &Workspace) -> Result<Outcome> {
    crate::style::run(workspace)?;
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

fn book(workspace: &Workspace) -> Result<Outcome> {
    crate::book::check(workspace.root())?;
    if !crate::book::is_installed() {
        return Ok(Outcome::Skipped(format!(
            "mdbook is not installed ({})",
            crate::book::INSTALL
        )));
    }
    crate::book::build(workspace, false)?;
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

/// Without the emulator the boot tests skip themselves; this step says why it is missing.
#[allow(clippy::unnecessary_wraps, reason = "the form of a step")]
fn emulator(workspace: &Workspace) -> Result<Outcome> {
    match crate::emulator::obtain(workspace) {
        Ok(_) => Ok(Outcome::Passed),
        Err(error) => Ok(Outcome::Skipped(format!("{error:#}"))),
    }
}

/// Builds what tests want beside the image: the probe, the server's test variant, and a build
/// context for Docker.
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
fn rebuild(workspace: &Workspace) -> Result<Outcome> {
    let output = Command::new(this_program()?)
        .arg("rebuild")
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
        bail!("cargo xtask rebuild failed ({})", output.status);
    }
    Ok(Outcome::Passed)
}

/// Foreign PDFs are not in the repository. Each is drawn three times by each of four programs, so
/// this takes a sample.
fn corpus(workspace: &Workspace) -> Result<Outcome> {
    let Some(folder) = std::env::var_os("STAMP_CORPUS") else {
        return Ok(Outcome::Skipped(
            "STAMP_CORPUS names no folder of PDFs (.ci/run unpacks Debian's)".to_owned(),
        ));
    };
    let folder = folder.to_str().context("STAMP_CORPUS is not UTF-8")?;
    let arguments = [
        "corpus", folder, "--every", "16", "--pages", "2", "--strict",
    ];
    if let Err(error) = crate::corpus::readers_are_installed() {
        return Ok(Outcome::Skipped(format!("{error:#}")));
    }
    run_xtask(workspace, &arguments)?;
    Ok(Outcome::Passed)
}

fn packages(workspace: &Workspace) -> Result<Outcome> {
    crate::packages::Packages::load(&workspace.path("enclave/packages"))?;
    run_xtask(workspace, &["kernel", "check"])?;
    run_xtask(workspace, &["measure", "--files"])?;
    run_xtask(workspace, &["schemas"])?;
    Ok(Outcome::Passed)
}

fn reproduce(workspace: &Workspace) -> Result<Outcome> {
    run_xtask(workspace, &["reproduce"])?;
    Ok(Outcome::Passed)
}
