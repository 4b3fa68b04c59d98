//! OCI image layout (OCI Image Format Specification v1.1, "Image Layout").

mod artifact;
mod descriptor;
mod layout;
mod walk;

use super::files::Files;
use super::image::{Image, Parts};
use super::{Found, full_name, sha256_of};
use crate::error::{Error, Result};
use crate::limits::Limits;
use artifact::no_artifact_for_image;
use layout::Layout;
use oci_spec::image::Descriptor;
use std::collections::{HashMap, HashSet};
use walk::Walk;

pub(super) fn list(files: &Files, name: &str, limits: &Limits) -> Result<Vec<Found>> {
    let layout = Layout {
        files,
        name,
        limits,
    };
    layout.check_version()?;
    let images = images(files, name, limits)?;
    if images.is_empty() {
        return Err(Error::image(layout.top_name(), "lists no image"));
    }
    Ok(images)
}

/// Whether `index.json` is empty: no image, and nothing else.
pub(super) fn lists_nothing(files: &Files, name: &str, limits: &Limits) -> Result<bool> {
    let layout = Layout {
        files,
        name,
        limits,
    };
    Ok(layout.top()?.manifests().is_empty())
}

/// The images of `index.json`, one for each manifest.
pub(super) fn images(files: &Files, name: &str, limits: &Limits) -> Result<Vec<Found>> {
    let walk = Walk::of(Layout {
        files,
        name,
        limits,
    })?;
    no_artifact_for_image(&walk.images, &walk.artifacts, name)?;
    let mut images: Vec<Found> = Vec::new();
    let mut known = HashMap::new();
    for (digest, image) in walk.images {
        // One manifest under two names is one image.
        let at = *known.entry(digest).or_insert(images.len());
        match images.get_mut(at) {
            None => images.push(image),
            Some(known) => {
                known.tags.extend(image.tags);
                known.platform = known.platform.take().or(image.platform);
            }
        }
    }
    for image in &mut images {
        let mut seen = HashSet::new();
        image.tags.retain(|tag| seen.insert(full_name(tag)));
    }
    if let (true, Some(artifact)) = (images.is_empty(), walk.artifacts.first()) {
        let reason = format!(
            "holds no image: {} is an OCI artifact ({}), which has no root file system; oras or \
             skopeo copy it as it is",
            artifact.digest, artifact.kind
        );
        return Err(Error::image(name, reason));
    }
    Ok(images)
}

/// The digest of the config that a descriptor's manifest names.
pub(super) fn config_digest(
    files: &Files,
    name: &str,
    descriptor: &Descriptor,
    limits: &Limits,
) -> Result<[u8; 32]> {
    let layout = Layout {
        files,
        name,
        limits,
    };
    let manifest = layout.manifest(descriptor, &layout.top_name())?;
    let manifest = manifest.ok_or_else(|| missing(name, descriptor))?;
    let holder = layout.named(descriptor);
    sha256_of(manifest.config().digest().as_ref(), &holder)
}

/// The refusal of an image whose blob is not there.
fn missing(name: &str, descriptor: &Descriptor) -> Error {
    let urls = descriptor.urls().as_ref();
    let foreign = if urls.is_some_and(|urls| !urls.is_empty()) {
        " (a foreign layer, which lies elsewhere; docker pull and docker save fetch it)"
    } else {
        ""
    };
    let digest = descriptor.digest();
    let reason = format!("lacks blob {digest}: the image is incomplete{foreign}");
    Error::image(name, reason)
}

/// Opens the image of a manifest.
pub(super) fn open(
    files: &Files,
    name: &str,
    descriptor: &Descriptor,
    found: &Found,
    limits: &Limits,
) -> Result<Image> {
    let layout = Layout {
        files,
        name,
        limits,
    };
    let manifest = layout.manifest(descriptor, &layout.top_name())?;
    let manifest = manifest.ok_or_else(|| missing(name, descriptor))?;
    let holder = layout.named(descriptor);
    let config = layout.bytes(manifest.config(), &holder)?;
    let config = config.ok_or_else(|| missing(name, manifest.config()))?;
    let mut blobs = Vec::new();
    for layer in manifest.layers() {
        if layer.media_type().to_string().ends_with("+encrypted") {
            let reason = format!(
                "layer {} is encrypted ({}); skopeo copy --decryption-key KEY decrypts it",
                layer.digest(),
                layer.media_type()
            );
            return Err(Error::image(name, reason));
        }
        let blob = layout.blob(layer, &holder)?;
        let (blob, digest) = blob.ok_or_else(|| missing(name, layer))?;
        blobs.push((blob, Some(digest)));
    }
    Image::new(
        Parts {
            name: name.to_owned(),
            tags: found.tags.clone(),
            config,
            blobs,
        },
        limits,
    )
}
