//! OCI image layout (OCI Image Format Specification v1.1, "Image Layout").

use super::files::Files;
use super::image::{Image, Parts};
use super::{Found, Place, full_name, json, sha256_of};
use crate::blob::Blob;
use crate::error::{Error, Result};
use crate::limits::Limits;
use crate::spelling;
use oci_spec::image::{Descriptor, ImageIndex, ImageManifest, MediaType, OciLayout};
use serde::de::DeserializeOwned;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::{HashMap, HashSet};

/// Indexes within indexes: one is usual.
const MAX_DEPTH: usize = 4;

pub(super) fn list(files: &Files, name: &str, limits: &Limits) -> Result<Vec<Found>> {
    let what = format!("{name}: oci-layout");
    let bytes = files
        .need("oci-layout", name)?
        .read_all(limits.json_bytes, &what)?;
    let layout: OciLayout = json(&bytes, &spelling::LAYOUT, &what)?;
    if !layout.image_layout_version().starts_with("1.") {
        return Err(Error::image(
            what,
            format!("has version {}, not 1", layout.image_layout_version()),
        ));
    }
    let images = images(files, name, limits)?;
    if images.is_empty() {
        return Err(Error::image(
            format!("{name}: index.json"),
            "lists no image",
        ));
    }
    Ok(images)
}

/// `index.json`.
fn top(files: &Files, name: &str, limits: &Limits) -> Result<ImageIndex> {
    let what = format!("{name}: index.json");
    let bytes = files
        .need("index.json", name)?
        .read_all(limits.json_bytes, &what)?;
    index(&bytes, &what)
}

/// Whether `index.json` is empty: no image, and nothing else.
pub(super) fn lists_nothing(files: &Files, name: &str, limits: &Limits) -> Result<bool> {
    Ok(top(files, name, limits)?.manifests().is_empty())
}

