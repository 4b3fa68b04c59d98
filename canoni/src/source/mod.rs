//! Where images come from: docker-archives of every dialect and OCI layouts.

mod both;
mod docker;
mod files;
mod image;
mod layer;
mod names;
mod oci;

pub use image::Image;
pub use layer::Layer;
pub(crate) use names::full_name;
pub use names::{canonical_name, is_name};

use crate::blob::Blob;
use crate::compress::{spool, uncompress};
use crate::error::{Error, Result};
use crate::limits::Limits;
use crate::spelling::{self, Shape};
use files::Files;
use names::is_named;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::BTreeSet;
use std::io::Read;
use std::path::Path;
use std::sync::atomic::AtomicU64;

/// Which image of an archive.
#[derive(Debug, Clone, Default)]
pub struct Selector {
    /// Its name, `NAME:TAG` or a registry's `HOST/NAME:TAG`; needed when the archive holds several.
    pub reference: Option<String>,
    /// `OS/ARCHITECTURE` or `OS/ARCHITECTURE/VARIANT`; needed when the image exists for several.
    pub platform: Option<String>,
}

/// An image found in an archive, before it is opened.
#[derive(Debug, Clone)]
struct Found {
    tags: Vec<String>,
    /// From the index that led here; the config has the last word.
    platform: Option<String>,
    place: Place,
    /// Other descriptions of the same image in the archive.
    twins: Vec<Place>,
    /// Which element of an OCI layout's `index.json` led here: what came by one and has one name
    /// differs in platform.
    group: usize,
}

/// How to get at it.
#[derive(Debug, Clone)]
enum Place {
    Docker(docker::Item),
    Oci(Box<oci_spec::image::Descriptor>),
}

/// A docker-archive or OCI layout that is open for reading.
#[derive(Debug)]
pub struct Archive {
    name: String,
    files: Files,
    images: Vec<Found>,
    limits: Limits,
}

impl Archive {
    /// Opens a folder (OCI layout, or an unpacked docker-archive) or a tar file, which may be compressed with gzip or
    /// zstd. `-` is standard input.
    pub fn open(path: &Path, limits: &Limits) -> Result<Self> {
        if path.as_os_str() == "-" {
            return Self::from_reader(std::io::stdin().lock(), "standard input", limits);
        }
        let name = path.display().to_string();
        let metadata = std::fs::metadata(path).map_err(|e| Error::file("open", path, e))?;
        if metadata.is_dir() {
            return Self::from_files(Files::directory(path), name, limits);
        }
        if metadata.is_file() {
            return Self::from_blob(&Blob::open(path)?, name, limits);
        }
        let file = std::fs::File::open(path).map_err(|e| Error::file("open", path, e))?;
        Self::from_reader(file, &name, limits)
    }

    /// Reads an archive from a stream, by way of an unlinked temporary file. `name` is what errors call it.
    pub fn from_reader(reader: impl Read, name: &str, limits: &Limits) -> Result<Self> {
        let (blob, _) = spool(reader, "read", name, limits, &AtomicU64::new(0))?;
        Self::from_blob(&blob, name.to_owned(), limits)
    }

    pub(crate) fn from_blob(blob: &Blob, name: String, limits: &Limits) -> Result<Self> {
        let plain = uncompress(blob, &name, limits, &AtomicU64::new(0))?;
        Self::from_files(Files::tar(&plain.blob, &name, limits)?, name, limits)
    }

    fn from_files(files: Files, name: String, limits: &Limits) -> Result<Self> {
        let layout = files.find("oci-layout")?.is_some();
        let index = files.find("index.json")?.is_some();
        let manifest = files.find("manifest.json")?.is_some();
        let images = match (manifest, layout || index) {
            (false, false) => {
                return Err(Error::image(
                    name,
                    "is no image: it has neither manifest.json (docker-archive) nor oci-layout (OCI layout)",
                ));
            }
            (false, true) => oci::list(&files, &name, limits)?,
            (true, false) => docker::list(&files, &name, limits)?,
            (true, true) => both::list(&files, &name, limits)?,
        };
        Ok(Self {
            name,
            files,
            images,
            limits: *limits,
        })
    }

    /// Names of the images in this archive, as far as they have any.
    pub fn tags(&self) -> impl Iterator<Item = &str> {
        self.images
            .iter()
            .flat_map(|image| &image.tags)
            .map(String::as_str)
    }

    /// Opens one image. Its config is read and checked; layers wait until they are used.
    pub fn image(&self, selector: &Selector) -> Result<Image> {
        let named: Vec<&Found> = match &selector.reference {
            None => self.images.iter().collect(),
            Some(reference) => {
                let wanted = full_name(reference);
                self.images
                    .iter()
                    .filter(|image| {
                        image
                            .tags
                            .iter()
                            .any(|tag| is_named(tag, &wanted, reference))
                    })
                    .collect()
            }
        };
        let matching: Vec<&&Found> = named
            .iter()
            .filter(|image| match (&selector.platform, &image.platform) {
                (Some(wanted), Some(has)) => platform_matches(wanted, has),
                _ => true,
            })
            .collect();
        let found = match (named.as_slice(), matching.as_slice()) {
            (_, [found]) => found,
            ([], _) => return Err(self.listing("has no such image", |found| found.tags.join(", "))),
            (_, []) => return Err(self.listing("has no image for this platform", platform_words)),
            _ if selector.reference.is_none() && !self.one_name() => {
                return Err(self
                    .listing("holds several images: choose one with --image", |found| {
                        found.tags.join(", ")
                    }));
            }
            _ => {
                return Err(self.listing(
                    "is for several platforms: choose one with --platform",
                    platform_words,
                ));
            }
        };
        let image = self.open_found(found)?;
        if let Some(wanted) = &selector.platform
            && !platform_matches(wanted, &image.platform())
        {
            return Err(Error::image(
                &self.name,
                format!("is for {}, not for {wanted}", image.platform()),
            ));
        }
        Ok(image)
    }

