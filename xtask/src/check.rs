//! `cargo xtask check`: the checks for a commit, in about a minute.
//!
//! Formatting and style are checked everywhere; lints, documentation and unit tests only for the
//! packages that changed. `cargo xtask test` shows everything.

use crate::measurements::git;
use crate::style;
use crate::test::program::run_cargo;
use crate::test::{Outcome, nix_lint};
use crate::workspace::{Workspace, cargo};
use anyhow::{Context, Result, ensure};
use clap::Args;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Arguments of `cargo xtask check`.
#[derive(Args, Debug)]
#[command(
    after_help = "As a pre-commit hook: echo 'exec cargo xtask check' > .git/hooks/pre-commit && \
    chmod +x .git/hooks/pre-commit\n\nExamples:\n  cargo xtask check                what is not committed yet\n  \
    cargo xtask check --base main    all that differs from main\n  cargo xtask check --all          every package"
)]
pub(crate) struct CheckArgs {
    /// Take the packages that differ from this commit instead of those with uncommitted changes
    #[arg(long, value_name = "REVISION", conflicts_with = "all")]
    base: Option<String>,
    /// Take every package
    #[arg(long)]
    all: bool,
}

/// A package of the workspace.
#[derive(Debug, Deserialize)]
struct Package {
    name: String,
    manifest_path: PathBuf,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

/// Runs the checks, the quickest first.
pub(crate) fn run(workspace: &Workspace, arguments: &CheckArgs) -> Result<()> {
    println!("== fmt");
    run_cargo(workspace, &["fmt", "--all", "--check"], &[])?;
    println!("== style");
    style::run(workspace)?;
    println!("== nix-lint");
    if let Outcome::Skipped(why) = nix_lint::run(workspace)? {
        println!("skipped: {why}");
    }
    let packages = packages(workspace)?;
    let wanted = if arguments.all {
        packages
            .iter()
            .map(|package| package.name.clone())
            .collect()
    } else {
        let base = arguments.base.as_deref().unwrap_or("HEAD");
        affected(workspace.root(), &packages, &changed(workspace, base)?)
    };
    if wanted.is_empty() {
        println!("no package changed");
        return Ok(());
    }
    let list: Vec<&str> = wanted.iter().map(String::as_str).collect();
    println!("== packages: {}", list.join(", "));
    let selection: Vec<&str> = list.iter().flat_map(|name| ["--package", *name]).collect();
    let cargo = |before: &[&str], after: &[&str], variables: &[(&str, &str)]| {
        let arguments = [before, &selection, after].concat();
        println!("== {}", before.first().copied().unwrap_or_default());
        run_cargo(workspace, &arguments, variables)
    };
    cargo(
        &["clippy", "--locked", "--all-targets", "--all-features"],
        &["--", "-Dwarnings"],
        &[],
    )?;
    cargo(
        &["doc", "--locked", "--no-deps", "--all-features"],
        &[],
        &[("RUSTDOCFLAGS", "-Dwarnings")],
    )?;
    // Unit tests only: whole-program tests want the image, services and minutes.
    cargo(
        &["test", "--locked", "--all-features", "--lib", "--bins"],
        &["--quiet"],
        &[],
    )
}

/// The packages of the workspace.
fn packages(workspace: &Workspace) -> Result<Vec<Package>> {
    let output = Command::new(cargo())
        .args(["metadata", "--format-version=1", "--no-deps", "--locked"])
        .current_dir(workspace.root())
        .output()
        .context("cannot run cargo")?;
    ensure!(
        output.status.success(),
        "cargo metadata failed: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    let metadata: Metadata =
        serde_json::from_slice(&output.stdout).context("cargo metadata printed something else")?;
    Ok(metadata.packages)
}

/// Files that differ from a commit, new ones included, relative to the root.
fn changed(workspace: &Workspace, base: &str) -> Result<Vec<PathBuf>> {
    let git = |arguments: &[&str]| {
        git::paths(workspace, arguments).context("in a tree without git use --all")
    };
    let mut files = git(&["diff", "--name-only", "-z", base, "--"])?;
    files.extend(git(&["ls-files", "--others", "--exclude-standard", "-z"])?);
    Ok(files)
}

/// The packages that hold the files: of nested packages the innermost. A file that every package
/// depends on (Cargo.toml, Cargo.lock, the toolchain) affects all of them.
fn affected(root: &Path, packages: &[Package], files: &[PathBuf]) -> BTreeSet<String> {
    let all = [
        "Cargo.toml",
        "Cargo.lock",
        "rust-toolchain.toml",
        "clippy.toml",
    ];
    if files
        .iter()
        .any(|file| all.iter().any(|name| file == Path::new(name)))
    {
        return packages
            .iter()
            .map(|package| package.name.clone())
            .collect();
    }
    let folder = |package: &Package| -> Option<PathBuf> {
        let folder = package.manifest_path.parent()?;
        Some(folder.strip_prefix(root).unwrap_or(folder).to_owned())
    };
    files
        .iter()
        .filter_map(|file| {
            packages
                .iter()
                .filter_map(|package| Some((folder(package)?, package)))
                .filter(|(folder, _)| file.starts_with(folder))
                .max_by_key(|(folder, _)| folder.components().count())
                .map(|(_, package)| package.name.clone())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_package_of_a_file_is_affected() {
        let package = |name: &str, folder: &str| Package {
            name: name.to_owned(),
            manifest_path: Path::new("/r").join(folder).join("Cargo.toml"),
        };
        let packages = [
            package("tests", "tests"),
            package("demo", "tests/demo"),
            package("eif", "enclave/eif"),
        ];
        let names = |files: &[&str]| {
            let files: Vec<PathBuf> = files.iter().map(PathBuf::from).collect();
            let found = affected(Path::new("/r"), &packages, &files);
            found.into_iter().collect::<Vec<_>>().join(" ")
        };
        assert_eq!(
            names(&["tests/demo/src/main.rs", "tests/src/lib.rs"]),
            "demo tests"
        );
        assert_eq!(names(&["enclave/eif/README.md"]), "eif");
        assert_eq!(names(&["docs/style.md", "enclave/init.md"]), "");
        assert_eq!(names(&["Cargo.lock"]), "demo eif tests");
    }
}
