//! Members of an index that are not images.

use super::super::{Found, full_name};
use crate::error::{Error, Result};
use oci_spec::image::{ImageManifest, MediaType};
use std::collections::HashSet;

/// Something in an index that is not an image: a signature, a chart, a document.
pub(super) struct Artifact {
    pub(super) digest: String,
    pub(super) kind: String,
    pub(super) tag: Option<String>,
}

/// The mark of an artifact: a config that is none of an image, or a layer that is none.
pub(super) fn artifact_kind(manifest: &ImageManifest) -> Option<String> {
    let is_config = |kind: &str| {
        kind.starts_with("application/vnd.oci.image.config.v1")
            || kind == "application/vnd.docker.container.image.v1+json"
    };
    let is_layer = |kind: &str| {
        kind.starts_with("application/vnd.oci.image.layer.")
            || kind.starts_with("application/vnd.docker.image.rootfs.")
            // Old skopeo and umoci wrote these.
            || kind.starts_with("application/vnd.docker.container.image.rootfs.")
    };
    let config = manifest.config().media_type().to_string();
    if !is_config(&config) {
        let artifact = manifest.artifact_type().as_ref().map(MediaType::to_string);
        return Some(artifact.unwrap_or(config));
    }
    let layers = manifest.layers().iter();
    layers
        .map(|layer| layer.media_type().to_string())
        .find(|kind| !is_layer(kind))
}

/// A name that an image and an artifact share is a choice that readers make differently.
pub(super) fn no_artifact_for_image(
    images: &[([u8; 32], Found)],
    artifacts: &[Artifact],
    archive: &str,
) -> Result<()> {
    let names: HashSet<String> = images
        .iter()
        .flat_map(|(_, found)| found.tags.iter().map(|tag| full_name(tag)))
        .collect();
    let shared = artifacts.iter().find_map(|artifact| {
        let tag = artifact.tag.as_ref()?;
        names.contains(&full_name(tag)).then_some((tag, artifact))
    });
    let Some((tag, artifact)) = shared else {
        return Ok(());
    };
    let reason = format!(
        "index.json gives the name {tag} to an image and to the artifact {} ({}); readers differ on \
         which one counts",
        artifact.digest, artifact.kind
    );
    Err(Error::image(archive, reason))
}
