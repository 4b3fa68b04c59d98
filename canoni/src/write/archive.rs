//! An image in canonical form, and its files.

use super::config::{History, canonical, to_canonical_json};
use super::layer::LayerList;
use super::time;
use crate::error::{Error, Result};
use crate::limits::Meter;
use crate::overlay::{Changes, Union};
use crate::progress::{Event, Progress};
use crate::source::{Image, full_name, is_name};
use crate::tree::{Metadata, Tree, TreeOptions};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// Choices for canonical form.
#[derive(Debug, Clone, Default)]
pub struct CanonicalOptions {
    /// Time of the image and all its files: seconds since 1970, at most 8,589,934,591 (year 2242).
    pub epoch: u64,
    /// One layer with the resolved content instead of the image's own layers.
    pub flatten: bool,
    /// The contents that layers may have.
    pub tree: TreeOptions,
    /// Names to write into the archive: `NAME:TAG`, or `:TAG` for an OCI reference that is a tag
    /// alone. Names that Docker does not take are left out. They have no influence on digests.
    pub tags: Vec<String>,
    /// Learns the progress of hashing and writing.
    pub progress: Progress,
}

#[derive(Debug)]
pub(super) struct LayerFile {
    pub(super) list: LayerList,
    pub(super) digest: [u8; 32],
    pub(super) size: u64,
}

/// An image in canonical form v1: its digests are known, its layers can be written any number of
/// times.
#[derive(Debug)]
pub struct Canonical {
    pub(super) layers: Vec<LayerFile>,
    pub(super) config: Vec<u8>,
    pub(super) manifest: Vec<u8>,
    pub(super) platform: Value,
    pub(super) tags: Vec<String>,
    pub(super) epoch: u64,
    pub(super) progress: Progress,
}

const CONFIG_TYPE: &str = "application/vnd.oci.image.config.v1+json";
const LAYER_TYPE: &str = "application/vnd.oci.image.layer.v1.tar";
pub(super) const MANIFEST_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";

pub(super) fn prefixed(digest: &[u8; 32]) -> String {
    format!("sha256:{}", hex::encode(digest))
}

pub(super) fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// The canonical config of an image, with the layers' digests as they are and time 0.
pub(crate) fn canonical_config(image: &Image, flatten: bool) -> Result<Value> {
    let diff_ids: Vec<String> = image
        .layers()
        .iter()
        .map(|layer| prefixed(layer.diff_id()))
        .collect();
    let history = if flatten {
        History::Flattened
    } else {
        History::Kept
    };
    let bytes = canonical(
        image.config_value(),
        &image.config_name(),
        &diff_ids,
        &history,
        0,
    )?;
    serde_json::from_slice(&bytes).map_err(|error| {
        Error::image(
            image.name(),
            format!("canonical config is not JSON: {error}"),
        )
    })
}

impl Canonical {
    /// Canonicalises an image: layer by layer, or flattened. All layers are verified and read once,
    /// for their digests, both at the same time; what does not have the digest that was promised
    /// gives no image.
    pub fn from_image(image: &Image, options: &CanonicalOptions) -> Result<Self> {
        std::thread::scope(|scope| {
            let verifier = scope.spawn(|| image.verify());
            let made = Self::from_unverified(image, options);
            // A wrong digest explains whatever else is wrong.
            verifier.join().unwrap_or_else(|_| {
                Err(Error::image(
                    image.name(),
                    "the thread that verified it failed",
                ))
            })?;
            made
        })
    }

    fn from_unverified(image: &Image, options: &CanonicalOptions) -> Result<Self> {
        if options.flatten {
            let tree = image.flatten_unverified(&options.tree)?;
            return Self::new(
                vec![LayerList::from_tree(tree)],
                image.config_value(),
                (image.name(), &image.config_name()),
                options,
                &History::Flattened,
            );
        }
        let mut root = Metadata::default();
        let mut layers = Vec::with_capacity(image.layers().len());
        // Layers stay what they are, but what refuses them together refuses them here, too.
        let mut union = Union::default();
        let mut meter = Meter::new(image.limits());
        for layer in image.layers() {
            let changes = Changes::new(layer, &options.tree, &mut meter)?;
            union.apply(&changes, layer)?;
            layers.push(LayerList::from_changes(changes, &mut root));
        }
        Self::new(
            layers,
            image.config_value(),
            (image.name(), &image.config_name()),
            options,
            &History::Kept,
        )
    }

