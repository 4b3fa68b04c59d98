//! Fetches an image into a temporary OCI layout.

use super::RegistryOptions;
use super::client::Client;
use super::descriptor::{Descriptor, Document};
use super::fetch::{Sum, blob, manifest, other_size};
use crate::error::{Error, Result};
use crate::limits::Limits;
use crate::reference::RegistryName;
use crate::source::{Archive, platform_matches};
use crate::transport::manifest_type;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

/// Indexes within indexes; the reader of layouts has the same bound.
const MAX_DEPTH: usize = 4;

/// Fetches an image: for one platform, or for all where the options say so.
///
/// # Errors
/// Where the registry refuses or cannot be reached, where what it sends is not what its digests and
/// sizes promise or is beyond the limits, and where there is a choice of platforms and none is
/// wanted.
pub(crate) fn pull(
    name: &RegistryName,
    platform: Option<&str>,
    options: &RegistryOptions,
    limits: &Limits,
) -> Result<Archive> {
    let client = Client::new(name, "pull", options)?;
    let folder = tempfile::tempdir().map_err(|e| Error::io("create", "a temporary folder", e))?;
    let mut pull = Pull {
        blobs: folder.path().join("blobs/sha256"),
        wanted: BTreeMap::new(),
        written: BTreeSet::new(),
        client,
        limits,
    };
    let local = |error| Error::file("write", folder.path(), error);
    fs::create_dir_all(&pull.blobs).map_err(local)?;
    let asked = name.digest().or(name.tag()).unwrap_or("latest");
    let bytes = manifest(&pull.client, asked, limits.json_bytes)?;
    let mut top = pull.enter(&bytes, platform)?;
    if let (Some(tagged), Some(object)) = (name.tagged(), top.as_object_mut()) {
        let annotation = json!({"org.opencontainers.image.ref.name": tagged});
        object.insert("annotations".into(), annotation);
    }
    pull.fetch()?;
    let index = json!({"schemaVersion": 2, "manifests": [top]}).to_string();
    let layout = r#"{"imageLayoutVersion":"1.0.0"}"#;
    fs::write(folder.path().join("oci-layout"), layout).map_err(local)?;
    fs::write(folder.path().join("index.json"), index).map_err(local)?;
    Archive::of_folder(folder, format!("docker://{name}"), limits)
}

struct Pull<'a> {
    client: Client<'a>,
    blobs: PathBuf,
    /// Blobs to fetch, by digest.
    wanted: BTreeMap<String, Descriptor>,
    /// Manifests that are there.
    written: BTreeSet<String>,
    limits: &'a Limits,
}

