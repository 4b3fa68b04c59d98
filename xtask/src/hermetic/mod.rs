//! The measured programs, built so that their bytes follow from this tree, Cargo.lock, rustc and
//! enclave/base alone (law 1), and then checked: no C, static-pie, nothing of the building machine
//! inside.

mod binary;
mod configuration;
mod dependencies;
mod environment;
mod sources;

pub(crate) use dependencies::cargo_tree;
pub(crate) use environment::kept_variables;

use crate::base::Sysroot;
use crate::workspace::{TARGET, Toolchain, Workspace};
use anyhow::{Context, Result, bail};
use clap::Args;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The cargo profile of measured programs.
const PROFILE: &str = "enclave";

/// Arguments of `cargo xtask build`.
#[derive(Args, Debug)]
pub(crate) struct BuildArgs {
    /// Print the SHA-256 of each program
    #[arg(long)]
    digest: bool,
    /// Build what tests put in the server's place as well: the probe and the server's test variant
    #[arg(long)]
    tests: bool,
    /// Build nothing: check programs that another build made, DIR/bin/NAME with the maps of their
    /// links in DIR/maps
    #[arg(long, value_name = "DIR", conflicts_with_all = ["digest", "tests"])]
    verify: Vec<PathBuf>,
    /// With --verify: a directory of the machine that built them, which must not be found in them;
    /// may be repeated
    #[arg(long, value_name = "DIR", requires = "verify")]
    private: Vec<PathBuf>,
}

/// A program of the workspace that is built hermetically.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Program {
    /// Name of the result.
    pub(crate) name: &'static str,
    /// Name of package and binary.
    pub(crate) package: &'static str,
    /// Cargo features; empty for everything that is measured and published.
    pub(crate) features: &'static [&'static str],
}

/// PID 1 of the enclave.
pub(crate) const INIT: Program = Program {
    name: "letsesign-init",
    package: "letsesign-init",
    features: &[],
};

/// The signing server.
pub(crate) const SERVER: Program = Program {
    name: "letsesign-server",
    package: "letsesign-server",
    features: &[],
};

/// The signing server as it works in an emulated enclave, with emulated services: for images that
/// are never published.
pub(crate) const SERVER_VARIANT: Program = Program {
    name: "letsesign-server-test-variant",
    package: "letsesign-server",
    features: &["test-variant"],
};

/// A test program that takes the server's place in images that are never published.
pub(crate) const PROBE: Program = Program {
    name: "letsesign-probe",
    package: "letsesign-probe",
    features: &[],
};

pub(crate) fn run(workspace: &Workspace, arguments: &BuildArgs) -> Result<()> {
    if !arguments.verify.is_empty() {
        return verify(workspace, &arguments.verify, &arguments.private);
    }
    let tests = [PROBE, SERVER_VARIANT];
    let tests = tests.into_iter().filter(|_| arguments.tests);
    for program in [INIT, SERVER].into_iter().chain(tests) {
        let path = build(workspace, program)?;
        if arguments.digest {
            println!("{}  {}", crate::files::sha256(&path)?, path.display());
        } else {
            println!("{}", path.display());
        }
    }
    Ok(())
}

/// Builds one program, checks it and returns where it is: `target/enclave/bin/NAME`.
///
/// Each program is built by a cargo invocation of its own: one for several would unify their
/// features, and a program's bytes would depend on its neighbours.
pub(crate) fn build(workspace: &Workspace, program: Program) -> Result<PathBuf> {
    let toolchain = Toolchain::find(workspace)?;
    let sysroot = Sysroot::prepare(workspace)?;
    configuration::refuse_foreign_settings(workspace)?;
    dependencies::refuse_c(workspace, program)?;

    let environment = environment::Environment::new(workspace, &toolchain, &sysroot)?;
    sources::check(workspace, &own_crates(workspace, program, &environment)?)?;
    let mut cargo = environment.cargo(workspace);
    cargo
        .args([
            "build",
            "--locked",
            "--profile",
            PROFILE,
            "--target",
            TARGET,
        ])
        .args(["--package", program.package, "--bin", program.package]);
    if !program.features.is_empty() {
        cargo.args(["--features", &program.features.join(",")]);
    }
    let status = cargo.status().context("cannot run cargo")?;
    if !status.success() {
        bail!("cargo could not build {} ({status})", program.name);
    }
    let built = environment
        .target()
        .join(TARGET)
        .join(PROFILE)
        .join(program.package);
    let bytes = fs::read(&built).with_context(|| format!("cannot read {}", built.display()))?;
    binary::check(program, &bytes, environment.private(), environment.maps())
        .with_context(|| format!("{} is not fit to be measured", built.display()))?;
    publish(workspace, program, &bytes)
}

/// The crates of the registry that a program is made of.
fn own_crates(
    workspace: &Workspace,
    program: Program,
    environment: &environment::Environment,
) -> Result<BTreeSet<sources::Unpacked>> {
    let features = program.features.join(",");
    let arguments = [
        "--prefix",
        "none",
        "--format",
        "{p}",
        "--features",
        &features,
    ];
    let tree = cargo_tree(workspace, program, &arguments)?;
    let names: BTreeSet<(&str, &str)> = tree
        .lines()
        .filter_map(|line| {
            let mut words = line.split(' ');
            Some((words.next()?, words.next()?.strip_prefix('v')?))
        })
        .collect();
    let all = environment.crates().iter();
    Ok(all
        .filter(|one| names.contains(&(one.name.as_str(), one.version.as_str())))
        .cloned()
        .collect())
}

/// Applies the checks of `build` to programs that were built elsewhere.
fn verify(workspace: &Workspace, directories: &[PathBuf], private: &[PathBuf]) -> Result<()> {
    let private: BTreeSet<PathBuf> = private.iter().cloned().collect();
    for program in [INIT, SERVER] {
        dependencies::refuse_c(workspace, program)?;
        let found = directories
            .iter()
            .map(|directory| (directory, directory.join("bin").join(program.name)))
            .find(|(_, path)| path.is_file());
        let Some((directory, path)) = found else {
            bail!("{} is in the bin/ of none of the directories", program.name);
        };
        let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        binary::check(program, &bytes, &private, &directory.join("maps"))
            .with_context(|| format!("{} is not fit to be measured", path.display()))?;
        println!("{}: fit to be measured", path.display());
    }
    Ok(())
}

/// Puts the checked bytes at their final place, mode 0755 whatever the umask.
fn publish(workspace: &Workspace, program: Program, bytes: &[u8]) -> Result<PathBuf> {
    let directory = workspace.artifacts()?.join("bin");
    fs::create_dir_all(&directory)
        .with_context(|| format!("cannot create {}", directory.display()))?;
    let path = directory.join(program.name);
    crate::files::write_atomically(&path, bytes)?;
    set_mode(&path, 0o755)?;
    Ok(path)
}

fn set_mode(path: &Path, mode: u32) -> Result<()> {
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
        .with_context(|| format!("cannot set the mode of {}", path.display()))
}
