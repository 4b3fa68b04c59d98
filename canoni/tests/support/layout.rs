//! OCI layouts, built member by member.

use super::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
pub const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

/// The files of a layout: blobs by name, and whatever else is put there.
#[derive(Debug, Clone, Default)]
pub struct Layout {
    pub files: BTreeMap<String, Vec<u8>>,
}

impl Layout {
    pub fn new() -> Self {
        let mut layout = Self::default();
        layout.put("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#);
        layout
    }

    pub fn put(&mut self, name: &str, bytes: impl AsRef<[u8]>) {
        self.files.insert(name.into(), bytes.as_ref().to_vec());
    }

    /// Adds a blob and returns its descriptor.
    pub fn blob(&mut self, media_type: &str, bytes: &[u8]) -> Value {
        let digest = sha256(bytes);
        self.put(&format!("blobs/sha256/{digest}"), bytes);
        json!({"mediaType": media_type, "digest": format!("sha256:{digest}"), "size": bytes.len()})
    }

    /// Adds an image with the given config and returns its manifest's descriptor.
    pub fn image_with(&mut self, config: &str, layers: &[Vec<u8>]) -> Value {
        let config = self.blob(CONFIG, config.as_bytes());
        let layers: Vec<Value> = layers.iter().map(|layer| self.blob(LAYER, layer)).collect();
        let manifest =
            json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers});
        self.blob(MANIFEST, manifest.to_string().as_bytes())
    }

    pub fn image(&mut self, layers: &[Vec<u8>]) -> Value {
        self.image_with(&config(layers), layers)
    }

    /// Writes `index.json`.
    pub fn index(&mut self, manifests: &[Value]) {
        let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests});
        self.put("index.json", index.to_string());
    }

    pub fn tar(&self) -> Vec<u8> {
        let entries: Vec<Raw> = self
            .files
            .iter()
            .map(|(name, bytes)| file(name, bytes))
            .collect();
        tar(&entries)
    }
}

/// A descriptor with a name.
pub fn named(mut descriptor: Value, name: &str) -> Value {
    let tag = name.rsplit(':').next().unwrap();
    descriptor["annotations"] =
        json!({"io.containerd.image.name": name, "org.opencontainers.image.ref.name": tag});
    descriptor
}

/// One image in an OCI layout.
pub fn oci_archive(layers: &[Vec<u8>]) -> Vec<u8> {
    let mut layout = Layout::new();
    let image = layout.image(layers);
    layout.index(&[image]);
    layout.tar()
}
