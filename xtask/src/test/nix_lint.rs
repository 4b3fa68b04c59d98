//! The step `nix-lint`: deadnix and statix over every Nix file that git tracks.

use super::Outcome;
use crate::measurements::git;
use crate::workspace::Workspace;
use anyhow::{Context, Result, bail, ensure};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The linters, and words of their help texts: another program can have the same name.
const DEADNIX: (&str, &str) = ("deadnix", "dead code in .nix files");
const STATIX: (&str, &str) = ("statix", "Nix programming language");

/// Runs the linters that are installed.
///
/// deadnix is a crate. statix is not: the crate of that name is an HTTP server. So a machine
/// without Nix packages can lack statix, and only a missing deadnix skips the step; the flake's
/// check `nix-lint` runs both.
pub(crate) fn run(workspace: &Workspace) -> Result<Outcome> {
    let files = nix_files(git::paths(workspace, &["ls-files", "-z"])?);
    ensure!(!files.is_empty(), "git tracks no Nix file");
    if !is_installed(DEADNIX) {
        return Ok(Outcome::Skipped(
            "deadnix is not installed (cargo install --locked deadnix)".to_owned(),
        ));
    }
    // All files are looked at before the step fails.
    let mut findings = Vec::new();
    if !passes(workspace.root(), "deadnix", &["--fail"], &files)? {
        findings.push("deadnix");
    }
    if is_installed(STATIX) {
        let mut clean = true;
        for file in &files {
            // It takes one path a run.
            let file = std::slice::from_ref(file);
            clean &= passes(workspace.root(), "statix", &["check"], file)?;
        }
        if !clean {
            findings.push("statix");
        }
    } else {
        println!("note: statix is not installed (nix profile install nixpkgs#statix); deadnix ran");
    }
    if !findings.is_empty() {
        bail!("findings of {}, above", findings.join(" and "));
    }
    Ok(Outcome::Passed)
}

fn nix_files(tracked: Vec<PathBuf>) -> Vec<PathBuf> {
    tracked
        .into_iter()
        .filter(|file| file.extension().is_some_and(|extension| extension == "nix"))
        .collect()
}

/// Whether a program of this name is there and has these words in its help text.
fn is_installed((name, words): (&str, &str)) -> bool {
    Command::new(name)
        .arg("--help")
        .stdin(Stdio::null())
        .output()
        .is_ok_and(|output| {
            output.status.success() && String::from_utf8_lossy(&output.stdout).contains(words)
        })
}

/// Whether a linter finds nothing in the files. It prints what it finds.
fn passes(root: &Path, linter: &str, arguments: &[&str], files: &[PathBuf]) -> Result<bool> {
    let status = Command::new(linter)
        .args(arguments)
        .args(files)
        .current_dir(root)
        .stdin(Stdio::null())
        .status()
        .with_context(|| format!("cannot run {linter}"))?;
    Ok(status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_nix_files_are_linted() {
        let files = ["flake.nix", "nix/doubles/README.md", "nix", "nix/tools.nix"];
        assert_eq!(
            nix_files(files.map(PathBuf::from).to_vec()),
            ["flake.nix", "nix/tools.nix"].map(PathBuf::from)
        );
    }

    #[test]
    fn a_program_of_the_same_name_is_not_the_linter() {
        assert!(is_installed(("cargo", "Usage")));
        assert!(!is_installed(("cargo", STATIX.1)));
        assert!(!is_installed(("no-such-program", "Usage")));
    }

    #[test]
    fn a_linter_that_fails_is_a_finding() {
        let here = Path::new(".");
        assert!(passes(here, "true", &[], &[]).unwrap());
        assert!(!passes(here, "false", &[], &[]).unwrap());
        assert!(passes(here, "no-such-program", &[], &[]).is_err());
    }

    /// With the real linter, where it is installed.
    #[test]
    fn deadnix_finds_an_unused_binding() {
        if !is_installed(DEADNIX) {
            assert!(!super::super::require_all(), "deadnix is not installed");
            println!("skipped: deadnix is not installed");
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let files = [PathBuf::from("a.nix")];
        std::fs::write(folder.path().join("a.nix"), "let unused = 1; in 2\n").unwrap();
        assert!(!passes(folder.path(), "deadnix", &["--fail"], &files).unwrap());
        std::fs::write(folder.path().join("a.nix"), "let used = 1; in used\n").unwrap();
        assert!(passes(folder.path(), "deadnix", &["--fail"], &files).unwrap());
    }
}
