//! The canonical form of an image, printed, written or handed to the daemon.

use super::args::{Options, OutputFormat};
use super::input::{self, Input};
use super::progress::progress;
use super::{WRITING_FOLDER, print, print_json};
use anyhow::{Context, Result, anyhow, bail};
use canoni::command::Bar;
use canoni::{
    Canonical, CanonicalOptions, CanonicalPlatforms, Format, Reference, RegistryName,
    RegistryOptions, canonical_name,
};
use std::ffi::OsStr;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

/// Where the canonical image goes.
enum Target {
    /// Nowhere: its digest is all that is wanted.
    Nowhere,
    Stdout(Format),
    File(PathBuf, Format),
    Daemon(String),
    Registry(RegistryName),
}

impl Target {
    fn is_stdout(&self) -> bool {
        matches!(self, Self::Stdout(_))
    }

    /// Reads `-o`. The second value is the name that it gives the image.
    fn of(options: &Options) -> Result<(Self, Option<String>)> {
        let Some(output) = &options.output else {
            return Ok((Self::Nowhere, None));
        };
        let reference = Reference::parse_target(output)?;
        let format = |implied: Option<OutputFormat>| match (options.format, implied) {
            (Some(said), Some(implied)) if said != implied => {
                bail!("--format says another format than {reference}; leave one away")
            }
            (said, implied) => Ok(Format::from(
                said.or(implied).unwrap_or(OutputFormat::DockerArchive),
            )),
        };
        let file = |path: &Path, kind: OutputFormat, name: &Option<String>| -> Result<_> {
            let name = name.as_deref().map(target_name).transpose()?;
            Ok((Self::File(path.to_owned(), format(Some(kind))?), name))
        };
        match &reference {
            Reference::Standard => Ok((Self::Stdout(format(None)?), None)),
            Reference::Path(path) => Ok((Self::File(path.clone(), format(None)?), None)),
            Reference::OciDir(path, name) => file(path, OutputFormat::OciDir, name),
            Reference::OciArchive(path, name) => file(path, OutputFormat::OciTar, name),
            Reference::DockerArchive(path, name) => file(path, OutputFormat::DockerArchive, name),
            Reference::DockerDaemon(name) => {
                format(Some(OutputFormat::DockerArchive))?;
                let name = super::args::tag(name)
                    .map_err(|reason| anyhow!("docker-daemon:{name}: {reason}"))?;
                Ok((Self::Daemon(name.clone()), Some(name)))
            }
            Reference::Registry(name) => {
                if options.format.is_some() {
                    bail!("{reference}: a registry has a format of its own; leave --format away");
                }
                let tagged = name
                    .tagged()
                    .filter(|_| name.digest().is_none())
                    .with_context(|| {
                        format!("{reference}: an image is pushed under a tag; write HOST/NAME:TAG")
                    })?;
                Ok((Self::Registry(name.clone()), Some(tagged)))
            }
            other => bail!(
                "{other}: this transport is not written to; write oci-archive:FILE and use skopeo \
                 copy oci-archive:FILE {other}"
            ),
        }
    }
}

/// A name behind the file of a transport: a tag alone, as in OCI layouts, or a name with a tag.
fn target_name(name: &str) -> Result<String> {
    match super::args::tag(name) {
        Ok(name) if name.contains([':', '/']) => Ok(name),
        // Capitals are good in a tag.
        _ if canoni::is_name(&format!("x:{name}")) => Ok(format!(":{name}")),
        _ => bail!("{name:?} is neither a tag nor a name with a tag"),
    }
}

pub(super) fn run(options: &Options) -> Result<()> {
    let (target, name) = Target::of(options)?;
    let to_stdout = target.is_stdout();
    if to_stdout && std::io::stdout().is_terminal() {
        bail!("will not write an archive to a terminal; use -o FILE or a pipe");
    }
    if to_stdout && (options.json || options.format == Some(OutputFormat::OciDir)) {
        bail!(
            "standard output takes one tar archive and nothing else: no --json, no --format oci-dir"
        );
    }
    let limits = options.from.limits.limits();
    let argument = options.image.as_deref().context("no image given")?;
    let names = match (options.tags.is_empty(), name) {
        (false, Some(_)) => bail!("--tag and the name in -o both name the image; leave one away"),
        (false, None) => options.tags.clone(),
        (true, name) => name.into_iter().collect(),
    };
    if options.from.select.all_platforms() {
        return all_platforms(options, argument, names, &target);
    }
    let bar = Bar::new();
    let registry = options.from.select.registry(progress(&bar));
    let input = input::open(
        argument,
        &options.from.select.selector(),
        &limits,
        &registry,
    )?;
    let daemon = daemon_target(options, &input, &target)?;
    let tags = match (&daemon, names.is_empty()) {
        (_, false) => names,
        (Some(name), true) => vec![name.clone()],
        (None, true) => input.image.tags().to_vec(),
    };
    let canonical = Canonical::from_image(
        &input.image,
        &CanonicalOptions {
            epoch: options.time()?,
            flatten: options.flatten,
            tree: options.from.tree.options(),
            tags,
            progress: progress(&bar),
        },
    )?;
    write(
        &target,
        |format| canonical.write_tar(&mut std::io::stdout(), format, "standard output"),
        |target, format| canonical.write(target, format),
        &registry,
        &canonical.digest(),
    )?;
    if daemon.is_some() {
        load(&canonical)?;
    }
    bar.clear();
    report(options, &canonical, to_stdout)
}

