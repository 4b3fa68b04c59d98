//! One image for several platforms: an index over images in canonical form.

use super::archive::{Canonical, CanonicalOptions, prefixed, sha256};
use super::config::to_canonical_json;
use super::files::{Format, INDEX_TYPE, Layout, named_index};
use crate::error::{Error, Result};
use crate::source::Image;
use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;

/// Images for several platforms under one name, in canonical form v1.
#[derive(Debug)]
pub struct CanonicalPlatforms {
    images: Vec<Canonical>,
    index: Vec<u8>,
    tags: Vec<String>,
}

impl CanonicalPlatforms {
    /// Canonicalises each image. They are sorted by platform; two for one platform are refused, as
    /// readers would choose between them.
    pub fn from_images(images: &[Image], options: &CanonicalOptions) -> Result<Self> {
        let name = images.first().map_or("no image", Image::name).to_owned();
        let mut list = Vec::with_capacity(images.len());
        for image in images {
            let canonical = Canonical::from_image(image, options)?;
            let platform = to_canonical_json(&canonical.platform, &name)?;
            list.push((platform, canonical));
        }
        list.sort_by(|(one, _), (other, _)| one.cmp(other));
        if let Some((platform, _)) = list.windows(2).find_map(|pair| match pair {
            [one, other] if one.0 == other.0 => Some(one),
            _ => None,
        }) {
            let platform = String::from_utf8_lossy(platform).into_owned();
            return Err(Error::image(
                name,
                format!("has two images for the platform {platform}; choose one with --reference"),
            ));
        }
        let images: Vec<Canonical> = list.into_iter().map(|(_, canonical)| canonical).collect();
        let Some(first) = images.first() else {
            return Err(Error::image(name, "there is no image"));
        };
        let manifests: Vec<Value> = images.iter().map(Canonical::descriptor).collect();
        let value = json!({"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": manifests});
        let index = to_canonical_json(&value, &name)?;
        Ok(Self {
            index,
            tags: first.tags.clone(),
            images,
        })
    }

    /// The digest of the whole, `sha256:...`: of the index that lists the platforms.
    pub fn digest(&self) -> String {
        prefixed(&sha256(&self.index))
    }

    /// The images, sorted by platform.
    pub fn images(&self) -> &[Canonical] {
        &self.images
    }

    /// The index's bytes.
    pub fn index(&self) -> &[u8] {
        &self.index
    }

    fn layout(&self, format: Format) -> Result<Layout<'_>> {
        if format == Format::DockerArchive {
            return Err(Error::image(
                "a docker-archive",
                "holds one platform of an image; use the format oci-tar or oci-dir, or choose a platform",
            ));
        }
        let descriptor = json!({
            "mediaType": INDEX_TYPE, "digest": self.digest(), "size": self.index.len(),
        });
        let index = named_index(&self.tags, &descriptor)?;
        Layout::of_platforms(&self.images, &self.index, index)
            .ok_or_else(|| Error::image("index", "there is no image"))
    }

    /// Writes an OCI layout to `target`, as [`Canonical::write`] does.
    pub fn write(&self, target: &Path, format: Format) -> Result<()> {
        self.layout(format)?.write(target, format)
    }

    /// Writes an OCI layout as a tar archive to a stream. `name` is what errors call it.
    pub fn write_tar(
        &self,
        out: &mut (impl Write + Send),
        format: Format,
        name: &str,
    ) -> Result<()> {
        self.layout(format)?.write_tar(out, name)
    }
}
