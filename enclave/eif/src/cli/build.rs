//! `eif build` and `eif measure`.

use super::args::{BuildArgs, InputArgs, MeasureArgs};
use super::blobs::{self, Parts};
use super::progress::Bar;
use super::{input, process};
use super::{print, print_json};
use anyhow::{Context, Result, bail};
use canoni::{Selector, TreeOptions, XattrPolicy};
use eif::{
    Build, Built, Certificate, Compression, HeaderFields, MAX_METADATA, Metadata, Ramdisks, Signer,
    SigningKey, Source,
};
use serde_json::{Value, json};
use std::fmt::Write;
use std::path::Path;
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

pub(super) fn run(args: &InputArgs, output: Option<&Path>, verb: &'static str) -> Result<Built> {
    let has_tree = args.image.is_some() || args.root.is_some();
    if !has_tree {
        only_ramdisks(args)?;
    }
    let parts = blobs::parts(&args.parts, has_tree)?;
    if let Some(output) = output {
        keep_inputs(args, &parts, output)?;
    }
    let source = source(args)?;
    if let Some(source) = &source {
        source.check_architecture(args.parts.arch)?;
    }
    let metadata = metadata(args, source.as_ref())?;
    let process;
    let mut total = length(&parts.kernel);
    total += args.ramdisks.iter().map(|path| length(path)).sum::<u64>();
    let ramdisks = if let Some(source) = &source {
        process = process::of(&args.process, source.process.clone(), parts.config);
        total += source.tree.content_bytes() + length(&parts.init);
        Ramdisks::Bundle {
            init: &parts.init,
            tree: &source.tree,
            process: &process,
        }
    } else {
        Ramdisks::Files(&args.ramdisks)
    };
    let mut build = Build::new(&parts.kernel, &parts.cmdline, ramdisks, metadata);
    if has_tree {
        build.more_ramdisks = &args.ramdisks;
    }
    build.init_config = parts.config;
    build.nsm_module = parts.module.as_deref();
    build.fields = HeaderFields {
        arch: args.parts.arch,
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
    // Compressed bytes are counted as they leave the compressor, so their sum is not known
    // beforehand.
    let compressed = args.compress != Compression::None;
    let bar = Bar::new(verb, if compressed { 0 } else { total });
    Ok(build.run(output, bar)?)
}

/// Finished ramdisks are kept as they are: options that shape them would do nothing.
fn only_ramdisks(args: &InputArgs) -> Result<()> {
    let (parts, process) = (&args.parts, &args.process);
    let given = [
        ("--init", parts.init.is_some()),
        ("--init-config", parts.init_config.is_some()),
        ("--nsm-module", parts.nsm_module.is_some()),
        ("--compress", args.compress != Compression::None),
        ("--exec", !process.exec.is_empty()),
        ("--env", !process.env.is_empty()),
        ("--user", process.user.is_some()),
        ("--workdir", process.workdir.is_some()),
        ("a program", !process.command.is_empty()),
    ];
    for (option, given) in given {
        if given {
            bail!(
                "{option} is for an image or --root; finished ramdisks (--ramdisk) are kept as \
                 they are"
            );
        }
    }
    Ok(())
}

fn length(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |metadata| metadata.len())
}

/// Refuses an output that would replace one of its own inputs, most likely a typing error.
fn keep_inputs(args: &InputArgs, parts: &Parts, output: &Path) -> Result<()> {
    let Ok(target) = output.canonicalize() else {
        return Ok(());
    };
    let image = args.image.as_ref().and_then(|image| {
        let reference = canoni::Reference::parse(image.as_os_str()).ok()?;
        reference.path().map(Path::to_owned)
    });
    let files = [
        Some(&parts.kernel),
        Some(&parts.init),
        parts.module.as_ref(),
        args.metadata.as_ref(),
        image.as_ref(),
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
        (None, Some(image)) => Some(input::open(
            image,
            &selector,
            &options,
            &args.limits,
            &args.registry,
        )?),
        (None, None) => None,
    })
}

/// `registry:5000/app:1.2` names the image `registry:5000/app` and its version `1.2`.
fn metadata(args: &InputArgs, source: Option<&Source>) -> Result<Metadata> {
    let reference = source
        .and_then(|source| source.name.as_deref())
        .unwrap_or("enclave:1.0");
    let (name, tag) = match reference.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, tag),
        _ => (reference, "1.0"),
    };
    let mut metadata = Metadata::new(
        args.name.as_deref().unwrap_or(name),
        args.image_version.as_deref().unwrap_or(tag),
    );
    if let Some(path) = &args.metadata {
        let file = path.display();
        if length(path) > MAX_METADATA {
            bail!("{file} has more than {MAX_METADATA} bytes, the limit of the metadata");
        }
        let text = std::fs::read(path).with_context(|| format!("cannot read {file}"))?;
        metadata.custom =
            serde_json::from_slice(&text).with_context(|| format!("{file} is not JSON"))?;
    }
    Ok(metadata)
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