    /// Makes an image of one layer out of a tree and a config (an OCI image config; `created`,
    /// `rootfs` and `history` are filled in). Equal to what [`Canonical::from_image`] makes,
    /// flattened, of any image with this content and config.
    pub fn from_tree(tree: Tree, config: &Value, options: &CanonicalOptions) -> Result<Self> {
        Self::new(
            vec![LayerList::from_tree(tree)],
            config,
            ("new image", "new image: image config"),
            options,
            &History::Flattened,
        )
    }

    /// `name` and `config_name` are what errors call the image and its config.
    fn new(
        lists: Vec<LayerList>,
        config: &Value,
        (name, config_name): (&str, &str),
        options: &CanonicalOptions,
        history: &History,
    ) -> Result<Self> {
        if options.epoch > time::MAX {
            let reason = format!(
                "the time {} is beyond {}, the largest a tar header holds",
                options.epoch,
                time::MAX
            );
            return Err(Error::image(name, reason));
        }
        let mut layers = Vec::with_capacity(lists.len());
        let bytes = lists.iter().map(LayerList::content_bytes).sum();
        options.progress.send(Event::Begin {
            what: "hashing",
            bytes,
        })?;
        for list in lists {
            let (digest, size) = list.digest(options.epoch, &options.progress)?;
            layers.push(LayerFile { list, digest, size });
        }
        let diff_ids: Vec<String> = layers.iter().map(|layer| prefixed(&layer.digest)).collect();
        let config = canonical(config, config_name, &diff_ids, history, options.epoch)?;
        let written: Value = serde_json::from_slice(&config).map_err(|error| {
            Error::image(name, format!("canonical config is not JSON: {error}"))
        })?;
        let mut platform = serde_json::Map::new();
        for member in ["architecture", "os", "os.features", "os.version", "variant"] {
            if let Some(value) = written.get(member) {
                platform.insert(member.into(), value.clone());
            }
        }
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": {"mediaType": CONFIG_TYPE, "digest": prefixed(&sha256(&config)), "size": config.len()},
            "layers": layers.iter().map(|layer| json!({
                "mediaType": LAYER_TYPE, "digest": prefixed(&layer.digest), "size": layer.size,
            })).collect::<Vec<_>>(),
        });
        let manifest = to_canonical_json(&manifest, name)?;
        // With a name that it does not take, such as one with a digest, Docker would not load the
        // archive.
        let taken = |tag: &&String| match tag.strip_prefix(':') {
            Some(short) => is_name(&format!("tag:{short}")),
            None => is_name(tag),
        };
        let tags = options.tags.iter().filter(taken);
        let mut tags: Vec<String> = tags.map(|tag| full_name(tag)).collect();
        tags.sort();
        tags.dedup();
        let (epoch, progress) = (options.epoch, options.progress.clone());
        Ok(Self {
            layers,
            config,
            manifest,
            platform: Value::Object(platform),
            tags,
            epoch,
            progress,
        })
    }

    /// The image's digest, `sha256:...`: of its OCI manifest.
    pub fn digest(&self) -> String {
        prefixed(&sha256(&self.manifest))
    }

    /// The image's ID as `docker images` shows it, `sha256:...`: the digest of its config.
    pub fn image_id(&self) -> String {
        prefixed(&sha256(&self.config))
    }

    /// The layers' diffIDs, lowest first. Layers are not compressed, so these are their digests
    /// too.
    pub fn diff_ids(&self) -> Vec<String> {
        self.layers
            .iter()
            .map(|layer| prefixed(&layer.digest))
            .collect()
    }

    /// The layers' lengths in bytes.
    pub fn layer_sizes(&self) -> Vec<u64> {
        self.layers.iter().map(|layer| layer.size).collect()
    }

    /// The config's bytes.
    pub fn config(&self) -> &[u8] {
        &self.config
    }

    /// The manifest's bytes.
    pub fn manifest(&self) -> &[u8] {
        &self.manifest
    }

    /// Names, in full, sorted.
    pub fn tags(&self) -> &[String] {
        &self.tags
    }
}
