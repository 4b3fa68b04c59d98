//! Law 2: no C compiler in the measured programs. Checked in cargo's own dependency tree before
//! anything is built.

use super::Program;
use crate::workspace::{TARGET, Workspace, cargo};
use anyhow::{Context, Result, bail};
use std::process::Command;

/// Crates that compile or bind C, by name or by a prefix that ends in `*`.
const FORBIDDEN: &[&str] = &[
    "cc",
    "cmake",
    "bindgen",
    "pkg-config",
    "vcpkg",
    "ring",
    "aws-lc*",
    "openssl*",
    "native-tls",
    "libz-sys",
    "zstd-sys",
    "libsodium-sys*",
    "mbedtls*",
    "boring*",
    "libloading",
];

/// Fails when `cargo tree -e normal,build` of the program holds a forbidden crate, and names the
/// way it came in.
pub(super) fn refuse_c(workspace: &Workspace, program: Program) -> Result<()> {
    let tree = cargo_tree(workspace, program, &["--prefix", "none", "--format", "{p}"])?;
    let found: Vec<&str> = forbidden(&tree).collect();
    let Some(first) = found.first() else {
        return Ok(());
    };
    let way = cargo_tree(workspace, program, &["--invert", first]).unwrap_or_default();
    bail!(
        "{} depends on {}, which needs a C compiler or binds C (law 2):\n{way}",
        program.package,
        found.join(", ")
    );
}

/// The output of `cargo tree` for a program: every package that is compiled for it.
pub(crate) fn cargo_tree(
    workspace: &Workspace,
    program: Program,
    arguments: &[&str],
) -> Result<String> {
    let output = Command::new(cargo())
        .args([
            "tree",
            "--locked",
            "--edges",
            "normal,build",
            "--target",
            TARGET,
        ])
        .args(["--package", program.package])
        .args(arguments)
        .current_dir(workspace.root())
        .output()
        .context("cannot run cargo tree")?;
    if !output.status.success() {
        bail!(
            "cargo tree failed: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn forbidden(tree: &str) -> impl Iterator<Item = &str> {
    tree.lines()
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| {
            FORBIDDEN
                .iter()
                .any(|pattern| match pattern.strip_suffix('*') {
                    Some(prefix) => name.starts_with(prefix),
                    None => name == pattern,
                })
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forbidden_crates_are_found_by_name_and_by_prefix() {
        let tree = "letsesign-server v0.1.0\nserde v1.0.0\naws-lc-sys v0.30.0\ncc v1.2.0\nccc v1.0.0\nringbuf v0.1.0\n";
        assert_eq!(forbidden(tree).collect::<Vec<_>>(), ["aws-lc-sys", "cc"]);
    }
}
