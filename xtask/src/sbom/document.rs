//! The document: CycloneDX 1.6 (ECMA-424) in JSON, with the members that
//! docs/schemas/sbom.schema.json names and no others. No time, no serial number, nothing of the
//! machine that built.

use super::crates::{Crate, List};
use super::runtime::{self, Base};
use crate::hermetic::{INIT, SERVER};
use crate::image;
use crate::packages::Packages;
use crate::workspace::{RUSTC_COMMIT, RUSTC_RELEASE, Workspace};
use anyhow::{Context, Result};
use canoni::{Kind, Tree};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::io::Read;
use std::path::Path;

/// The parts that an image was made of.
pub(crate) struct Parts<'a> {
    /// Name and version of the image.
    pub(crate) name: &'a str,
    pub(crate) version: &'a str,
    /// The image's file.
    pub(crate) eif: &'a Path,
    /// The program of ramdisk 1.
    pub(crate) init: &'a Path,
    /// The files of ramdisk 2.
    pub(crate) tree: &'a Tree,
}

/// Writes the bill of materials of an image.
pub(crate) fn write(workspace: &Workspace, parts: &Parts<'_>, output: &Path) -> Result<()> {
    let mut text = serde_json::to_string_pretty(&document(workspace, parts)?)?;
    text.push('\n');
    crate::files::write_atomically(output, text.as_bytes())
}

fn document(workspace: &Workspace, parts: &Parts<'_>) -> Result<Value> {
    let crates = List::load(workspace)?;
    let packages = Packages::load(&workspace.path("enclave/packages"))?;
    let mut components = vec![
        program(
            INIT.name,
            parts.version,
            &crate::files::sha256(parts.init)?,
            "/init",
        ),
        toolchain(),
    ];
    let (mut files, mut depends) = (Vec::new(), vec![INIT.name.to_owned()]);
    for entry in parts.tree.entries() {
        if !matches!(entry.kind, Kind::File { .. }) {
            continue;
        }
        let path = std::str::from_utf8(&entry.path).context("a path of the image is not UTF-8")?;
        let content = entry.content().context("a file without content")?;
        let sha256 = hash(&mut content.open()?)?;
        let place = format!("/{path}");
        if place == image::server_path() {
            components.push(program(SERVER.name, parts.version, &sha256, &place));
            depends.push(SERVER.name.to_owned());
        } else {
            files.push(file(&packages, &place, &sha256));
        }
    }
    components.extend(files);
    components.push(cmdline(workspace)?);
    components.extend(packages.entries().map(package));
    for base in runtime::contents(workspace)? {
        components.push(runtime(&base));
    }
    components.extend(crates.crates.values().map(library));
    // The image depends on its files; on libraries only its programs do, see below.
    for component in &components {
        let reference = text(component, "bom-ref");
        let whole = text(component, "type") != "library";
        if whole && !depends.iter().any(|known| known == reference) {
            depends.push(reference.to_owned());
        }
    }
    depends.sort();
    let mut dependencies = vec![json!({ "ref": parts.name, "dependsOn": depends })];
    for (name, names) in &crates.programs {
        let names = names.iter().map(|name| reference(name));
        let mut names: Vec<String> = names.collect();
        names.push("rust-std".to_owned());
        names.extend(runtime::PACKAGES.iter().map(|name| (*name).to_owned()));
        names.sort();
        dependencies.push(json!({ "ref": name, "dependsOn": names }));
    }
    Ok(json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": { "component": {
            "type": "firmware",
            "bom-ref": parts.name,
            "name": parts.name,
            "version": parts.version,
            "hashes": hashes(&crate::files::sha256(parts.eif)?),
        }},
        "components": components,
        "dependencies": dependencies,
    }))
}

fn text<'a>(component: &'a Value, member: &str) -> &'a str {
    component.get(member).and_then(Value::as_str).unwrap_or("")
}

/// The bom-ref of a crate, `NAME VERSION` in the list.
fn reference(key: &str) -> String {
    format!("crate:{}", key.replace(' ', "@"))
}

fn hashes(sha256: &str) -> Value {
    json!([{ "alg": "SHA-256", "content": sha256 }])
}

fn licences(expression: &str) -> Value {
    json!([{ "expression": expression }])
}

/// Properties of ours, whose names begin with `letsesign:`.
fn properties(pairs: &[(&str, &str)]) -> Value {
    let pairs = pairs.iter();
    pairs
        .map(|(name, value)| json!({ "name": format!("letsesign:{name}"), "value": value }))
        .collect()
}

fn program(name: &str, version: &str, sha256: &str, place: &str) -> Value {
    json!({
        "type": "application",
        "bom-ref": name,
        "name": name,
        "version": version,
        "hashes": hashes(sha256),
        "licenses": licences(env!("CARGO_PKG_LICENSE")),
        "properties": properties(&[
            ("image", place),
            ("source", "this repository"),
            ("reproducer", "cargo xtask build"),
        ]),
    })
}

/// The compiler's own libraries are part of every program.
fn toolchain() -> Value {
    json!({
        "type": "library",
        "bom-ref": "rust-std",
        "name": "rust-std",
        "version": RUSTC_RELEASE,
        "licenses": licences("MIT OR Apache-2.0"),
        "purl": format!("pkg:github/rust-lang/rust@{RUSTC_COMMIT}"),
        "properties": properties(&[
            ("source", &format!("https://github.com/rust-lang/rust/tree/{RUSTC_COMMIT}")),
            ("reproducer", "the toolchain as its project distributes it"),
        ]),
    })
}

