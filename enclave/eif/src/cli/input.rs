//! The image argument: a file, a directory, standard input, a name in Docker's or podman's daemon,
//! or an image of a registry.

use super::signals;
use anyhow::{Context, Result, bail};
use canoni::command::{Bar, LimitArgs, RegistryArgs};
use canoni::{Archive, Image, Limits, Reference, Selector, TreeOptions};
use eif::Source;
use std::io::BufRead;
use std::path::Path;

/// Opens an image. A file or directory of that name goes before an image in a daemon.
pub(super) fn open(
    image: &Path,
    selector: &Selector,
    options: &TreeOptions,
    limits: &LimitArgs,
    registry: &RegistryArgs,
) -> Result<Source> {
    let limits = limits.limits();
    if image.as_os_str() == "-" {
        return Source::of(&from_stdin(&limits)?.image(selector)?, options).map_err(Into::into);
    }
    match Reference::parse(image.as_os_str())? {
        Reference::Name(name) => {
            let image = from_daemon(&with_tag(&name), selector, &limits)?;
            let mut source = Source::of(&image, options)?;
            source.name = Some(name);
            Ok(source)
        }
        reference @ Reference::Registry(_) => {
            let image = pulled(&reference, selector, &limits, registry)?;
            Ok(Source::of(&image, options)?)
        }
        _ => Ok(Source::detect(image, selector, options, &limits)?),
    }
}

/// An image of a registry. What was fetched loses its folder here; the image keeps its files open.
fn pulled(
    reference: &Reference,
    selector: &Selector,
    limits: &Limits,
    registry: &RegistryArgs,
) -> Result<Image> {
    let bar = Bar::new();
    let options = registry.options(false, bar.progress(signals::stopped));
    let image = signals::pull(|| {
        let opened = canoni::open_with(reference, selector, limits, &options)?;
        Ok(opened.archive.image(&opened.selector)?)
    });
    bar.clear();
    image
}

/// Refuses empty input: most often the command before the pipe failed.
fn from_stdin(limits: &Limits) -> Result<Archive> {
    let mut input = std::io::stdin().lock();
    let start = input.fill_buf().context("cannot read standard input")?;
    if start.is_empty() {
        bail!("standard input is empty; pipe an image into it: docker save app:1 | eif build -");
    }
    Ok(Archive::from_reader(input, "standard input", limits)?)
}

/// A name without tag and digest means `latest`, to Docker as to nitro-cli.
fn with_tag(name: &str) -> String {
    let last = name.rsplit('/').next().unwrap_or(name);
    if last.contains([':', '@']) {
        name.to_owned()
    } else {
        format!("{name}:latest")
    }
}

#[cfg(feature = "daemon")]
fn from_daemon(name: &str, selector: &Selector, limits: &Limits) -> Result<canoni::Image> {
    let daemon = canoni::Daemon::connect()
        .with_context(|| format!("no file or directory {name} exists, and no daemon answers"))?;
    if !daemon.has(name)? {
        bail!(
            "no file or directory {name} exists, and the daemon at {} has no such image; pull it \
             first (docker pull {name})",
            daemon.address()
        );
    }
    // The one image of the answer, whatever names it has there.
    let selector = Selector {
        reference: None,
        platform: selector.platform.clone(),
    };
    Ok(daemon.save(name, limits)?.image(&selector)?)
}

#[cfg(not(feature = "daemon"))]
fn from_daemon(name: &str, _: &Selector, _: &Limits) -> Result<canoni::Image> {
    bail!("no file or directory {name} exists, and this eif was built without access to a daemon")
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_name_without_tag_is_latest() {
        for (name, full) in [
            ("app", "app:latest"),
            ("host:5000/app", "host:5000/app:latest"),
            ("app:1", "app:1"),
            ("me/app@sha256:00", "me/app@sha256:00"),
        ] {
            assert_eq!(super::with_tag(name), full);
        }
    }
}
