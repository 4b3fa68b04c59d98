//! `cargo xtask schemas`: every JSON file of the tree has a schema and agrees with it, and the
//! schemas are schemas.
//!
//! Readers of ours are stricter than a schema can be (what is unique, what agrees with what) and
//! have tests of their own. A schema is for those who read these files with other tools, so it must
//! say what the files really look like.

use crate::workspace::Workspace;
use anyhow::{Context, Result, bail};
use clap::Args;
use jsonschema::Validator;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// Folders in which every JSON file must have a schema.
const COVERED: &[&str] = &[
    "enclave/packages",
    "enclave/sbom",
    "measurements",
    "reproducers",
    "xtask/src/emulator",
];

/// Schema of a description that `cargo xtask eif` writes.
const ENCLAVE_IMAGE: &str = "docs/schemas/enclave-image.schema.json";

/// Schema of the bill of materials beside it.
const SBOM: &str = "docs/schemas/sbom.schema.json";

/// Arguments of `cargo xtask schemas`.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  cargo xtask schemas\n  cargo xtask schemas --image target/enclave/letsesign-enclave.json"
)]
pub(crate) struct SchemasArgs {
    /// Check also the description of an enclave image, as `cargo xtask eif` writes it, and the bill
    /// of materials beside it
    #[arg(long, value_name = "FILE")]
    image: Option<PathBuf>,
}

pub(crate) fn run(workspace: &Workspace, arguments: &SchemasArgs) -> Result<()> {
    let mut checked = 0;
    let mut problems = Vec::new();
    for folder in COVERED {
        for file in json_files(&workspace.path(folder))? {
            let relative = file
                .strip_prefix(workspace.root())
                .unwrap_or(&file)
                .to_str()
                .with_context(|| format!("{} is not UTF-8", file.display()))?;
            match schema_of(relative) {
                Some(schema) => problems.extend(check(&workspace.path(schema), &file)?),
                None => problems.push(format!("{relative} has no schema; xtask/src/schemas.rs")),
            }
            checked += 1;
        }
    }
    if let Some(file) = &arguments.image {
        problems.extend(of_image(workspace, file)?);
        checked += 2;
    }
    if !problems.is_empty() {
        bail!("not as their schemas say:\n  {}", problems.join("\n  "));
    }
    println!("{checked} files are as their schemas say");
    Ok(())
}

/// Violations of their schemas by the description of an image and by the bill of materials beside
/// it.
pub(crate) fn of_image(workspace: &Workspace, description: &Path) -> Result<Vec<String>> {
    let mut problems = check(&workspace.path(ENCLAVE_IMAGE), description)?;
    let sbom = description.with_extension("cdx.json");
    problems.extend(check(&workspace.path(SBOM), &sbom)?);
    Ok(problems)
}

/// The schema of a file, both from the workspace's root.
fn schema_of(file: &str) -> Option<&'static str> {
    let name = file.rsplit('/').next()?;
    Some(match (file, name) {
        // A schema must be one itself: `check` compiles what it is given.
        (_, name) if name.ends_with(".schema.json") => "",
        ("enclave/packages/packages.json", _) => "enclave/packages/packages.schema.json",
        ("enclave/sbom/crates.json", _) => "docs/schemas/crates.schema.json",
        ("measurements/status.json", _) => "docs/schemas/status.schema.json",
        ("measurements/tcb-info.json", _) => "docs/schemas/tcb-info.schema.json",
        ("measurements/next.manifest.json", _) => "docs/schemas/manifest.schema.json",
        ("reproducers/kernel/check.json", _) => "docs/schemas/kernel-check.schema.json",
        (_, "packages.json") => "docs/schemas/pins.schema.json",
        _ if file.starts_with("measurements/") => "measurements/release.schema.json",
        _ => return None,
    })
}

/// All JSON files below a folder, in the order of their names.
fn json_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let cannot = || format!("cannot list {}", folder.display());
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(cannot)? {
        let path = entry.with_context(cannot)?.path();
        if path.is_dir() {
            files.extend(json_files(&path)?);
        } else if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Violations of `schema` by `file`, one line each. A file that is a schema is compiled instead.
fn check(schema: &Path, file: &Path) -> Result<Vec<String>> {
    if is_schema(file) {
        validator(file)?;
        return Ok(Vec::new());
    }
    let value = read(file)?;
    Ok(validator(schema)?
        .iter_errors(&value)
        .map(|error| format!("{}: {}: {error}", file.display(), error.instance_path()))
        .collect())
}

fn is_schema(file: &Path) -> bool {
    file.to_str()
        .is_some_and(|name| name.ends_with(".schema.json"))
}

fn read(file: &Path) -> Result<Value> {
    let text =
        fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is not JSON", file.display()))
}

/// Compiles a schema, after checking it against the schema of schemas.
fn validator(file: &Path) -> Result<Validator> {
    let schema = read(file)?;
    jsonschema::meta::validate(&schema)
        .map_err(|error| anyhow::anyhow!("{error}"))
        .and_then(|()| {
            jsonschema::validator_for(&schema).map_err(|error| anyhow::anyhow!("{error}"))
        })
        .with_context(|| format!("{} is not a schema", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_file_of_this_tree_agrees() {
        let workspace = Workspace::find().unwrap();
        run(&workspace, &SchemasArgs { image: None }).unwrap();
    }

    /// Every schema refuses something: a file with one member more, one less, one of another kind.
    #[test]
    fn every_schema_refuses_what_it_does_not_describe() {
        let workspace = Workspace::find().unwrap();
        for file in COVERED
            .iter()
            .flat_map(|folder| json_files(&workspace.path(folder)).unwrap())
            .filter(|file| !is_schema(file))
        {
            let relative = file.strip_prefix(workspace.root()).unwrap();
            let schema = workspace.path(schema_of(relative.to_str().unwrap()).unwrap());
            let validator = validator(&schema).unwrap();
            let good = read(&file).unwrap();
            let members = good.as_object().unwrap();
            assert!(validator.is_valid(&good), "{}", file.display());
            let mut more = members.clone();
            more.insert("unheardOf".into(), json!(1));
            assert!(!validator.is_valid(&more.into()), "{}", file.display());
            for name in members.keys() {
                let mut other = members.clone();
                other.insert(name.clone(), json!({ "of": ["another", "kind"] }));
                assert!(
                    !validator.is_valid(&other.into()),
                    "{} {name}",
                    file.display()
                );
            }
        }
    }

    #[test]
    fn a_file_without_a_schema_is_reported() {
        assert_eq!(schema_of("reproducers/kernel/new.json"), None);
        assert_eq!(
            schema_of("measurements/2611.json"),
            Some("measurements/release.schema.json")
        );
    }

    #[test]
    fn an_invalid_schema_is_reported() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x.schema.json");
        fs::write(&file, r#"{"type": "objekt"}"#).unwrap();
        let error = check(Path::new(""), &file).unwrap_err();
        assert!(
            format!("{error:#}").contains("is not a schema"),
            "{error:#}"
        );
    }
}
