//! `enclave/sbom/crates.json`: the crates of the measured programs, with their licences.

use crate::hermetic::{self, INIT, SERVER};
use crate::workspace::Workspace;
use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

const FILE: &str = "enclave/sbom/crates.json";
const FORMAT: u32 = 1;

/// The list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct List {
    format: u32,
    /// All crates, by name and version (`aes 0.9.4`). Those that only build scripts and macros use
    /// are among them: they shape the bytes as well.
    pub(super) crates: BTreeMap<String, Crate>,
    /// Of each program, the names of its crates.
    pub(super) programs: BTreeMap<String, BTreeSet<String>>,
}

/// A crate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Crate {
    pub(super) name: String,
    pub(super) version: String,
    /// SPDX expression.
    pub(super) licence: String,
    /// SHA-256 of the `.crate` file, as Cargo.lock has it; absent for crates of this workspace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) sha256: Option<String>,
    /// Folder of a crate of this workspace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) path: Option<String>,
}

/// The part of Cargo.lock that is read.
#[derive(Deserialize)]
struct Lock {
    package: Vec<Locked>,
}

#[derive(Deserialize)]
struct Locked {
    name: String,
    version: String,
    checksum: Option<String>,
}

impl List {
    /// Reads the list, and compares its sums with Cargo.lock's.
    pub(super) fn load(workspace: &Workspace) -> Result<Self> {
        let text = fs::read_to_string(workspace.path(FILE))
            .with_context(|| format!("cannot read {FILE}"))?;
        let list: Self =
            serde_json::from_str(&text).with_context(|| format!("{FILE} is malformed"))?;
        ensure!(list.format == FORMAT, "{FILE} has format {}", list.format);
        let sums = checksums(workspace)?;
        for (key, one) in &list.crates {
            ensure!(
                *key == format!("{} {}", one.name, one.version),
                "{FILE}: {key} is {} {}",
                one.name,
                one.version
            );
            ensure!(
                sums.get(key) == Some(&one.sha256),
                "{FILE}: {key} is not as Cargo.lock has it; write the list anew with: cargo xtask sbom --write"
            );
        }
        for name in list.programs.values().flatten() {
            ensure!(
                list.crates.contains_key(name),
                "{FILE}: {name} is not among its crates"
            );
        }
        Ok(list)
    }

    /// The list as cargo computes it.
    fn of_cargo(workspace: &Workspace) -> Result<Self> {
        let sums = checksums(workspace)?;
        let mut list = Self {
            format: FORMAT,
            crates: BTreeMap::new(),
            programs: BTreeMap::new(),
        };
        for program in [INIT, SERVER] {
            let arguments = ["--prefix", "none", "--no-dedupe", "--format", "{p}|{l}"];
            let tree = hermetic::cargo_tree(workspace, program, &arguments)?;
            let mut names = BTreeSet::new();
            for line in tree.lines().filter(|line| !line.is_empty()) {
                let one = parse(line, workspace.root())
                    .with_context(|| format!("cargo tree printed {line:?}"))?;
                let key = format!("{} {}", one.name, one.version);
                let sha256 = sums.get(&key).cloned();
                let sha256 = sha256.with_context(|| format!("{key} is not in Cargo.lock"))?;
                names.insert(key.clone());
                list.crates.insert(key, Crate { sha256, ..one });
            }
            list.programs.insert(program.name.to_owned(), names);
        }
        Ok(list)
    }

    fn to_json(&self) -> Result<String> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }
}

/// Writes the list anew.
pub(super) fn write(workspace: &Workspace) -> Result<()> {
    let text = List::of_cargo(workspace)?.to_json()?;
    crate::files::write_atomically(&workspace.path(FILE), text.as_bytes())
}

/// Compares the list with cargo's.
pub(super) fn check(workspace: &Workspace) -> Result<()> {
    let (written, actual) = (List::load(workspace)?, List::of_cargo(workspace)?);
    if written == actual {
        return Ok(());
    }
    let both: BTreeSet<&String> = written.crates.keys().chain(actual.crates.keys()).collect();
    let other = both
        .into_iter()
        .find(|key| written.crates.get(*key) != actual.crates.get(*key))
        .map_or("the crates of a program", String::as_str);
    bail!("{FILE} is not what cargo says ({other}); write it anew with: cargo xtask sbom --write")
}

/// Sums of all crates of Cargo.lock; `None` for those of this workspace.
pub(crate) fn checksums(workspace: &Workspace) -> Result<BTreeMap<String, Option<String>>> {
    let text =
        fs::read_to_string(workspace.path("Cargo.lock")).context("cannot read Cargo.lock")?;
    let lock: Lock = toml::from_str(&text).context("Cargo.lock is malformed")?;
    let packages = lock.package.into_iter();
    Ok(packages
        .map(|one| (format!("{} {}", one.name, one.version), one.checksum))
        .collect())
}

/// A line of cargo tree: `NAME vVERSION[ (proc-macro)][ (PATH)]|LICENCE`.
fn parse(line: &str, root: &Path) -> Result<Crate> {
    let (package, licence) = line.rsplit_once('|').context("no licence")?;
    let mut words = package.split(' ');
    let name = words.next().context("no name")?;
    let version = words
        .next()
        .and_then(|word| word.strip_prefix('v'))
        .context("no version")?;
    let path = package
        .split_once(" (/")
        .and_then(|(_, rest)| rest.strip_suffix(')'))
        .map(|path| {
            let path = Path::new("/").join(path);
            let path = path.strip_prefix(root).context("outside of this tree")?;
            path.to_str().map(str::to_owned).context("no UTF-8")
        })
        .transpose()?;
    ensure!(!licence.is_empty(), "no licence");
    // The old way to write OR.
    let licence = licence.replace(" / ", " OR ").replace('/', " OR ");
    Ok(Crate {
        name: name.to_owned(),
        version: version.to_owned(),
        licence,
        sha256: None,
        path,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_cargo_tree_are_read() {
        let root = Path::new("/a tree");
        let one = parse("x_y v1.2.3+4 (proc-macro)|MIT/Apache-2.0", root).unwrap();
        assert_eq!(
            (
                one.name.as_str(),
                one.version.as_str(),
                one.licence.as_str(),
                one.path
            ),
            ("x_y", "1.2.3+4", "MIT OR Apache-2.0", None)
        );
        let one = parse("l v0.1.0 (/a tree/crates/l)|MIT OR Apache-2.0", root).unwrap();
        assert_eq!(one.path.as_deref(), Some("crates/l"));
        assert!(parse("l v0.1.0 (/elsewhere/l)|MIT", root).is_err());
        assert!(
            parse("l v0.1.0|", root).is_err(),
            "a crate without a licence"
        );
    }

    #[test]
    fn the_list_of_this_tree_is_cargos() {
        check(&Workspace::find().unwrap()).unwrap();
    }
}
