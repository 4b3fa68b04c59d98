//! docker-archive: `manifest.json` and the files it names (Docker Image Specification v1.2,
//! "Combined Image JSON + Filesystem Changeset Format"), as written by docker, podman, buildah,
//! skopeo, kaniko and others.

use super::files::Files;
use super::image::{Image, Parts};
use super::{Found, Place, json};
use crate::error::{Error, Result};
use crate::limits::Limits;
use crate::spelling::DOCKER_MANIFEST;
use serde::Deserialize;
use sha2::{Digest, Sha256};

/// One element of `manifest.json`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Item {
    config: String,
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
    #[serde(default)]
    layers: Option<Vec<String>>,
}

pub(super) fn list(files: &Files, name: &str, limits: &Limits) -> Result<Vec<Found>> {
    let what = format!("{name}: manifest.json");
    let bytes = files
        .need("manifest.json", name)?
        .read_all(limits.json_bytes, &what)?;
    let items: Vec<Item> = json(&bytes, &DOCKER_MANIFEST, &what)?;
    if items.is_empty() {
        return Err(Error::image(what, "lists no image"));
    }
    Ok(items
        .into_iter()
        .map(|item| Found {
            tags: item.repo_tags.clone().unwrap_or_default(),
            platform: None,
            place: Place::Docker(item),
            twins: Vec::new(),
            group: 0,
        })
        .collect())
}

/// SHA-256 of the config that an item names.
pub(super) fn config_digest(
    files: &Files,
    name: &str,
    item: &Item,
    limits: &Limits,
) -> Result<[u8; 32]> {
    Ok(Sha256::digest(config(files, name, item, limits)?).into())
}

fn config(files: &Files, name: &str, item: &Item, limits: &Limits) -> Result<Vec<u8>> {
    let what = format!("{name}: config {}", item.config);
    let bytes = files
        .need(&item.config, name)?
        .read_all(limits.json_bytes, &what)?;
    // The file is usually named after its digest: then the name is a promise.
    let stem = item
        .config
        .rsplit('/')
        .next()
        .unwrap_or_default()
        .trim_end_matches(".json")
        .trim_start_matches("sha256:");
    if stem.len() == 64 && stem.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        let actual = hex::encode(Sha256::digest(&bytes));
        if actual != stem.to_ascii_lowercase() {
            return Err(Error::Digest {
                what,
                expected: stem.into(),
                actual,
            });
        }
    }
    Ok(bytes)
}

pub(super) fn open(
    files: &Files,
    name: &str,
    item: &Item,
    found: &Found,
    limits: &Limits,
) -> Result<Image> {
    let config = config(files, name, item, limits)?;
    let mut blobs = Vec::new();
    for path in item.layers.iter().flatten() {
        blobs.push((files.need(path, name)?, None));
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
