//! The documents and blobs of a layout, each checked by size and digest.

use super::super::files::Files;
use super::super::{json, sha256_of};
use crate::blob::Blob;
use crate::error::{Error, Result};
use crate::limits::Limits;
use crate::spelling;
use oci_spec::image::{Descriptor, ImageIndex, ImageManifest, OciLayout};
use serde::de::DeserializeOwned;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// A layout: its files, what errors call it, and the limits of its documents.
#[derive(Clone, Copy)]
pub(super) struct Layout<'a> {
    pub(super) files: &'a Files,
    pub(super) name: &'a str,
    pub(super) limits: &'a Limits,
}

impl Layout<'_> {
    /// The name of a blob in errors.
    pub(super) fn named(&self, descriptor: &Descriptor) -> String {
        format!("{}: blob {}", self.name, descriptor.digest())
    }

    /// The name of `index.json` in errors.
    pub(super) fn top_name(&self) -> String {
        format!("{}: index.json", self.name)
    }

    /// Checks the version in `oci-layout`.
    pub(super) fn check_version(&self) -> Result<()> {
        let what = format!("{}: oci-layout", self.name);
        let bytes = self.files.need("oci-layout", self.name)?;
        let bytes = bytes.read_all(self.limits.json_bytes, &what)?;
        let layout: OciLayout = json(&bytes, &spelling::LAYOUT, &what)?;
        let version = layout.image_layout_version();
        if version.starts_with("1.") {
            return Ok(());
        }
        Err(Error::image(what, format!("has version {version}, not 1")))
    }

    /// `index.json`.
    pub(super) fn top(&self) -> Result<ImageIndex> {
        let what = self.top_name();
        let bytes = self.files.need("index.json", self.name)?;
        index(&bytes.read_all(self.limits.json_bytes, &what)?, &what)
    }

    /// The blob that a descriptor of `holder` names, if the layout holds it, its size checked.
    pub(super) fn blob(
        &self,
        descriptor: &Descriptor,
        holder: &str,
    ) -> Result<Option<(Blob, [u8; 32])>> {
        let digest = sha256_of(descriptor.digest().as_ref(), holder)?;
        let path = format!("blobs/sha256/{}", hex::encode(digest));
        let Some(blob) = self.files.find(&path)? else {
            return Ok(None);
        };
        if blob.len() != descriptor.size() {
            let reason = format!(
                "has {} bytes, its descriptor says {}: the image is damaged or was tampered with",
                blob.len(),
                descriptor.size()
            );
            return Err(Error::image(self.named(descriptor), reason));
        }
        Ok(Some((blob, digest)))
    }

    /// The bytes of a document, digest checked.
    pub(super) fn bytes(&self, descriptor: &Descriptor, holder: &str) -> Result<Option<Vec<u8>>> {
        let Some((blob, expected)) = self.blob(descriptor, holder)? else {
            return Ok(None);
        };
        let what = self.named(descriptor);
        let bytes = blob.read_all(self.limits.json_bytes, &what)?;
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

    /// The index that a descriptor of `holder` names, if the layout holds it.
    pub(super) fn index(
        &self,
        descriptor: &Descriptor,
        holder: &str,
    ) -> Result<Option<ImageIndex>> {
        let bytes = self.bytes(descriptor, holder)?;
        let what = self.named(descriptor);
        bytes.map(|bytes| index(&bytes, &what)).transpose()
    }

    /// The manifest that a descriptor of `holder` names, if the layout holds it.
    pub(super) fn manifest(
        &self,
        descriptor: &Descriptor,
        holder: &str,
    ) -> Result<Option<ImageManifest>> {
        let Some(bytes) = self.bytes(descriptor, holder)? else {
            return Ok(None);
        };
        let what = self.named(descriptor);
        let value: Value = json(&bytes, &spelling::MANIFEST, &what)?;
        for types in [".index.", "manifest.list."] {
            one_kind(&value, &["manifests", "fsLayers"], types, &what)?;
        }
        typed(value, &what).map(Some)
    }
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