    fn open_found(&self, found: &Found) -> Result<Image> {
        let mut image = self.open_place(found, &found.place)?;
        for twin in &found.twins {
            image.join(self.open_place(found, twin)?);
        }
        Ok(image)
    }

    fn open_place(&self, found: &Found, place: &Place) -> Result<Image> {
        match place {
            Place::Docker(item) => docker::open(&self.files, &self.name, item, found, &self.limits),
            Place::Oci(descriptor) => {
                oci::open(&self.files, &self.name, descriptor, found, &self.limits)
            }
        }
    }

    /// Opens the images of all platforms under one name: the given one, or the only one there is.
    pub fn platforms(&self, reference: Option<&str>) -> Result<Vec<Image>> {
        let named: Vec<&Found> = self
            .images
            .iter()
            .filter(|image| {
                reference.is_none_or(|reference| {
                    let wanted = full_name(reference);
                    image
                        .tags
                        .iter()
                        .any(|tag| is_named(tag, &wanted, reference))
                })
            })
            .collect();
        if named.is_empty() {
            return Err(self.listing("has no such image", |found| found.tags.join(", ")));
        }
        if reference.is_none() && !self.one_name() {
            return Err(
                self.listing("holds several images: choose one with --image", |found| {
                    found.tags.join(", ")
                }),
            );
        }
        named
            .into_iter()
            .map(|found| self.open_found(found))
            .collect()
    }

    fn one_name(&self) -> bool {
        // An image that is described twice has the names of both descriptions, its siblings those
        // of one.
        let full = |image: &Found| -> BTreeSet<String> {
            image.tags.iter().map(|tag| full_name(tag)).collect()
        };
        let all: Vec<_> = self.images.iter().map(full).collect();
        let Some(most) = all.iter().max_by_key(|names| names.len()) else {
            return true;
        };
        all.iter()
            .all(|names| names == most || (!names.is_empty() && names.is_subset(most)))
    }

    fn listing(&self, problem: &str, words: impl Fn(&Found) -> String) -> Error {
        let mut list: Vec<String> = self
            .images
            .iter()
            .map(words)
            .filter(|words| !words.is_empty())
            .collect();
        list.sort();
        list.dedup();
        let list = if list.is_empty() {
            "nothing that has a name".into()
        } else {
            list.join(", ")
        };
        Error::image(&self.name, format!("{problem} (it holds {list})"))
    }
}

fn platform_words(found: &Found) -> String {
    found.platform.clone().unwrap_or_default()
}

fn platform_matches(wanted: &str, has: &str) -> bool {
    // v8 is the one variant that arm64 has, named or not.
    let plain = |text: &str| match text.strip_suffix("/arm64/v8") {
        Some(os) => format!("{os}/arm64"),
        None => text.to_owned(),
    };
    let (wanted, has) = (&*plain(wanted), &*plain(has));
    has == wanted
        || has
            .strip_prefix(wanted)
            .is_some_and(|rest| rest.starts_with('/'))
}

/// Reads JSON that must be unambiguous: no key twice or in two spellings, no number that readers
/// round.
fn json<T: DeserializeOwned>(bytes: &[u8], shape: &Shape, what: &str) -> Result<T> {
    strict_json::check(bytes, strict_json::Limits::default())
        .map_err(|error| Error::image(what, format!("is not acceptable JSON: {error}")))?;
    spelling::check_values(bytes).map_err(|reason| Error::image(what, reason))?;
    let wrong = |error| Error::image(what, format!("is not what it should be: {error}"));
    let mut value: Value = serde_json::from_slice(bytes).map_err(wrong)?;
    spelling::settle(&mut value, shape, what)?;
    serde_json::from_value(value).map_err(wrong)
}

/// 64 hexadecimal digits out of `sha256:...`.
fn sha256_of(digest: &str, what: &str) -> Result<[u8; 32]> {
    let mut bytes = [0; 32];
    let lower = digest.bytes().all(|byte| !byte.is_ascii_uppercase());
    match digest
        .strip_prefix("sha256:")
        .filter(|_| lower)
        .map(|text| hex::decode_to_slice(text, &mut bytes))
    {
        Some(Ok(())) => Ok(bytes),
        _ => Err(Error::image(
            what,
            format!(
                "has the digest {digest:?}; only sha256 with 64 lower-case digits is supported"
            ),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_platform_without_variant_matches_any() {
        assert!(platform_matches("linux/arm", "linux/arm/v7"));
        assert!(!platform_matches("linux/arm", "linux/arm64"));
        assert!(platform_matches("linux/arm64/v8", "linux/arm64"));
        assert!(platform_matches("linux/arm64", "linux/arm64/v8"));
        assert!(!platform_matches("linux/arm/v6", "linux/arm/v7"));
    }
}
