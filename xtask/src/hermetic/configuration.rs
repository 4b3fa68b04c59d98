//! Cargo reads configuration files above the workspace and in CARGO_HOME. Most settings there
//! cannot change our bytes, because the environment or the command line overrides them; these can,
//! and cargo has no way to ignore a file.

use crate::workspace::{Workspace, cargo_home};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};

/// Top-level keys that change what is compiled.
const FORBIDDEN: &[&str] = &[
    "profile", "patch", "paths", "env", "include", "unstable", "resolver",
];

pub(super) fn refuse_foreign_settings(workspace: &Workspace) -> Result<()> {
    for file in configuration_files(workspace.root(), cargo_home().as_deref()) {
        let Ok(text) = fs::read_to_string(&file) else {
            continue;
        };
        check(&file, &text)?;
    }
    Ok(())
}

/// Every file that cargo would merge, except the workspace's own, which is part of the tree.
fn configuration_files(root: &Path, cargo_home: Option<&Path>) -> Vec<PathBuf> {
    root.ancestors()
        .skip(1)
        .map(|directory| directory.join(".cargo"))
        .chain(cargo_home.map(Path::to_owned))
        .flat_map(|directory| ["config", "config.toml"].map(|name| directory.join(name)))
        .collect()
}

fn check(file: &Path, text: &str) -> Result<()> {
    let settings: toml::Table = text
        .parse()
        .with_context(|| format!("{} is not a cargo configuration", file.display()))?;
    for key in FORBIDDEN {
        if settings.contains_key(*key) {
            bail!(
                "{} sets [{key}], which would change the measured bytes; remove it for this build, or set CARGO_HOME to a \
                 directory without it",
                file.display()
            );
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_of_the_user_is_refused_and_a_mirror_is_not() {
        let file = Path::new("/home/u/.cargo/config.toml");
        let error = check(file, "[profile.enclave]\nlto = false\n").unwrap_err();
        assert!(
            error
                .to_string()
                .contains("/home/u/.cargo/config.toml sets [profile]"),
            "{error}"
        );
        check(
            file,
            "[source.crates-io]\nreplace-with = \"mirror\"\n[build]\njobs = 3\n",
        )
        .unwrap();
    }

    #[test]
    fn files_above_the_workspace_are_read_and_its_own_is_not() {
        let files = configuration_files(Path::new("/a/b"), Some(Path::new("/c")));
        assert!(files.contains(&PathBuf::from("/a/.cargo/config.toml")));
        assert!(files.contains(&PathBuf::from("/c/config.toml")));
        assert!(!files.contains(&PathBuf::from("/a/b/.cargo/config.toml")));
    }
}
