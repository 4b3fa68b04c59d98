//! OCI image layout (OCI Image Format Specification v1.1, "Image Layout").

use super::files::Files;
use super::image::{Image, Parts};
use super::{Found, Place, json, sha256_of};
use crate::blob::Blob;
use crate::error::{Error, Result};
use crate::limits::Limits;
use oci_spec::image::{Descriptor, ImageIndex, ImageManifest, MediaType, OciLayout};
use sha2::{Digest, Sha256};

/// Indexes within indexes: one is usual.
const MAX_DEPTH: usize = 4;

pub(super) fn list(files: &Files, name: &str, limits: &Limits) -> Result<Vec<Found>> {
    let what = format!("{name}: oci-layout");
    let layout: OciLayout = json(
        &files
            .need("oci-layout", name)?
            .read_all(limits.json_bytes, &what)?,
        &spelling::LAYOUT,
        &what,
    )?;
    if !layout.image_layout_version().starts_with("1.") {
        return Err(Error::image(
            what,
            format!("has version {}, not 1", layout.image_layout_version()),
        ));
    }
    let what = format!("{name}: index.json");
    let index: ImageIndex = json(
        &files
            .need("index.json", name)?
            .read_all(limits.json_bytes, &what)?,
        &what,
    )?;
    let mut images = Vec::new();
    walk(files, name, &index, None, limits, 0, &mut images)?;
    if images.is_empty() {
        return Err(Error::image(what, "lists no image"));
    }
    Ok(images)
}

fn walk(
    files: &Files,
    name: &str,
    index: &ImageIndex,
    tag: Option<&str>,
    limits: &Limits,
    depth: usize,
    images: &mut Vec<Found>,
) -> Result<()> {
    if depth > MAX_DEPTH || index.manifests().len() > limits.layers {
        return Err(Error::image(
            name,
            "has an index with too many levels or images",
        ));
    }
    for descriptor in index.manifests() {
        let tag = name_of(descriptor).or(tag);
        if is_attestation(descriptor) {
            continue;
        }
        match descriptor.media_type() {
            MediaType::ImageIndex => {
                let nested: Option<ImageIndex> = document(files, name, descriptor, limits)?;
                if let Some(nested) = nested {
                    walk(files, name, &nested, tag, limits, depth + 1, images)?;
                }
            }
            MediaType::Other(other)
                if other == "application/vnd.docker.distribution.manifest.list.v2+json" =>
            {
                let nested: Option<ImageIndex> = document(files, name, descriptor, limits)?;
                if let Some(nested) = nested {
                    walk(files, name, &nested, tag, limits, depth + 1, images)?;
                }
            }
            _ => {
                // A layout may list images it does not hold (other platforms).
                if manifest(files, name, descriptor, limits)?.is_none() {
                    continue;
                }
                images.push(Found {
                    tags: tag.map(str::to_owned).into_iter().collect(),
                    platform: descriptor.platform().as_ref().map(platform),
                    place: Place::Oci(Box::new(descriptor.clone())),
                });
            }
        }
    }
    Ok(())
}

fn name_of(descriptor: &Descriptor) -> Option<&str> {
    let annotations = descriptor.annotations().as_ref()?;
    annotations
        .get("io.containerd.image.name")
        .or_else(|| annotations.get("org.opencontainers.image.ref.name"))
        .map(String::as_str)
}

/// BuildKit's provenance and SBOM documents stand in the index like images.
fn is_attestation(descriptor: &Descriptor) -> bool {
    let marked = descriptor
        .annotations()
        .as_ref()
        .is_some_and(|all| all.contains_key("vnd.docker.reference.type"));
    marked
        || descriptor
            .platform()
            .as_ref()
            .is_some_and(|p| p.os().to_string() == "unknown")
}

fn platform(platform: &oci_spec::image::Platform) -> String {
    let mut text = format!("{}/{}", platform.os(), platform.architecture());
    if let Some(variant) = platform.variant() {
        text = format!("{text}/{variant}");
    }
    text
}

/// The blob a descriptor names, if the layout holds it, its size checked.
fn blob(files: &Files, name: &str, descriptor: &Descriptor) -> Result<Option<(Blob, [u8; 32])>> {
    let digest = sha256_of(descriptor.digest().as_ref(), name)?;
    let Some(blob) = files.find(&format!("blobs/sha256/{}", hex::encode(digest)))? else {
        return Ok(None);
    };
    if blob.len() != descriptor.size() {
        let reason = format!(
            "blob {} has {} bytes, its descriptor says {}",
            descriptor.digest(),
            blob.len(),
            descriptor.size()
        );
        return Err(Error::image(name, reason));
    }
    Ok(Some((blob, digest)))
}

fn bytes(
    files: &Files,
    name: &str,
    descriptor: &Descriptor,
    limits: &Limits,
) -> Result<Option<Vec<u8>>> {
    let Some((blob, expected)) = blob(files, name, descriptor)? else {
        return Ok(None);
    };
    let what = format!("{name}: blob {}", descriptor.digest());
    let bytes = blob.read_all(limits.json_bytes, &what)?;
    let actual: [u8; 32] = Sha256::digest(&bytes).into();
    if actual != expected {
        return Err(Error::Digest {
            what,
            expected: hex::encode(expected),
            actual: hex::encode(actual),
        });
    }
    Ok(Some(bytes))
}

fn document<T: serde::de::DeserializeOwned>(
    files: &Files,
    name: &str,
    descriptor: &Descriptor,
    limits: &Limits,
) -> Result<Option<T>> {
    let what = format!("{name}: blob {}", descriptor.digest());
    bytes(files, name, descriptor, limits)?
        .map(|bytes| json(&bytes, &what))
        .transpose()
}

/// The manifest a descriptor names, if the layout holds it.
pub(super) fn manifest(
    files: &Files,
    name: &str,
    descriptor: &Descriptor,
    limits: &Limits,
) -> Result<Option<ImageManifest>> {
    document(files, name, descriptor, limits)
}

pub(super) fn open(
    files: &Files,
    name: &str,
    descriptor: &Descriptor,
    found: &Found,
    limits: &Limits,
) -> Result<Image> {
    let missing = |what: &Descriptor| {
        Error::image(
            name,
            format!("lacks blob {}: the image is incomplete", what.digest()),
        )
    };
    let manifest = manifest(files, name, descriptor, limits)?.ok_or_else(|| missing(descriptor))?;
    let config =
        bytes(files, name, manifest.config(), limits)?.ok_or_else(|| missing(manifest.config()))?;
    let mut blobs = Vec::new();
    for layer in manifest.layers() {
        let (blob, digest) = blob(files, name, layer)?.ok_or_else(|| missing(layer))?;
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
