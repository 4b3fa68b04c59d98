//! A docker-archive or OCI layout, and the images in it.

use super::files::Files;
use super::image::Image;
use super::names::{full_name, is_named};
use super::{Found, Place, Selector, both, docker, oci, platform_matches};
use crate::blob::Blob;
use crate::compress::{spool, uncompress};
use crate::error::{Error, Result};
use crate::limits::Limits;
use std::collections::BTreeSet;
use std::io::Read;
use std::path::Path;
use std::sync::atomic::AtomicU64;

/// A docker-archive or OCI layout that is open for reading.
#[derive(Debug)]
pub struct Archive {
    name: String,
    files: Files,
    images: Vec<Found>,
    limits: Limits,
    /// The folder that it was fetched into, which goes with it.
    #[allow(dead_code, reason = "it is there to be dropped")]
    fetched: Option<tempfile::TempDir>,
}

impl Archive {
    /// A folder that something was fetched into; `name` is what errors call it.
    pub(crate) fn of_folder(
        folder: tempfile::TempDir,
        name: String,
        limits: &Limits,
    ) -> Result<Self> {
        let mut archive = Self::from_files(Files::directory(folder.path()), name, limits)?;
        archive.fetched = Some(folder);
        Ok(archive)
    }

    /// Opens a folder (OCI layout, or an unpacked docker-archive) or a tar file, which may be
    /// compressed with gzip, zstd, xz or bzip2. `-` is standard input.
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

    /// Reads an archive from a stream, by way of an unlinked temporary file. `name` is what errors
    /// call it.
    pub fn from_reader(reader: impl Read, name: &str, limits: &Limits) -> Result<Self> {
        let (blob, _) = spool(reader, "read", name, limits, &AtomicU64::new(0))?;
        Self::from_blob(&blob, name.to_owned(), limits)
    }

    pub(crate) fn from_blob(blob: &Blob, name: String, limits: &Limits) -> Result<Self> {
        if blob.is_empty() {
            let reason = "is empty; if it comes from a pipe, the program before it wrote nothing";
            return Err(Error::image(name, reason));
        }
        let plain = uncompress(blob, &name, limits, &AtomicU64::new(0))?;
        Self::from_files(Files::tar(&plain.blob, &name, limits)?, name, limits)
    }

    fn from_files(files: Files, name: String, limits: &Limits) -> Result<Self> {
        let layout = files.find("oci-layout")?.is_some();
        let index = files.find("index.json")?.is_some();
        let manifest = files.find("manifest.json")?.is_some();
        let images = match (manifest, layout || index) {
            (false, false) => return Err(no_image(&files, name)),
            (false, true) => oci::list(&files, &name, limits)?,
            (true, false) => docker::list(&files, &name, limits)?,
            (true, true) => both::list(&files, &name, limits)?,
        };
        Ok(Self {
            name,
            files,
            images,
            limits: *limits,
            fetched: None,
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
        let named = self.with_platforms(named)?;
        let matching: Vec<&Found> = named
            .iter()
            .filter(|image| match (&selector.platform, &image.platform) {
                (Some(wanted), Some(has)) => platform_matches(wanted, has),
                _ => true,
            })
            .collect();
        let several = |found: &Found| platform_words(found);
        let found: &Found = match (named.as_slice(), matching.as_slice()) {
            (_, [found]) => found,
            ([], _) => return Err(self.listing("has no such image", |found| found.tags.join(", "))),
            (_, []) => {
                return Err(self.listing_of(&named, "has no image for this platform", several));
            }
            _ if selector.reference.is_none() && !self.one_name() => {
                return Err(self.listing(
                    "holds several images: choose one with --reference",
                    |found| found.tags.join(", "),
                ));
            }
            _ => {
                return Err(self.listing_of(
                    &named,
                    "is for several platforms: choose one with --platform",
                    several,
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
            return Err(self.listing(
                "holds several images: choose one with --reference",
                |found| found.tags.join(", "),
            ));
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

    /// The images with their platforms, where there is a choice: an index need not say them, the
    /// configs do.
    fn with_platforms(&self, images: Vec<&Found>) -> Result<Vec<Found>> {
        let choice = images.len() > 1;
        let named = |image: &Found| -> Result<Found> {
            let mut image = image.clone();
            if choice && image.platform.is_none() {
                image.platform = Some(self.open_place(&image, &image.place)?.platform());
            }
            Ok(image)
        };
        images.into_iter().map(named).collect()
    }

    fn listing(&self, problem: &str, words: impl Fn(&Found) -> String) -> Error {
        self.listing_of(&self.images, problem, words)
    }

    fn listing_of(
        &self,
        images: &[Found],
        problem: &str,
        words: impl Fn(&Found) -> String,
    ) -> Error {
        let mut list: Vec<String> = images
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

/// The refusal of what has neither of the files that describe images.
fn no_image(files: &Files, name: String) -> Error {
    let reason = if matches!(files.find("repositories"), Ok(Some(_))) {
        "is an image as docker save wrote it before Docker 1.10: it has the file repositories and no \
         manifest.json; skopeo, umoci and podman do not read it either; docker load it (version 20.10 \
         still does), and docker save it again"
    } else {
        "is not an image: it has neither manifest.json (docker-archive) nor oci-layout (OCI layout)"
    };
    Error::image(name, reason)
}

fn platform_words(found: &Found) -> String {
    found.platform.clone().unwrap_or_default()
}
