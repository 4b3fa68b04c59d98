//! `eif describe`.

use super::args::FileArgs;
use super::build::{measurements, registers};
use super::progress::Bar;
use super::{print, print_json};
use anyhow::Result;
use eif::format::SectionKind;
use eif::{Image, Pcrs, RamdiskContents, Silent};
use letsesign_escape::line as printable;
use serde_json::{Value, json};
use std::fmt::Write;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

pub(super) fn run(args: &FileArgs) -> Result<ExitCode> {
    let image = open(&args.file, "reading")?;
    let ramdisks = eif::ramdisk_contents(&args.file, Arc::new(Silent))?;
    if args.json {
        print_json(&as_json(&image, &ramdisks))
    } else {
        print(as_text(&args.file, &image, &ramdisks)?)
    }
}

pub(super) fn open(path: &Path, verb: &'static str) -> Result<Image> {
    let length = std::fs::metadata(path).map_or(0, |metadata| metadata.len());
    let opened = Image::open(path, Bar::new(verb, length));
    Ok(opened.map_err(|error| named(path, error))?.1)
}

/// An error about a file's contents says which file.
pub(super) fn named(path: &Path, error: eif::Error) -> anyhow::Error {
    match error {
        eif::Error::Invalid(_) => anyhow::anyhow!("{}: {error}", path.display()),
        other => other.into(),
    }
}

/// The members of `nitro-cli describe-eif`, spelled as there, and `Ramdisks`, which is ours. An
/// image that gets here has passed both checks.
fn as_json(image: &Image, ramdisks: &[RamdiskContents]) -> Value {
    let metadata = &image.metadata;
    let mut value = json!({
        "EifVersion": image.layout.header.version,
        "Measurements": measurements(&image.pcrs),
        "IsSigned": image.signature.is_some(),
    });
    let Value::Object(members) = &mut value else {
        return value;
    };
    if let Some(signature) = &image.signature {
        members.insert(
            "SigningCertificate".to_owned(),
            json!(signature.certificate.info()),
        );
    }
    members.insert("CheckCRC".to_owned(), true.into());
    if image.signature.is_some() {
        members.insert("SignatureCheck".to_owned(), true.into());
    }
    members.insert("ImageName".to_owned(), metadata.image_name.clone().into());
    members.insert(
        "ImageVersion".to_owned(),
        metadata.image_version.clone().into(),
    );
    let mut build = json!(metadata.build);
    if let Value::Object(build) = &mut build {
        build.insert("DockerInfo".to_owned(), metadata.docker_info.clone());
        if !metadata.custom.is_null() {
            build.insert("CustomMetadata".to_owned(), metadata.custom.clone());
        }
    }
    members.insert("Metadata".to_owned(), build);
    members.insert("Ramdisks".to_owned(), json!(ramdisks));
    value
}

fn as_text(path: &Path, image: &Image, ramdisks: &[RamdiskContents]) -> Result<String> {
    let (header, mut text) = (&image.layout.header, String::new());
    let metadata = &image.metadata;
    // Nothing of the file starts a line of its own or steers the terminal.
    let mut row = |name: &str, value: &dyn std::fmt::Display| {
        writeln!(text, "{name:<14} {}", printable(&value.to_string()))
    };
    row("File", &path.display())?;
    row(
        "Image",
        &format!("{} {}", &metadata.image_name, &metadata.image_version),
    )?;
    row(
        "Built by",
        &format!(
            "{} {}",
            &metadata.build.build_tool, &metadata.build.build_tool_version
        ),
    )?;
    if !metadata.build.build_time.is_empty() {
        row("Build time", &metadata.build.build_time)?;
    }
    row("EIF version", &header.version)?;
    row("Architecture", &image.layout.arch)?;
    row(
        "Defaults",
        &format!(
            "{} MiB memory, {} CPUs",
            header.default_memory >> 20,
            header.default_cpus
        ),
    )?;
    row(
        "Kernel",
        &image.kernel.version.as_deref().unwrap_or("version unknown"),
    )?;
    row("Cmdline", &image.cmdline)?;
    for (name, pcr) in registers(&image.pcrs) {
        row(name, &pcr)?;
    }
    if image.pcrs.pcr2 == Pcrs::empty() {
        row(
            "",
            &"note: PCR2 is the measurement of nothing; there is only one ramdisk",
        )?;
    }
    match &image.signature {
        None => row("Signature", &"none")?,
        Some(signature) => {
            let info = signature.certificate.info();
            let issuer: Vec<_> = info
                .issuer
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            row(
                "Signature",
                &format!("over PCR0, valid, {}", signature.algorithm()),
            )?;
            row("Certificate", &format!("issued by {}", issuer.join(", ")))?;
            row(
                "",
                &format!(
                    "valid from {} to {} (not compared with the clock)",
                    info.not_before, info.not_after
                ),
            )?;
        }
    }
    writeln!(text, "\n{:>12} {:>12}  section", "offset", "size")?;
    let mut ramdisk = 0;
    for section in &image.layout.sections {
        let number = if section.kind == SectionKind::Ramdisk {
            ramdisk += 1;
            format!(" {ramdisk}")
        } else {
            String::new()
        };
        writeln!(
            text,
            "{:>12} {:>12}  {}{number}",
            section.offset, section.size, section.kind
        )?;
    }
    for ramdisk in ramdisks {
        let packings = ramdisk.packings.join(" + ");
        write!(text, "\nramdisk {}: {}", ramdisk.number, ramdisk.archives)?;
        if !packings.is_empty() {
            write!(text, ", {packings}")?;
        }
        for note in &ramdisk.notes {
            write!(text, "\n  warning: {}", printable(note))?;
        }
    }
    text.push('\n');
    Ok(text)
}
