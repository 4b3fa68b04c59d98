//! `eif build` and `eif measure`.

use super::args::{BuildArgs, InputArgs, MeasureArgs};
use super::progress::Bar;
use super::{print, print_json};
use anyhow::{Context, Result, bail};
use canoni::{Selector, TreeOptions, XattrPolicy};
use eif::{
    Build, Built, Certificate, HeaderFields, Metadata, Process, Ramdisks, Signer, SigningKey,
    Source,
};
use serde_json::{Value, json};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

pub(super) fn build(args: &BuildArgs) -> Result<ExitCode> {
    let built = run(&args.inputs, Some(&args.output), "building")?;
    let sha256 = args
        .sha256
        .then(|| eif::file_sha256(&args.output))
        .transpose()?;
    report(
        &built,
        Some(&args.output),
        sha256.as_deref(),
        args.inputs.json,
    )
}

pub(super) fn measure(args: &MeasureArgs) -> Result<ExitCode> {
    let built = run(&args.inputs, None, "measuring")?;
    report(&built, None, None, args.inputs.json)
}

fn run(args: &InputArgs, output: Option<&Path>, verb: &'static str) -> Result<Built> {
    let cmdline = cmdline(&args.cmdline)?;
    if let Some(output) = output {
        keep_inputs(args, output)?;
    }
    let source = source(args)?;
    if let Some(source) = &source {
        source.check_architecture(args.arch)?;
    }
    let metadata = metadata(args, source.as_ref());
    let process;
    let (ramdisks, total) = match (&source, &args.init) {
        (Some(source), Some(init)) => {
            process = process_of(args, source.process.clone());
            (
                Ramdisks::Bundle {
                    init,
                    tree: &source.tree,
                    process: &process,
                },
                source.tree.content_bytes() + length(init),
            )
        }
        _ => (
            Ramdisks::Files(&args.ramdisks),
            args.ramdisks.iter().map(|path| length(path)).sum(),
        ),
    };
    let mut build = Build::new(&args.kernel, &cmdline, ramdisks, metadata);
    build.fields = HeaderFields {
        arch: args.arch,
        default_memory: args.default_memory.0,
        default_cpus: args.default_cpus,
    };
    build.compression = args.compress;
    build.drop_xattrs = args.drop_xattrs;
    if let (Some(key), Some(certificate)) = (&args.sign_key, &args.sign_cert) {
        build.signer = Some(Signer {
            key: SigningKey::read(key)?,
            certificate: Certificate::read(certificate)?,
        });
    }
    // Compressed bytes are counted as they leave the compressor, so their sum is not known beforehand.
    let compressed = args.compress != eif::Compression::None;
    let bar = Bar::new(
        verb,
        if compressed {
            0
        } else {
            total + length(&args.kernel)
        },
    );
    Ok(build.run(output, bar)?)
}

fn length(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |metadata| metadata.len())
}

/// An output that replaces one of its own inputs is a slip of the keyboard.
fn keep_inputs(args: &InputArgs, output: &Path) -> Result<()> {
    let Ok(target) = output.canonicalize() else {
        return Ok(());
    };
    let files = [
        Some(&args.kernel),
        args.init.as_ref(),
        args.image.as_ref(),
        args.sign_key.as_ref(),
        args.sign_cert.as_ref(),
    ];
    let inputs = files.into_iter().flatten().chain(&args.ramdisks);
    for input in inputs {
        if input.canonicalize().is_ok_and(|input| input == target) {
            bail!(
                "{} is an input and the output; name another output",
                input.display()
            );
        }
    }
    Ok(())
}

fn cmdline(text: &str) -> Result<String> {
    let Some(path) = text.strip_prefix('@') else {
        return Ok(text.to_owned());
    };
    let path = PathBuf::from(path);
    if length(&path) > 1 << 20 {
        bail!("{} is too large for a kernel command line", path.display());
    }
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("cannot read the cmdline from {}", path.display()))?;
    Ok(text.strip_suffix('\n').unwrap_or(&text).to_owned())
}