fn library(one: &Crate) -> Value {
    let key = format!("{} {}", one.name, one.version);
    let mut component = json!({
        "type": "library",
        "bom-ref": reference(&key),
        "name": one.name,
        "version": one.version,
    });
    let sum = one.sha256.as_deref();
    let source = match (&one.path, sum) {
        (Some(path), _) => path.clone(),
        (None, _) => format!("https://crates.io/crates/{}/{}", one.name, one.version),
    };
    if let Some(component) = component.as_object_mut() {
        if let Some(sum) = sum {
            component.insert("hashes".into(), hashes(sum));
        }
        component.insert("licenses".into(), licences(&one.licence));
        if sum.is_some() {
            let purl = format!("pkg:cargo/{}@{}", one.name, one.version.replace('+', "%2B"));
            component.insert("purl".into(), purl.into());
        }
        let pairs = [
            ("source", source.as_str()),
            ("reproducer", "cargo xtask build"),
        ];
        component.insert("properties".into(), properties(&pairs));
    }
    component
}

/// A file of the image, with what it comes from.
fn file(packages: &Packages, place: &str, sha256: &str) -> Value {
    let config = place.strip_prefix(image::CONFIGS_PLACE);
    let package = packages.entries().find(|package| {
        let mut files = package.files.iter();
        files.any(|file| file.image.as_deref() == Some(place))
    });
    let (source, reproducer) = match (config, package) {
        (Some(name), _) if image::CONFIGS.contains(&name) => (
            format!("enclave/configs/{name}"),
            "the file itself".to_owned(),
        ),
        (_, Some(package)) => (
            format!("package:{}", package.name),
            package.reproducer.clone(),
        ),
        _ if image::GENERATED.contains(&place) => (
            "xtask/src/image.rs".to_owned(),
            "cargo xtask image".to_owned(),
        ),
        // Only an image that other tools made has such a file; its measurements differ as well.
        _ => ("unknown".to_owned(), "none".to_owned()),
    };
    json!({
        "type": "file",
        "bom-ref": format!("file:{place}"),
        "name": place,
        "hashes": hashes(sha256),
        "properties": properties(&[
            ("image", place),
            ("source", &source),
            ("reproducer", &reproducer),
        ]),
    })
}

fn cmdline(workspace: &Workspace) -> Result<Value> {
    let source = format!("enclave/configs/{}", image::CMDLINE);
    let sha256 = crate::files::sha256(&workspace.path(&source))?;
    Ok(json!({
        "type": "file",
        "bom-ref": "cmdline",
        "name": "cmdline",
        "hashes": hashes(&sha256),
        "properties": properties(&[
            ("section", "cmdline"),
            ("source", &source),
            ("reproducer", "the file itself"),
        ]),
    }))
}

/// A prebuilt package with its files.
fn package(package: &crate::packages::Package) -> Value {
    let files = package.files.iter();
    let files: Vec<Value> = files
        .map(|file| {
            json!({
                "type": "file",
                "bom-ref": format!("enclave/packages/{}", file.path),
                "name": file.path,
                "hashes": hashes(&file.sha256),
            })
        })
        .collect();
    let kind = if package.name.starts_with("linux") {
        "operating-system"
    } else {
        "data"
    };
    json!({
        "type": kind,
        "bom-ref": format!("package:{}", package.name),
        "name": package.name,
        "version": package.version,
        "licenses": licences(&package.licence),
        "externalReferences": [{
            "type": "source-distribution",
            "url": package.source.url,
            "hashes": hashes(&package.source.sha256),
        }],
        "properties": properties(&[
            ("source", &package.source.file),
            ("reproducer", &package.reproducer),
        ]),
        "components": files,
    })
}

/// A package of the C runtime with the objects that programs are linked with.
fn runtime(base: &Base) -> Value {
    let objects = base.objects.iter();
    let objects: Vec<Value> = objects
        .map(|(name, sha256)| {
            json!({
                "type": "file",
                "bom-ref": format!("object:{name}"),
                "name": name,
                "hashes": hashes(sha256),
            })
        })
        .collect();
    json!({
        "type": "library",
        "bom-ref": base.name,
        "name": base.name,
        "version": base.version,
        "hashes": hashes(&base.sha256),
        "licenses": licences(base.licence),
        "purl": format!(
            "pkg:deb/debian/{}@{}?arch=amd64",
            base.name,
            base.version.replace('+', "%2B")
        ),
        "externalReferences": [{
            "type": "source-distribution",
            "url": format!("https://snapshot.debian.org/package/{}/", base.source),
        }],
        "properties": properties(&[
            ("source", &format!("enclave/base/{}", base.file)),
            ("reproducer", "reproducers/base"),
            ("relinking", "enclave/base/RELINK.md"),
        ]),
        "components": objects,
    })
}

fn hash(source: &mut dyn Read) -> Result<String> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let count = source
            .read(&mut buffer)
            .context("cannot read a file of the image")?;
        if count == 0 {
            return Ok(hex::encode(hash.finalize()));
        }
        hash.update(buffer.get(..count).unwrap_or_default());
    }
}
