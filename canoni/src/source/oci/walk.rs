//! The images that an index leads to, by way of other indexes.

use super::super::{Found, Place, sha256_of};
use super::artifact::{Artifact, artifact_kind};
use super::descriptor::{is_attestation, is_index, name_of, platform, refuse_schema1};
use super::layout::Layout;
use crate::error::{Error, Result};
use oci_spec::image::ImageIndex;

/// Indexes within indexes: one is usual.
const MAX_DEPTH: usize = 4;

/// Images and artifacts that were found so far.
pub(super) struct Walk<'a> {
    layout: Layout<'a>,
    /// Images with the digests of their manifests.
    pub(super) images: Vec<([u8; 32], Found)>,
    pub(super) artifacts: Vec<Artifact>,
}

/// Where an index stands.
struct Step<'a> {
    /// The index in errors.
    holder: String,
    /// Which element of `index.json` led here, and the name that it gives; `None` for `index.json`
    /// itself.
    outer: Option<(usize, Option<&'a str>)>,
    depth: usize,
}

impl<'a> Walk<'a> {
    /// Goes through `index.json` and all that it leads to.
    pub(super) fn of(layout: Layout<'a>) -> Result<Self> {
        let mut walk = Self {
            layout,
            images: Vec::new(),
            artifacts: Vec::new(),
        };
        let step = Step {
            holder: layout.top_name(),
            outer: None,
            depth: 0,
        };
        walk.index(&layout.top()?, &step)?;
        Ok(walk)
    }

    fn index(&mut self, index: &ImageIndex, step: &Step<'_>) -> Result<()> {
        let layout = self.layout;
        let count = self.images.len().saturating_add(index.manifests().len());
        if step.depth > MAX_DEPTH || count > layout.limits.layers {
            let reason = format!(
                "is one level or image too many: more than {MAX_DEPTH} indexes in each other, or \
                 more than {} images",
                layout.limits.layers
            );
            return Err(Error::image(&*step.holder, reason));
        }
        for (number, descriptor) in index.manifests().iter().enumerate() {
            let own = name_of(descriptor, &step.holder)?;
            let (group, tag) = match step.outer {
                Some((group, tag)) => (group, own.as_deref().or(tag)),
                None => (number, own.as_deref()),
            };
            if is_attestation(descriptor, own.as_deref(), &step.holder)? {
                continue;
            }
            if is_index(descriptor.media_type()) {
                if let Some(nested) = layout.index(descriptor, &step.holder)? {
                    let next = Step {
                        holder: layout.named(descriptor),
                        outer: Some((group, tag)),
                        depth: step.depth + 1,
                    };
                    self.index(&nested, &next)?;
                }
                continue;
            }
            refuse_schema1(descriptor, &step.holder)?;
            // A layout may list images it does not hold (other platforms).
            let Some(manifest) = layout.manifest(descriptor, &step.holder)? else {
                continue;
            };
            if let Some(kind) = artifact_kind(&manifest) {
                self.artifacts.push(Artifact {
                    digest: descriptor.digest().to_string(),
                    kind,
                    tag: tag.map(str::to_owned),
                });
                continue;
            }
            let found = Found {
                tags: tag.map(str::to_owned).into_iter().collect(),
                platform: descriptor.platform().as_ref().map(platform),
                place: Place::Oci(Box::new(descriptor.clone())),
                twins: Vec::new(),
                group,
            };
            let digest = sha256_of(descriptor.digest().as_ref(), &step.holder)?;
            self.images.push((digest, found));
        }
        Ok(())
    }
}