/// Writes where -o says, if it says so.
fn write(
    target: &Target,
    to_stdout: impl FnOnce(Format) -> canoni::Result<()>,
    to_file: impl FnOnce(&Path, Format) -> canoni::Result<()>,
    registry: &RegistryOptions,
    digest: &str,
) -> Result<()> {
    match target {
        Target::Nowhere | Target::Daemon(_) => Ok(()),
        Target::Stdout(format) => {
            to_stdout(*format)?;
            std::io::stdout()
                .flush()
                .context("cannot write standard output")
        }
        Target::File(path, format) => {
            WRITING_FOLDER.store(*format == Format::OciDir, Ordering::SeqCst);
            Ok(to_file(path, *format)?)
        }
        Target::Registry(name) => {
            WRITING_FOLDER.store(true, Ordering::SeqCst);
            let folder = tempfile::tempdir().context("cannot create a temporary folder")?;
            let layout = folder.path().join("image");
            to_file(&layout, Format::OciDir)?;
            super::push::push(name, &layout, registry, digest)
        }
    }
}

/// All platforms of an image.
fn all_platforms(
    options: &Options,
    argument: &OsStr,
    names: Vec<String>,
    target: &Target,
) -> Result<()> {
    if let Target::Daemon(_)
    | Target::Stdout(Format::DockerArchive)
    | Target::File(_, Format::DockerArchive) = target
    {
        bail!(
            "a docker-archive or a daemon holds one platform; use --format oci-tar or oci-dir with \
             --platform all"
        );
    }
    let (selector, limits) = (options.from.select.selector(), options.from.limits.limits());
    let bar = Bar::new();
    let registry = options.from.select.registry(progress(&bar));
    let images = input::open_all(argument, &selector, &limits, &registry)?;
    let tags = match images.first() {
        Some(first) if names.is_empty() => first.tags().to_vec(),
        _ => names,
    };
    let canonical = CanonicalPlatforms::from_images(
        &images,
        &CanonicalOptions {
            epoch: options.time()?,
            flatten: options.flatten,
            tree: options.from.tree.options(),
            tags,
            progress: progress(&bar),
        },
    )?;
    write(
        target,
        |format| canonical.write_tar(&mut std::io::stdout(), format, "standard output"),
        |target, format| canonical.write(target, format),
        &registry,
        &canonical.digest(),
    )?;
    bar.clear();
    if target.is_stdout() {
        eprintln!("{}", canonical.digest());
        return Ok(());
    }
    if options.json {
        let list: Vec<_> = canonical
            .images()
            .iter()
            .map(|image| serde_json::json!({"digest": image.digest(), "imageId": image.image_id(), "layers": image.diff_ids()}))
            .collect();
        let value = serde_json::json!({
            "form": "canonical form v1", "digest": canonical.digest(), "epoch": options.time()?, "flattened": options.flatten,
            "platforms": list, "output": output(options),
        });
        print_json(&value)
    } else {
        print(&(canonical.digest() + "\n"))
    }
}

/// The name that the canonical image gets in the daemon: where `-o` says so, or where the image is
/// from there and goes nowhere else.
fn daemon_target(options: &Options, input: &Input, target: &Target) -> Result<Option<String>> {
    if let Target::Daemon(name) = target {
        return Ok(Some(name.clone()));
    }
    let (Some(name), false, Target::Nowhere) = (&input.name, options.digest_only, target) else {
        return Ok(None);
    };
    if let Some(tag) = options.tags.first() {
        return Ok(Some(tag.clone()));
    }
    let name = canonical_name(name).with_context(|| {
        format!("no new name can be derived from {name}; use --tag NAME:TAG or -o FILE")
    })?;
    Ok(Some(name))
}

/// The output as it was given, for JSON.
fn output(options: &Options) -> Option<String> {
    let output = options.output.as_ref()?;
    Some(output.to_string_lossy().into_owned())
}

#[cfg(feature = "daemon")]
fn load(canonical: &Canonical) -> Result<()> {
    Ok(canoni::Daemon::connect()?.load(canonical)?)
}

#[cfg(not(feature = "daemon"))]
fn load(_: &Canonical) -> Result<()> {
    bail!("this canoni was built without access to a daemon");
}

fn report(options: &Options, canonical: &Canonical, to_stdout: bool) -> Result<()> {
    if to_stdout {
        eprintln!("{}", canonical.digest());
        return Ok(());
    }
    if options.json {
        let layers: Vec<_> = canonical
            .diff_ids()
            .into_iter()
            .zip(canonical.layer_sizes())
            .map(|(digest, size)| serde_json::json!({"digest": digest, "size": size}))
            .collect();
        let value = serde_json::json!({
            "form": "canonical form v1",
            "digest": canonical.digest(),
            "imageId": canonical.image_id(),
            "epoch": options.time()?,
            "flattened": options.flatten,
            "layers": layers,
            "tags": canonical.tags(),
            "output": output(options),
        });
        print_json(&value)
    } else {
        print(&(canonical.digest() + "\n"))
    }
}
