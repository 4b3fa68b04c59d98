//! The canonical form of an image, printed, written or handed to the daemon.

use super::WRITING_FOLDER;
use super::args::{Options, OutputFormat};
use super::input::{self, Input};
use super::progress::{progress, progress_bar};
use anyhow::{Context, Result, bail};
use canoni::{Archive, Canonical, CanonicalOptions, CanonicalPlatforms, Format, canonical_name};
use std::ffi::OsStr;
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::sync::atomic::Ordering;

pub(super) fn run(options: &Options) -> Result<()> {
    let to_stdout = options
        .output
        .as_deref()
        .is_some_and(|path| path.as_os_str() == "-");
    if to_stdout && std::io::stdout().is_terminal() {
        bail!("will not write an archive to a terminal; use -o FILE or a pipe");
    }
    if to_stdout && (options.json || options.format == OutputFormat::OciDir) {
        bail!(
            "standard output takes one tar archive and nothing else: no --json, no --format oci-dir"
        );
    }
    let limits = options.from.limits.limits();
    let argument = options.image.as_deref().context("no image given")?;
    if options.from.select.all_platforms() {
        return all_platforms(
            options,
            argument,
            options.from.select.reference(),
            to_stdout,
        );
    }
    let input = input::open(argument, &options.from.select.selector(), &limits)?;
    let target = daemon_target(options, &input)?;
    let bar = progress_bar();
    let tags = match (&target, options.tags.is_empty()) {
        (_, false) => options.tags.clone(),
        (Some(name), true) => vec![name.clone()],
        (None, true) => input.image.tags().to_vec(),
    };
    let canonical = Canonical::from_image(
        &input.image,
        &CanonicalOptions {
            epoch: options.epoch,
            flatten: options.flatten,
            tree: options.from.tree.options(),
            tags,
            progress: progress(&bar),
        },
    )?;
    write(
        options,
        |format| canonical.write_tar(&mut std::io::stdout(), format, "standard output"),
        |target, format| canonical.write(target, format),
    )?;
    if target.is_some() {
        load(&canonical)?;
    }
    bar.finish_and_clear();
    report(options, &canonical, to_stdout)
}

/// Writes where -o says, if it says so.
fn write(
    options: &Options,
    to_stdout: impl FnOnce(Format) -> canoni::Result<()>,
    to_file: impl FnOnce(&Path, Format) -> canoni::Result<()>,
) -> Result<()> {
    let Some(target) = &options.output else {
        return Ok(());
    };
    let format = options.format.into();
    WRITING_FOLDER.store(format == Format::OciDir, Ordering::SeqCst);
    if target.as_os_str() == "-" {
        to_stdout(format)?;
        return std::io::stdout()
            .flush()
            .context("cannot write standard output");
    }
    Ok(to_file(target, format)?)
}

/// All platforms of an image in a file or folder.
fn all_platforms(
    options: &Options,
    argument: &OsStr,
    reference: Option<&str>,
    to_stdout: bool,
) -> Result<()> {
    if options.output.is_some() && options.format == OutputFormat::DockerArchive {
        bail!(
            "a docker-archive holds one platform; use --format oci-tar or oci-dir with --platform all"
        );
    }
    let archive = Archive::open(Path::new(argument), &options.from.limits.limits())?;
    let images = archive.platforms(reference)?;
    let bar = progress_bar();
    let tags = match options.tags.as_slice() {
        [] => images
            .first()
            .map(|image| image.tags().to_vec())
            .unwrap_or_default(),
        tags => tags.to_vec(),
    };
    let canonical = CanonicalPlatforms::from_images(
        &images,
        &CanonicalOptions {
            epoch: options.epoch,
            flatten: options.flatten,
            tree: options.from.tree.options(),
            tags,
            progress: progress(&bar),
        },
    )?;
    write(
        options,
        |format| canonical.write_tar(&mut std::io::stdout(), format, "standard output"),
        |target, format| canonical.write(target, format),
    )?;
    bar.finish_and_clear();
    if to_stdout {
        eprintln!("{}", canonical.digest());
        return Ok(());
    }
    let text = if options.json {
        let list: Vec<_> = canonical
            .images()
            .iter()
            .map(|image| serde_json::json!({"digest": image.digest(), "imageId": image.image_id(), "layers": image.diff_ids()}))
            .collect();
        let value = serde_json::json!({
            "form": "canonical form v1", "digest": canonical.digest(), "epoch": options.epoch, "flattened": options.flatten,
            "platforms": list, "output": options.output,
        });
        serde_json::to_string_pretty(&value).context("cannot print JSON")?
    } else {
        canonical.digest()
    };
    writeln!(std::io::stdout(), "{text}").context("cannot write standard output")
}

/// The name that the canonical image gets in the daemon: where the image is from there and goes nowhere else.
fn daemon_target(options: &Options, input: &Input) -> Result<Option<String>> {
    let (Some(name), false, None) = (&input.name, options.digest_only, &options.output) else {
        return Ok(None);
    };
    if let Some(tag) = options.tags.first() {
        return Ok(Some(tag.clone()));
    }
    let name = canonical_name(name).with_context(|| {
        format!("{name} is no name that a new one can be made of; use --tag NAME:TAG or -o FILE")
    })?;
    Ok(Some(name))
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
    let text = if options.json {
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
            "epoch": options.epoch,
            "flattened": options.flatten,
            "layers": layers,
            "tags": canonical.tags(),
            "output": options.output,
        });
        serde_json::to_string_pretty(&value).context("cannot print JSON")?
    } else {
        canonical.digest()
    };
    writeln!(std::io::stdout(), "{text}").context("cannot write standard output")
}
