//! Where images come from: docker-archives of every dialect and OCI layouts.

mod docker;
mod files;
mod image;
mod layer;
mod oci;

pub use image::Image;
pub use layer::Layer;

use crate::blob::Blob;
use crate::compress::{spool, uncompress};
use crate::error::{Error, Result};
use crate::limits::Limits;
use crate::spelling::{self, Shape};
use files::Files;
use serde::de::DeserializeOwned;
use serde_json::Value;
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
        let manifest = files.find("manifest.json")?.is_some();
        let images = match (manifest, layout) {
            (false, false) => {
                return Err(Error::image(
                    name,
                    "is no image: it has neither manifest.json (docker-archive) nor oci-layout (OCI layout)",
                ));
            }
            (false, true) => oci::list(&files, &name, limits)?,
            (true, false) => docker::list(&files, &name, limits)?,
            (true, true) => {
                // New `docker save` describes its images twice. The two must agree.
                let docker = docker::list(&files, &name, limits)?;
                docker::compare(
                    &docker,
                    &oci::list(&files, &name, limits)?,
                    &files,
                    &name,
                    limits,
                )?;
                docker
            }
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
                    .filter(|image| image.tags.iter().any(|tag| full_name(tag) == wanted))
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
        match &found.place {
            Place::Docker(item) => docker::open(&self.files, &self.name, item, found, &self.limits),
            Place::Oci(descriptor) => {
                oci::open(&self.files, &self.name, descriptor, found, &self.limits)
            }
        }
    }

    /// Opens the images of all platforms under one name: the given one, or the only one there is.
    pub fn platforms(&self, reference: Option<&str>) -> Result<Vec<Image>> {
        let wanted = reference.map(full_name);
        let named: Vec<&Found> = self
            .images
            .iter()
            .filter(|image| {
                wanted
                    .as_ref()
                    .is_none_or(|wanted| image.tags.iter().any(|tag| full_name(tag) == *wanted))
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
        let mut tags = self.images.iter().map(|image| &image.tags);
        let first = tags.next();
        tags.all(|tags| Some(tags) == first)
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

/// Docker's short names in full: `a` is `docker.io/library/a:latest`.
pub(crate) fn full_name(reference: &str) -> String {
    let (name, digest) = match reference.split_once('@') {
        Some((name, digest)) => (name, Some(digest)),
        None => (reference, None),
    };
    let tagged = name
        .rsplit('/')
        .next()
        .is_some_and(|last| last.contains(':'));
    let (host, rest) = match name.split_once('/') {
        Some((host, rest)) if host.contains(['.', ':']) || host == "localhost" => {
            (host, rest.to_owned())
        }
        Some(_) => ("docker.io", name.to_owned()),
        None => ("docker.io", format!("library/{name}")),
    };
    match digest {
        Some(digest) => format!("{host}/{rest}@{digest}"),
        None if tagged => format!("{host}/{rest}"),
        None => format!("{host}/{rest}:latest"),
    }
}

/// `NAME-canoni:TAG` for `NAME:TAG`; none for a name with a digest or an image's ID.
pub fn canonical_name(reference: &str) -> Option<String> {
    if reference.contains('@') || reference.starts_with("sha256:") {
        return None;
    }
    let full = full_name(reference);
    let (name, tag) = full.rsplit_once(':')?;
    Some(format!("{name}-canoni:{tag}"))
}

fn platform_matches(wanted: &str, has: &str) -> bool {
    has == wanted
        || has
            .strip_prefix(wanted)
            .is_some_and(|rest| rest.starts_with('/'))
}

/// Reads JSON that must be unambiguous: no key twice or in two spellings, no number that readers round.
fn json<T: DeserializeOwned>(bytes: &[u8], shape: &Shape, what: &str) -> Result<T> {
    strict_json::check(bytes, strict_json::Limits::default())
        .map_err(|error| Error::image(what, format!("is not acceptable JSON: {error}")))?;
    if let Some(number) = spelling::odd_number(bytes) {
        let number: String = number.chars().take(40).collect();
        let reason = format!(
            "holds the number {number}, which JSON readers round or refuse; numbers are written as in RFC 8785"
        );
        return Err(Error::image(what, reason));
    }
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
    fn short_names_mean_what_docker_means() {
        for (short, full) in [
            ("a", "docker.io/library/a:latest"),
            ("a:1", "docker.io/library/a:1"),
            ("me/a", "docker.io/me/a:latest"),
            ("localhost/a:1", "localhost/a:1"),
            ("host:5000/a", "host:5000/a:latest"),
            ("docker.io/library/a:latest", "docker.io/library/a:latest"),
        ] {
            assert_eq!(full_name(short), full, "{short}");
        }
    }

    #[test]
    fn a_platform_without_variant_matches_any() {
        assert!(platform_matches("linux/arm", "linux/arm/v7"));
        assert!(!platform_matches("linux/arm", "linux/arm64"));
        assert!(!platform_matches("linux/arm/v6", "linux/arm/v7"));
    }

    #[test]
    fn the_new_name_keeps_host_and_tag() {
        for (old, new) in [
            ("app", Some("docker.io/library/app-canoni:latest")),
            ("me/app:1", Some("docker.io/me/app-canoni:1")),
            ("host:5000/a/b", Some("host:5000/a/b-canoni:latest")),
            ("app@sha256:00", None),
            ("sha256:00", None),
        ] {
            assert_eq!(canonical_name(old).as_deref(), new, "{old}");
        }
    }
}
