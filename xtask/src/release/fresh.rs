//! A fresh place: a clone of its own, a CARGO_HOME of its own, a target directory of its own.
//!
//! Releases are built there, and the images that an auditor compares with them. Files that git does
//! not track, files marked assume-unchanged, unpacked crates that somebody changed, and libraries
//! that an earlier build left behind are not there.

use crate::hermetic::kept_variables;
use crate::measurements::git;
use crate::workspace::{Workspace, cargo, cargo_home};
use anyhow::{Context, Result, ensure};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Tables of a cargo configuration that say where crates come from, and nothing else.
const KEPT_TABLES: &[&str] = &["source", "registries", "registry", "net", "http"];

/// A fresh place. Removed when dropped.
pub(super) struct Fresh {
    directory: tempfile::TempDir,
    workspace: Workspace,
}

impl Fresh {
    /// Clones a repository, with all of its history; nothing is checked out yet.
    pub(super) fn clone(from: &OsStr) -> Result<Self> {
        let directory = tempfile::Builder::new()
            .prefix("letsesign-fresh-")
            .tempdir()
            .context("cannot create a directory")?;
        let here = Workspace::at(directory.path());
        let tree = directory.path().join("tree");
        // Not by links or by copying files: what arrives goes through git's own checks.
        let mut command = git::command(
            &here,
            &["-c", "transfer.fsckObjects=true", "clone", "--quiet"],
        );
        command
            .args(["--no-local", "--no-checkout", "--"])
            .arg(from)
            .arg(&tree);
        let output = command.output().context("cannot run git")?;
        ensure!(
            output.status.success(),
            "cannot clone {}: {}",
            from.display(),
            String::from_utf8_lossy(&output.stderr).trim()
        );
        let home = directory.path().join("cargo");
        fs::create_dir(&home).context("cannot create a CARGO_HOME")?;
        fs::write(home.join("config.toml"), sources_of_crates()?)
            .context("cannot write a cargo configuration")?;
        Ok(Self {
            workspace: Workspace::at(&tree),
            directory,
        })
    }

    /// The clone.
    pub(super) fn workspace(&self) -> &Workspace {
        &self.workspace
    }

    /// Checks a commit out, byte for byte as it is in git.
    pub(super) fn checkout(&self, revision: &str) -> Result<()> {
        let settings = [
            "core.autocrlf=false",
            "core.attributesFile=/dev/null",
            "core.hooksPath=/dev/null",
            "core.symlinks=true",
            "advice.detachedHead=false",
        ];
        let mut arguments: Vec<&str> = settings
            .iter()
            .flat_map(|setting| ["-c", setting])
            .collect();
        arguments.extend(["checkout", "--quiet", "--force", "--detach", revision, "--"]);
        git::git(&self.workspace, &arguments)?;
        let changed = git::git(&self.workspace, &["status", "--porcelain", "--ignored"])?;
        // The target folder comes from this clone's own builds.
        let changed: Vec<&str> = changed
            .lines()
            .filter(|line| *line != "!! target/")
            .collect();
        ensure!(
            changed.is_empty(),
            "a fresh checkout of {revision} differs from the commit:\n{}",
            changed.join("\n")
        );
        Ok(())
    }

    /// Runs a task of the tree that is checked out, built there. Its output goes to standard error.
    pub(super) fn xtask(&self, arguments: &[&OsStr]) -> Result<()> {
        let mut command = Command::new(cargo());
        command
            .args(["run", "--locked", "--quiet", "--package", "xtask", "--"])
            .args(arguments)
            .current_dir(self.workspace.root())
            .env_clear()
            .envs(kept_variables())
            .env("CARGO_HOME", self.directory.path().join("cargo"))
            .env("CARGO_TARGET_DIR", self.workspace.root().join("target"))
            .env("XDG_CACHE_HOME", self.directory.path().join("cache"))
            .stdin(Stdio::null())
            .stdout(std::io::stderr());
        let status = command.status().context("cannot run cargo")?;
        let task = arguments.first().map_or(OsStr::new(""), |task| task);
        ensure!(
            status.success(),
            "cargo xtask {} failed in the fresh place ({status})",
            task.display()
        );
        Ok(())
    }

    /// Builds the image of the tree that is checked out; the directory of its artefacts.
    pub(super) fn build(&self) -> Result<PathBuf> {
        let output = self.directory.path().join("built");
        if output.exists() {
            fs::remove_dir_all(&output).context("cannot remove an earlier build")?;
        }
        let target = self.workspace.root().join("target");
        if target.exists() {
            fs::remove_dir_all(&target).context("cannot remove an earlier target directory")?;
        }
        self.xtask(&["eif".as_ref(), "--output".as_ref(), output.as_os_str()])?;
        Ok(output)
    }
}

/// A cargo configuration with this machine's sources of crates. Cargo compares crates with
/// Cargo.lock, whatever their source.
fn sources_of_crates() -> Result<String> {
    let Some(home) = cargo_home() else {
        return Ok(String::new());
    };
    let mut kept = toml::Table::new();
    for name in ["config", "config.toml"] {
        kept.extend(read_tables(&home.join(name))?);
    }
    toml::to_string(&kept).context("cannot write a cargo configuration")
}

fn read_tables(file: &Path) -> Result<toml::Table> {
    let Ok(text) = fs::read_to_string(file) else {
        return Ok(toml::Table::new());
    };
    let table: toml::Table = text
        .parse()
        .with_context(|| format!("{} is not a cargo configuration", file.display()))?;
    let kept = table.into_iter();
    Ok(kept
        .filter(|(name, _)| KEPT_TABLES.contains(&name.as_str()))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A mirror goes along; a profile, a wrapper or a replaced crate does not.
    #[test]
    fn settings_that_change_a_build_stay_behind() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.toml");
        let text = "[source.crates-io]\nreplace-with = \"mirror\"\n[net]\nretry = 3\n\
                    [profile.enclave]\nlto = false\n[patch.crates-io]\nx = { path = \"/x\" }\n\
                    [env]\nA = \"1\"\n[build]\nrustc-wrapper = \"evil\"\n[target.x]\nlinker = \"evil\"\n";
        fs::write(&file, text).unwrap();
        let tables = read_tables(&file).unwrap();
        assert_eq!(tables.keys().collect::<Vec<_>>(), ["net", "source"]);
    }
}
