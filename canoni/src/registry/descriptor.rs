//! Descriptors and manifests, as far as they say what to fetch or push. The reader of OCI layouts
//! checks everything else.

use crate::error::{Error, Result};
use serde_json::Value;

/// Manifests and indexes that are asked for.
pub(super) const ACCEPT: &str = "application/vnd.oci.image.index.v1+json, \
    application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, \
    application/vnd.docker.distribution.manifest.v2+json";

/// Digest and size of a blob or manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Descriptor {
    /// `sha256:` and 64 digits.
    pub(super) digest: String,
    pub(super) size: u64,
    /// As it stands in the manifest or index.
    pub(super) value: Value,
}

impl Descriptor {
    /// Reads one; `what` is what holds it.
    pub(super) fn read(value: &Value, what: &str) -> Result<Self> {
        let fail = |reason: &str| Error::image(what, reason);
        let digest = value.get("digest").and_then(Value::as_str);
        let digest = digest.ok_or_else(|| fail("has a descriptor without digest"))?;
        crate::source::sha256_of(digest, what)?;
        let size = value.get("size").and_then(Value::as_u64);
        Ok(Self {
            digest: digest.to_owned(),
            size: size.ok_or_else(|| fail("has a descriptor without size"))?,
            value: value.clone(),
        })
    }

    pub(super) fn hex(&self) -> &str {
        self.digest.strip_prefix("sha256:").unwrap_or(&self.digest)
    }

    /// `OS/ARCHITECTURE[/VARIANT]`, where the descriptor says it.
    pub(super) fn platform(&self) -> Option<String> {
        let part = |name: &str| self.value.pointer(&format!("/platform/{name}"))?.as_str();
        let mut text = format!("{}/{}", part("os")?, part("architecture")?);
        if let Some(variant) = part("variant").filter(|variant| !variant.is_empty()) {
            text = format!("{text}/{variant}");
        }
        Some(text)
    }

    /// Whether it is a build's attestation (BuildKit), which is not an image.
    pub(super) fn is_attestation(&self) -> bool {
        let kind = self.value.pointer("/annotations/vnd.docker.reference.type");
        kind.and_then(Value::as_str) == Some("attestation-manifest")
    }
}

/// A manifest or an index.
pub(super) enum Document {
    /// Config and layers.
    Manifest(Vec<Descriptor>),
    Index(Vec<Descriptor>),
}

impl Document {
    /// Reads one.
    ///
    /// # Errors
    /// Where it is neither, where a descriptor is not good, and for Docker's schema 1.
    pub(super) fn read(bytes: &[u8], what: &str) -> Result<Self> {
        let fail = |reason: String| Error::image(what, reason);
        strict_json::check(bytes, strict_json::Limits::default())
            .map_err(|error| fail(format!("is not acceptable JSON: {error}")))?;
        let value: Value = serde_json::from_slice(bytes)
            .map_err(|error| fail(format!("is not what it should be: {error}")))?;
        if value.get("schemaVersion").and_then(Value::as_u64) == Some(1) {
            return Err(fail(
                "is a manifest of schema 1, which Docker gave up in 2017 and which has no digests \
                 of what is in its layers; push the image again with a current docker or skopeo"
                    .into(),
            ));
        }
        let list = |name: &str| -> Result<Option<Vec<Descriptor>>> {
            match value.get(name) {
                None => Ok(None),
                Some(Value::Array(list)) => {
                    list.iter()
                        .map(|value| Descriptor::read(value, what))
                        .collect::<Result<_>>()
                }
                .map(Some),
                Some(_) => Err(fail(format!("has {name} that is not a list"))),
            }
        };
        if let Some(manifests) = list("manifests")? {
            return Ok(Self::Index(manifests));
        }
        let (Some(config), Some(layers)) = (value.get("config"), list("layers")?) else {
            return Err(fail(
                "is neither a manifest with config and layers nor an index".into(),
            ));
        };
        let mut blobs = vec![Descriptor::read(config, what)?];
        blobs.extend(layers);
        Ok(Self::Manifest(blobs))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn documents_that_are_none() {
        for (text, words) in [
            ("{\"schemaVersion\":1,\"fsLayers\":[]}", "schema 1"),
            ("{}", "neither"),
            ("{\"manifests\":{}}", "is not a list"),
            ("{\"manifests\":[{}]}", "without digest"),
            (
                "{\"manifests\":[{\"digest\":\"sha256:../../x\"}]}",
                "64 lower-case",
            ),
            ("[", "acceptable JSON"),
            ("{\"config\":1,\"config\":2}", "acceptable JSON"),
        ] {
            let error = Document::read(text.as_bytes(), "m")
                .err()
                .unwrap()
                .to_string();
            assert!(error.contains(words), "{text}: {error}");
        }
    }
}
