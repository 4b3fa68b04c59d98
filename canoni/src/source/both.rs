//! Archives that describe their images twice, as docker-archive and as OCI layout, as new `docker
//! save` writes them.
//!
//! `docker load`, podman and skopeo each choose one of the two descriptions, so both must say the
//! same.

use super::files::Files;
use super::{Found, Place, docker, full_name, oci};
use crate::error::{Error, Result};
use crate::limits::Limits;
use std::collections::{HashMap, HashSet};

/// An image's identity: the digest of its config, which names its layers' contents.
type Id = [u8; 32];

/// The images of the archive, each with both descriptions.
///
/// Both must list the same images. An image that the OCI index has for other platforms, under the
/// same element of `index.json`, may be missing from `manifest.json`, which containerd writes for
/// one platform; then the caller has to choose a platform. A name that both give must mean the same
/// image; names that one gives are kept.
pub(super) fn list(files: &Files, name: &str, limits: &Limits) -> Result<Vec<Found>> {
    let docker = docker::list(files, name, limits)?;
    let oci = oci::images(files, name, limits)?;
    if oci.is_empty() {
        // Docker 25 writes `"manifests": null` for an image that is saved by its ID. With anything
        // in the list, though it is not an image here, other tools have something to choose.
        if oci::lists_nothing(files, name, limits)? {
            return Ok(docker);
        }
        let reason = "manifest.json and index.json describe different images (the latter lists none \
                      that is an image and in the archive); readers differ on which one counts";
        return Err(Error::image(name, reason));
    }
    let oci = identified(oci, files, name, limits)?;
    let docker = identified(docker, files, name, limits)?;
    same_images(&docker, &oci, name)?;
    same_names(&docker, &oci, name)?;
    Ok(joined(docker, oci))
}

fn identified(
    images: Vec<Found>,
    files: &Files,
    name: &str,
    limits: &Limits,
) -> Result<Vec<(Id, Found)>> {
    let id = |found: &Found| match &found.place {
        Place::Docker(item) => docker::config_digest(files, name, item, limits),
        Place::Oci(descriptor) => oci::config_digest(files, name, descriptor, limits),
    };
    images
        .into_iter()
        .map(|found| Ok((id(&found)?, found)))
        .collect()
}

fn same_images(docker: &[(Id, Found)], oci: &[(Id, Found)], name: &str) -> Result<()> {
    let differ = |what: &Id, only: &str| {
        let reason = format!(
            "manifest.json and index.json describe different images (the one with config \
             sha256:{} is only in {only}); readers differ on which one counts",
            hex::encode(what)
        );
        Err(Error::image(name, reason))
    };
    let known: HashSet<&Id> = docker.iter().map(|(id, _)| id).collect();
    // Groups of which manifest.json has one image.
    let groups: HashSet<usize> = oci
        .iter()
        .filter(|(id, _)| known.contains(id))
        .map(|(_, found)| found.group)
        .collect();
    if let Some((id, _)) = oci
        .iter()
        .find(|(id, found)| !known.contains(id) && !groups.contains(&found.group))
    {
        return differ(id, "index.json");
    }
    let listed: HashSet<&Id> = oci.iter().map(|(id, _)| id).collect();
    match docker.iter().find(|(id, _)| !listed.contains(id)) {
        Some((id, _)) => differ(id, "manifest.json"),
        None => Ok(()),
    }
}

fn same_names(docker: &[(Id, Found)], oci: &[(Id, Found)], name: &str) -> Result<()> {
    let differ = |tag: &str| {
        let reason = format!(
            "{tag} is one image in manifest.json and another in index.json; readers differ on \
             which one counts"
        );
        Err(Error::image(name, reason))
    };
    let mut named: HashMap<String, Id> = HashMap::new();
    for (id, found) in docker {
        for tag in &found.tags {
            if named
                .insert(full_name(tag), *id)
                .is_some_and(|other| other != *id)
            {
                let reason = format!("manifest.json gives the name {tag} to two images");
                return Err(Error::image(name, reason));
            }
        }
    }
    // Groups of an image: its siblings for other platforms share its name.
    let groups: HashSet<(&Id, usize)> = oci.iter().map(|(id, found)| (id, found.group)).collect();
    let mut given: HashMap<String, bool> = HashMap::new();
    for (id, found) in oci {
        for tag in found.tags.iter().map(|tag| full_name(tag)) {
            let Some(known) = named.get(&tag) else {
                continue;
            };
            if known != id && !groups.contains(&(known, found.group)) {
                return differ(&tag);
            }
            *given.entry(tag).or_default() |= known == id;
        }
    }
    match given.into_iter().find(|(_, same)| !same) {
        Some((tag, _)) => differ(&tag),
        None => Ok(()),
    }
}

fn joined(docker: Vec<(Id, Found)>, oci: Vec<(Id, Found)>) -> Vec<Found> {
    let mut images: Vec<(Id, Found)> = docker;
    for (id, found) in oci {
        let mut same = images
            .iter_mut()
            .filter(|(known, image)| *known == id && matches!(image.place, Place::Docker(_)))
            .peekable();
        if same.peek().is_none() {
            images.push((id, found));
            continue;
        }
        for (_, image) in same {
            image.twins.push(found.place.clone());
            image.platform = image.platform.take().or_else(|| found.platform.clone());
            for tag in &found.tags {
                let full = full_name(tag);
                // A tag alone adds nothing to a name that ends in it.
                let known = |other: &String| {
                    let other = full_name(other);
                    other == full || (full.starts_with(':') && other.ends_with(&full))
                };
                if !image.tags.iter().any(known) {
                    image.tags.push(tag.clone());
                }
            }
        }
    }
    images.into_iter().map(|(_, found)| found).collect()
}
