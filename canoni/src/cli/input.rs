//! The image that an argument names.

use anyhow::Result;
use canoni::{Image, Limits, Opened, Reference, RegistryOptions, Selector, open_with};
use std::ffi::OsStr;
use std::path::Path;
use std::sync::atomic::Ordering;

/// An image and where it is from.
pub(super) struct Input {
    pub(super) image: Image,
    /// The name that was given, of an image in the daemon.
    pub(super) name: Option<String>,
}

/// Finds one image. What exists as a file or folder goes before everything else.
pub(super) fn open(
    argument: &OsStr,
    selector: &Selector,
    limits: &Limits,
    registry: &RegistryOptions,
) -> Result<Input> {
    let reference = Reference::parse(argument)?;
    tidy_up(&reference);
    let Opened { archive, selector } = open_with(&reference, selector, limits, registry)?;
    let name = match reference {
        Reference::Name(name) | Reference::DockerDaemon(name) => Some(name),
        _ => None,
    };
    Ok(Input {
        image: archive.image(&selector)?,
        name,
    })
}

/// A pull is kept in a temporary folder, which Ctrl-C must not leave behind.
fn tidy_up(reference: &Reference) {
    if let Reference::Registry(_) = reference {
        super::WRITING_FOLDER.store(true, Ordering::SeqCst);
    }
}

/// Finds the images of all platforms.
pub(super) fn open_all(
    argument: &OsStr,
    selector: &Selector,
    limits: &Limits,
    registry: &RegistryOptions,
) -> Result<Vec<Image>> {
    let any = Selector {
        reference: selector.reference.clone(),
        platform: None,
    };
    let reference = Reference::parse(argument)?;
    tidy_up(&reference);
    let Opened { archive, selector } = open_with(&reference, &any, limits, registry)?;
    Ok(archive.platforms(selector.reference.as_deref())?)
}

/// The file whose bytes are the image's own. What a daemon or pipe sent, and a copy of a store's
/// image, was made for the occasion.
pub(super) fn file(argument: &OsStr) -> Option<std::path::PathBuf> {
    let reference = Reference::parse(argument).ok()?;
    reference
        .path()
        .filter(|path| path.is_file())
        .map(Path::to_owned)
}