/// The images of `index.json`, one for each manifest.
pub(super) fn images(files: &Files, name: &str, limits: &Limits) -> Result<Vec<Found>> {
    let index = top(files, name, limits)?;
    let mut images: Vec<Found> = Vec::new();
    let mut found = Vec::new();
    walk(files, name, &index, None, limits, 0, &mut found)?;
    let mut known = HashMap::new();
    for (digest, image) in found {
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
    Ok(images)
}

fn index(bytes: &[u8], what: &str) -> Result<ImageIndex> {
    let mut value: Value = json(bytes, &spelling::MANIFEST, what)?;
    one_kind(&value, &["config", "layers", "fsLayers"], "manifest.", what)?;
    if let Some(manifests) = value.get_mut("manifests").filter(|list| list.is_null()) {
        *manifests = Value::Array(Vec::new());
    }
    typed(value, what)
}

/// A document that has members of two kinds is taken for the one by some readers and for the other
/// by others (CVE-2021-41190).
fn one_kind(value: &Value, foreign: &[&str], types: &str, what: &str) -> Result<()> {
    let member = |name: &&&str| value.get(**name).is_some_and(|value| !value.is_null());
    if let Some(name) = foreign.iter().find(member) {
        let reason = format!(
            "has the member {name}: readers differ on whether it is a manifest or an index"
        );
        return Err(Error::image(what, reason));
    }
    let media_type = value
        .get("mediaType")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if media_type.contains(types) {
        let reason = format!(
            "says that it is {media_type}, which is not what it is listed as; readers differ on \
             which one counts"
        );
        return Err(Error::image(what, reason));
    }
    Ok(())
}

fn typed<T: DeserializeOwned>(value: Value, what: &str) -> Result<T> {
    serde_json::from_value(value)
        .map_err(|error| Error::image(what, format!("is not what it should be: {error}")))
}

fn walk(
    files: &Files,
    name: &str,
    index: &ImageIndex,
    outer: Option<(usize, Option<&str>)>,
    limits: &Limits,
    depth: usize,
    images: &mut Vec<([u8; 32], Found)>,
) -> Result<()> {
    if depth > MAX_DEPTH || images.len().saturating_add(index.manifests().len()) > limits.layers {
        return Err(Error::image(
            name,
            "has an index with too many levels or images",
        ));
    }
    for (number, descriptor) in index.manifests().iter().enumerate() {
        let own = name_of(descriptor, name)?;
        let (group, tag) = match outer {
            Some((group, tag)) => (group, own.as_deref().or(tag)),
            None => (number, own.as_deref()),
        };
        if is_attestation(descriptor, own.as_deref(), name)? {
            continue;
        }
        if is_index(descriptor.media_type()) {
            let what = format!("{name}: blob {}", descriptor.digest());
            if let Some(bytes) = bytes(files, name, descriptor, limits)? {
                let nested = self::index(&bytes, &what)?;
                walk(
                    files,
                    name,
                    &nested,
                    Some((group, tag)),
                    limits,
                    depth + 1,
                    images,
                )?;
            }
            continue;
        }
        // A layout may list images it does not hold (other platforms).
        if manifest(files, name, descriptor, limits)?.is_none() {
            continue;
        }
        let found = Found {
            tags: tag.map(str::to_owned).into_iter().collect(),
            platform: descriptor.platform().as_ref().map(platform),
            place: Place::Oci(Box::new(descriptor.clone())),
            twins: Vec::new(),
            group,
        };
        images.push((sha256_of(descriptor.digest().as_ref(), name)?, found));
    }
    Ok(())
}

fn is_index(media_type: &MediaType) -> bool {
    match media_type {
        MediaType::ImageIndex => true,
        MediaType::Other(other) => {
            other == "application/vnd.docker.distribution.manifest.list.v2+json"
        }
        _ => false,
    }
}

/// The name that a descriptor's annotations give. A reference without name or registry is a tag:
/// `:1` here.
fn name_of(descriptor: &Descriptor, archive: &str) -> Result<Option<String>> {
    let Some(annotations) = descriptor.annotations() else {
        return Ok(None);
    };
    let full = annotations.get("io.containerd.image.name");
    let reference = annotations.get("org.opencontainers.image.ref.name");
    let reference = reference.filter(|text| !text.is_empty()).map(|text| {
        if text.contains(['/', ':', '@']) {
            text.clone()
        } else {
            format!(":{text}")
        }
    });
    if let (Some(full), Some(reference)) = (full, &reference) {
        // skopeo and umoci go by the one, containerd by the other.
        let agree = full.contains('@')
            || full_name(reference) == full_name(full)
            || full_name(full).ends_with(reference.as_str());
        if !agree {
            let reason = format!(
                "index.json gives one image the names {full:?} and {reference:?}, which differ in \
                 the tag; readers differ on which one counts"
            );
            return Err(Error::image(archive, reason));
        }
    }
    Ok(full.cloned().or(reference))
}

/// BuildKit's provenance and SBOM documents stand in the index like images, for a platform that
/// nobody has and without a name. With a platform or a name other tools would choose them.
fn is_attestation(descriptor: &Descriptor, own: Option<&str>, archive: &str) -> Result<bool> {
    let marked = descriptor
        .annotations()
        .as_ref()
        .is_some_and(|all| all.contains_key("vnd.docker.reference.type"));
    let unknown = descriptor
        .platform()
        .as_ref()
        .is_some_and(|p| p.os().to_string() == "unknown");
    if (marked || unknown) && (own.is_some() || !unknown) {
        let reason = format!(
            "{} is marked as an attestation but has a name or a platform, by which other tools \
             choose it",
            descriptor.digest()
        );
        return Err(Error::image(archive, reason));
    }
    Ok(unknown)
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

/// The manifest a descriptor names, if the layout holds it.
pub(super) fn manifest(
    files: &Files,
    name: &str,
    descriptor: &Descriptor,
    limits: &Limits,
) -> Result<Option<ImageManifest>> {
    let what = format!("{name}: blob {}", descriptor.digest());
    let Some(bytes) = bytes(files, name, descriptor, limits)? else {
        return Ok(None);
    };
    let value: Value = json(&bytes, &spelling::MANIFEST, &what)?;
    for types in [".index.", "manifest.list."] {
        one_kind(&value, &["manifests", "fsLayers"], types, &what)?;
    }
    typed(value, &what).map(Some)
}

/// The digest of the config that a descriptor's manifest names.
pub(super) fn config_digest(
    files: &Files,
    name: &str,
    descriptor: &Descriptor,
    limits: &Limits,
) -> Result<[u8; 32]> {
    let manifest = manifest(files, name, descriptor, limits)?.ok_or_else(|| {
        let reason = format!(
            "lacks blob {}: the image is incomplete",
            descriptor.digest()
        );
        Error::image(name, reason)
    })?;
    sha256_of(manifest.config().digest().as_ref(), name)
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