impl Pull<'_> {
    /// Takes the manifest or index that the name leads to. The value is its descriptor, or that of
    /// the platform that was chosen from it.
    fn enter(&mut self, bytes: &[u8], platform: Option<&str>) -> Result<Value> {
        let what = format!("docker://{}: the manifest", self.client.name);
        let (bytes, platform) = match Document::read(bytes, &what)? {
            Document::Index(list) if !self.client.options.all_platforms => {
                let chosen = choose(list, platform, &what)?;
                let platform = chosen.value.get("platform").cloned();
                (self.document(&chosen)?, platform)
            }
            _ => (bytes.to_vec(), None),
        };
        self.take(&bytes, &what, 0)?;
        let mut value = json!({
            "mediaType": manifest_type(&bytes, &what)?,
            "digest": format!("sha256:{}", hex::encode(Sha256::digest(&bytes))),
            "size": bytes.len(),
        });
        if let (Some(platform), Some(object)) = (platform, value.as_object_mut()) {
            object.insert("platform".into(), platform);
        }
        Ok(value)
    }

    /// Fetches a manifest that an index lists.
    fn document(&self, descriptor: &Descriptor) -> Result<Vec<u8>> {
        let limit = self.limits.json_bytes;
        let bytes = manifest(&self.client, &descriptor.digest, limit)?;
        if bytes.len() as u64 != descriptor.size {
            let what = format!("the manifest {}", descriptor.digest);
            return Err(other_size(
                &self.client,
                &what,
                bytes.len() as u64,
                descriptor.size,
            ));
        }
        Ok(bytes)
    }

    /// Writes a manifest or index, and notes what it needs.
    fn take(&mut self, bytes: &[u8], what: &str, depth: usize) -> Result<()> {
        let digest = hex::encode(Sha256::digest(bytes));
        if !self.written.insert(digest.clone()) {
            return Ok(());
        }
        if depth > MAX_DEPTH || self.written.len() > self.limits.layers {
            return Err(Error::image(
                what,
                "has an index with too many levels or images",
            ));
        }
        let path = self.blobs.join(&digest);
        fs::write(&path, bytes).map_err(|error| Error::file("write", &path, error))?;
        match Document::read(bytes, what)? {
            Document::Manifest(blobs) => self.want(blobs, what),
            Document::Index(list) => {
                for descriptor in list.iter().filter(|one| !one.is_attestation()) {
                    let bytes = self.document(descriptor)?;
                    self.take(&bytes, what, depth + 1)?;
                }
                Ok(())
            }
        }
    }

    fn want(&mut self, blobs: Vec<Descriptor>, what: &str) -> Result<()> {
        let beyond = |limit: u64, unit, option| Error::Limit {
            what: what.to_owned(),
            limit,
            unit,
            option,
        };
        if blobs.len() > self.limits.layers.saturating_add(1) {
            return Err(beyond(self.limits.layers as u64, "layers", "--max-layers"));
        }
        for (number, descriptor) in blobs.into_iter().enumerate() {
            if number == 0 && descriptor.size > self.limits.json_bytes {
                return Err(beyond(
                    self.limits.json_bytes,
                    "bytes of a config",
                    "--max-json-bytes",
                ));
            }
            let size = descriptor.size;
            let digest = descriptor.digest.clone();
            let other = self.wanted.insert(digest, descriptor);
            if other.is_some_and(|other| other.size != size) {
                return Err(Error::image(what, "gives one blob two sizes"));
            }
        }
        Ok(())
    }

    fn fetch(&self) -> Result<()> {
        let sizes = self.wanted.values().map(|one| one.size);
        let total = sizes.fold(0_u64, u64::saturating_add);
        if total > self.limits.archive_bytes {
            return Err(Error::Limit {
                what: format!("docker://{}", self.client.name),
                limit: self.limits.archive_bytes,
                unit: "bytes of blobs",
                option: "--max-bytes",
            });
        }
        let mut sum = Sum { total, done: 0 };
        for descriptor in self.wanted.values() {
            let path = self.blobs.join(descriptor.hex());
            // A manifest that is a blob as well is there already.
            if !self.written.contains(descriptor.hex()) {
                blob(&self.client, descriptor, &path, &mut sum)?;
            }
        }
        Ok(())
    }
}

/// The one image of an index that is for a platform.
fn choose(list: Vec<Descriptor>, platform: Option<&str>, what: &str) -> Result<Descriptor> {
    let mut held: Vec<String> = Vec::new();
    let mut good: Vec<Descriptor> = Vec::new();
    for descriptor in list.into_iter().filter(|one| !one.is_attestation()) {
        let has = descriptor.platform();
        held.push(crate::printable(
            has.as_deref().unwrap_or("unnamed").as_bytes(),
        ));
        let fits = match (platform, &has) {
            (Some(wanted), Some(has)) => platform_matches(wanted, has),
            _ => true,
        };
        if fits {
            good.push(descriptor);
        }
    }
    good.dedup_by(|a, b| a.digest == b.digest);
    let held = held.join(", ");
    let reason = match (good.len(), platform) {
        (1, _) => String::new(),
        (0, Some(wanted)) => format!("has no image for {wanted} (it holds {held})"),
        (0, None) => "lists no image".into(),
        _ => format!("is for several platforms: choose one with --platform (it holds {held})"),
    };
    match (reason.is_empty(), good.pop()) {
        (true, Some(chosen)) => Ok(chosen),
        _ => Err(Error::image(what, reason)),
    }
}
