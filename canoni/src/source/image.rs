//! One image: config and layers.

use super::layer::Layer;
use super::{json, sha256_of};
use crate::blob::Blob;
use crate::error::{Error, Result};
use crate::limits::Limits;
use crate::spelling;
use oci_spec::image::ImageConfiguration;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// The facts about an image that both kinds of archive have.
pub(super) struct Parts {
    pub(super) name: String,
    pub(super) tags: Vec<String>,
    pub(super) config: Vec<u8>,
    pub(super) blobs: Vec<(Blob, Option<[u8; 32]>)>,
}

/// An image of an [`Archive`](crate::Archive).
#[derive(Debug)]
pub struct Image {
    name: String,
    tags: Vec<String>,
    config_bytes: Vec<u8>,
    config: Value,
    layers: Vec<Layer>,
    /// Layers that another description of this image in the archive names in place of these.
    twins: Vec<Layer>,
    limits: Limits,
}

/// A config in errors: by its digest, which is the image's ID.
fn config_name(image: &str, bytes: &[u8]) -> String {
    let digest = hex::encode(Sha256::digest(bytes));
    format!("{image}: image config sha256:{digest}")
}

impl Image {
    pub(super) fn new(parts: Parts, limits: &Limits) -> Result<Self> {
        let Parts {
            name,
            tags,
            config: config_bytes,
            blobs,
        } = parts;
        let what = config_name(&name, &config_bytes);
        let config: Value = json(&config_bytes, &spelling::CONFIG, &what)?;
        let diff_ids: Vec<&str> = match config.pointer("/rootfs/diff_ids") {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(list)) => {
                let texts: Option<_> = list.iter().map(Value::as_str).collect();
                texts.ok_or_else(|| Error::image(&what, "has diff_ids that are not strings"))?
            }
            Some(_) => return Err(Error::image(what, "has diff_ids that are not a list")),
        };
        if diff_ids.len() != blobs.len() {
            let reason = format!(
                "names {} layers, but the manifest has {}",
                diff_ids.len(),
                blobs.len()
            );
            return Err(Error::image(what, reason));
        }
        if blobs.len() > limits.layers {
            return Err(Error::Limit {
                what,
                limit: limits.layers as u64,
                unit: "layers",
                option: "--max-layers",
            });
        }
        let count = blobs.len();
        let spent = Arc::new(AtomicU64::new(0));
        let mut layers = Vec::with_capacity(count);
        for (at, ((blob, digest), diff_id)) in blobs.into_iter().zip(diff_ids).enumerate() {
            let layer_name = format!("{name}: layer {} of {count}", at + 1);
            let diff_id = sha256_of(diff_id, &layer_name)?;
            let spent = Arc::clone(&spent);
            layers.push(Layer::new(
                layer_name, blob, digest, diff_id, *limits, spent,
            ));
        }
        Ok(Self {
            name,
            tags,
            config_bytes,
            config,
            layers,
            twins: Vec::new(),
            limits: *limits,
        })
    }

    /// Takes over the promises of another description of this image, so that [`Image::verify`]
    /// checks them, too. Both have one config, and so one list of diffIDs.
    pub(super) fn join(&mut self, other: Self) {
        for (layer, twin) in self.layers.iter_mut().zip(other.layers) {
            if let Some(twin) = layer.join(twin) {
                self.twins.push(twin);
            }
        }
        self.twins.extend(other.twins);
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The name of the image in errors: its archive.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name of the config in errors.
    pub(crate) fn config_name(&self) -> String {
        config_name(&self.name, &self.config_bytes)
    }

    /// The image's names in its archive.
    pub fn tags(&self) -> &[String] {
        &self.tags
    }

    /// The config's bytes as they are in the archive.
    pub fn config_json(&self) -> &[u8] {
        &self.config_bytes
    }

    /// The config as a JSON value, with members that the OCI specification does not know. Known
    /// members have the names that they are known by, also where the file spells them in another
    /// case.
    pub fn config_value(&self) -> &Value {
        &self.config
    }

    /// The config by the OCI specification; members that it does not know are left out.
    pub fn config(&self) -> Result<ImageConfiguration> {
        serde_json::from_value(self.config.clone()).map_err(|error| {
            Error::image(
                self.config_name(),
                format!("is not what it should be: {error}"),
            )
        })
    }

    /// `OS/ARCHITECTURE[/VARIANT]` of the config.
    pub fn platform(&self) -> String {
        let member = |name| {
            self.config
                .get(name)
                .and_then(Value::as_str)
                .filter(|text| !text.is_empty())
        };
        let mut text = format!(
            "{}/{}",
            member("os").unwrap_or("linux"),
            member("architecture").unwrap_or("unknown")
        );
        if let Some(variant) = member("variant") {
            text = format!("{text}/{variant}");
        }
        text
    }

    /// The layers, lowest first.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// Decompresses all layers and compares their digests with the config's diffIDs (and,
    /// compressed, with the manifest's), several layers at a time. What was verified is not
    /// verified again. Where the archive describes the image twice, as docker-archive and as OCI
    /// layout, the layers of both are compared.
    pub fn verify(&self) -> Result<()> {
        let threads = std::thread::available_parallelism()
            .map_or(1, usize::from)
            .min(self.layers.len() + self.twins.len());
        let all: Vec<&Layer> = self.layers.iter().chain(&self.twins).collect();
        let next = AtomicUsize::new(0);
        let work = || -> Result<()> {
            while let Some(layer) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
                layer.verify()?;
            }
            Ok(())
        };
        if threads < 2 {
            return work();
        }
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            workers.into_iter().try_for_each(|worker| {
                worker.join().unwrap_or_else(|_| {
                    Err(Error::image(
                        &self.name,
                        "a thread that verified a layer failed",
                    ))
                })
            })
        })
    }
}