fn source(args: &InputArgs) -> Result<Option<Source>> {
    let selector = Selector {
        reference: args.reference.clone(),
        platform: args.platform.clone(),
    };
    let xattrs = if args.drop_xattrs {
        XattrPolicy::Drop
    } else {
        XattrPolicy::Refuse
    };
    // A link that climbs above the root ends at the root: in the enclave nothing lies above it.
    let options = TreeOptions {
        xattrs,
        escaping_symlinks: true,
        owner: args.owner,
    };
    Ok(match (&args.root, &args.image) {
        (Some(root), _) => Some(Source::directory(root, &options)?),
        (None, Some(image)) => Some(Source::detect(image, &selector, &options)?),
        (None, None) => None,
    })
}

/// The last name wins, as in a shell.
fn process_of(args: &InputArgs, mut process: Process) -> Process {
    let words = if args.process.command.is_empty() {
        &args.process.exec
    } else {
        &args.process.command
    };
    if !words.is_empty() {
        process.entrypoint.clone_from(words);
        process.cmd = Vec::new();
    }
    for variable in &args.process.env {
        let name = variable.split('=').next().unwrap_or_default();
        process
            .env
            .retain(|other| other.split('=').next() != Some(name));
        process.env.push(variable.clone());
    }
    if args.process.user.is_some() {
        process.user.clone_from(&args.process.user);
    }
    if args.process.workdir.is_some() {
        process.working_dir.clone_from(&args.process.workdir);
    }
    process
}

/// `registry:5000/app:1.2` names the image `registry:5000/app` and its version `1.2`.
fn metadata(args: &InputArgs, source: Option<&Source>) -> Metadata {
    let reference = source
        .and_then(|source| source.name.as_deref())
        .unwrap_or("enclave:1.0");
    let (name, tag) = match reference.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, tag),
        _ => (reference, "1.0"),
    };
    Metadata::new(
        args.name.as_deref().unwrap_or(name),
        args.image_version.as_deref().unwrap_or(tag),
    )
}

/// PCRs with the names that AWS's tools print, for people or for programs.
pub(super) fn report(
    built: &Built,
    output: Option<&Path>,
    sha256: Option<&str>,
    as_json: bool,
) -> Result<ExitCode> {
    if as_json {
        let mut value = json!({ "Measurements": measurements(&built.pcrs), "Size": built.size, "Sections": built.sections });
        if let (Some(sha256), Value::Object(members)) = (sha256, &mut value) {
            members.insert("Sha256".to_owned(), sha256.into());
        }
        return print_json(&value);
    }
    let mut text = String::new();
    if let Some(output) = output {
        writeln!(
            text,
            "{}: {} bytes in {} sections",
            output.display(),
            built.size,
            built.sections.len()
        )?;
    }
    if let Some(sha256) = sha256 {
        writeln!(text, "sha256 {sha256}")?;
    }
    for (name, pcr) in registers(&built.pcrs) {
        writeln!(text, "{name} {pcr}")?;
    }
    print(text)
}

/// As `nitro-cli` spells them, `HashAlgorithm` included.
pub(super) fn measurements(pcrs: &eif::Pcrs) -> Value {
    let mut members = serde_json::Map::new();
    members.insert("HashAlgorithm".to_owned(), "Sha384 { ... }".into());
    for (name, pcr) in registers(pcrs) {
        members.insert(name.to_owned(), pcr.to_string().into());
    }
    Value::Object(members)
}

pub(super) fn registers(pcrs: &eif::Pcrs) -> impl Iterator<Item = (&'static str, eif::Pcr)> {
    let fixed = [
        ("PCR0", pcrs.pcr0),
        ("PCR1", pcrs.pcr1),
        ("PCR2", pcrs.pcr2),
    ];
    fixed
        .into_iter()
        .chain(pcrs.pcr8.map(|pcr8| ("PCR8", pcr8)))
}
