//! The step `nix`: the flake, with test doubles of its inputs, so that it needs neither GitHub
//! nor a binary cache, and with the sandbox on.

use super::Outcome;
use super::program::run_xtask;
use crate::workspace::Workspace;
use anyhow::{Context, Result, bail};
use std::process::{Command, Stdio};

/// Checks of the flake that run a command of another step over the same files. They evaluate here
/// and are built by `nix flake check` alone, which a workflow of its own runs (reproduce.yml).
const OTHER_STEPS: &[&str] = &["clippy", "deny", "docs", "fmt", "nextest", "nix-lint"];

const CHECKS: &str = ".#checks.x86_64-linux";

/// A program, and Debian's package of it.
const NIX: (&str, &str) = ("nix", "nix-bin");

/// Why a step cannot run, when one of these programs is not installed.
fn missing(programs: &[(&str, &str)]) -> Option<String> {
    let (program, package) = programs.iter().find(|(program, _)| {
        !Command::new(program)
            .arg("--version")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    })?;
    Some(format!(
        "{program} is not installed (on Debian: apt-get install {package})"
    ))
}

/// The step `nix`.
pub(super) fn run(workspace: &Workspace) -> Result<Outcome> {
    if let Some(why) = missing(&[NIX]) {
        return Ok(Outcome::Skipped(why));
    }
    run_xtask(workspace, &["prefetch", "crates"])?;
    // Every output of every system evaluates.
    run_xtask(workspace, &["nix", "--", "flake", "check", "--no-build"])?;
    let checks = checks_of_its_own(&names(workspace)?)?;
    let mut arguments = vec!["nix", "--", "build", "--no-link", ".#eif"];
    arguments.extend(checks.iter().map(String::as_str));
    run_xtask(workspace, &arguments)?;
    Ok(Outcome::Passed)
}

/// The step `reproduce-page`: the commands of docs/reproduce.md, in this tree.
pub(super) fn page(workspace: &Workspace) -> Result<Outcome> {
    if let Some(why) = missing(&[NIX, ("python3", "python3")]) {
        return Ok(Outcome::Skipped(why));
    }
    let status = Command::new("python3")
        .args(["tests/reproduce-page.py", "--here", "--doubles"])
        .current_dir(workspace.root())
        .stdin(Stdio::null())
        .status()
        .context("cannot run python3")?;
    if !status.success() {
        bail!("a command of docs/reproduce.md fails ({status})");
    }
    Ok(Outcome::Passed)
}

/// The names of all checks.
fn names(workspace: &Workspace) -> Result<Vec<String>> {
    let output = Command::new(super::program::this_program()?)
        .args(["nix", "--", "eval", "--json", CHECKS])
        .args(["--apply", "builtins.attrNames"])
        .current_dir(workspace.root())
        .stderr(Stdio::inherit())
        .output()
        .context("cannot run this program")?;
    if !output.status.success() {
        bail!("the flake's checks cannot be listed ({})", output.status);
    }
    serde_json::from_slice(&output.stdout).context("nix eval gave no list of names")
}

/// The installables of the checks that no other step runs.
fn checks_of_its_own(names: &[String]) -> Result<Vec<String>> {
    if let Some(gone) = OTHER_STEPS
        .iter()
        .find(|name| !names.iter().any(|other| other == *name))
    {
        bail!("the flake has no check {gone:?}, which the step `nix` leaves to another step");
    }
    Ok(names
        .iter()
        .filter(|name| !OTHER_STEPS.contains(&name.as_str()))
        .map(|name| format!("{CHECKS}.{name}"))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_names_the_program_and_its_package() {
        assert_eq!(missing(&[("cargo", "cargo")]), None);
        let why = missing(&[("cargo", "cargo"), ("no-such-program", "a-package")]).unwrap();
        assert!(
            why.contains("no-such-program") && why.contains("a-package"),
            "{why}"
        );
    }

    #[test]
    fn a_new_check_is_built_and_a_lost_one_is_noticed() {
        let mut names: Vec<String> = OTHER_STEPS.iter().map(|&name| name.to_owned()).collect();
        names.push("boot".to_owned());
        names.push("new".to_owned());
        assert_eq!(
            checks_of_its_own(&names).unwrap(),
            [".#checks.x86_64-linux.boot", ".#checks.x86_64-linux.new"]
        );
        names.retain(|name| name != "nextest");
        let error = checks_of_its_own(&names).unwrap_err().to_string();
        assert!(error.contains("\"nextest\""), "{error}");
    }
}
