//! Name, platform and kind of an image, as its descriptor in an index gives them.

use super::super::full_name;
use crate::error::{Error, Result};
use oci_spec::image::{Descriptor, MediaType, Platform};

/// Docker's manifests of before 2016 have no digests of uncompressed layers and no config.
pub(super) fn refuse_schema1(descriptor: &Descriptor, archive: &str) -> Result<()> {
    let kind = descriptor.media_type().to_string();
    if !kind.contains("distribution.manifest.v1") {
        return Ok(());
    }
    let reason = format!(
        "{} is a Docker manifest of schema 1, which has no config; skopeo copy --format oci converts it",
        descriptor.digest()
    );
    Err(Error::image(archive, reason))
}

pub(super) fn is_index(media_type: &MediaType) -> bool {
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
pub(super) fn name_of(descriptor: &Descriptor, archive: &str) -> Result<Option<String>> {
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
pub(super) fn is_attestation(
    descriptor: &Descriptor,
    own: Option<&str>,
    archive: &str,
) -> Result<bool> {
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

pub(super) fn platform(platform: &Platform) -> String {
    let mut text = format!("{}/{}", platform.os(), platform.architecture());
    if let Some(variant) = platform.variant() {
        text = format!("{text}/{variant}");
    }
    text
}
