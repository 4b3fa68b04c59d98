//! Whether an image is in canonical form already.

use crate::blob::Blob;
use crate::diff::{CompareOptions, Difference, compare};
use crate::error::{Error, Result};
use crate::limits::Limits;
use crate::progress::Progress;
use crate::source::{Archive, Image, Selector};
use crate::tree::TreeOptions;
use crate::write::{Canonical, CanonicalOptions, CanonicalPlatforms, Format, parse_time};
use serde::Serialize;
use std::io::{self, Write};
use std::path::Path;

/// The findings of [`check`].
#[derive(Debug, Clone, Serialize)]
pub struct Check {
    /// Whether nothing differs.
    pub canonical: bool,
    /// Digest of the canonical form.
    pub digest: String,
    /// The time that the config names, seconds since 1970, which the canonical form was made with;
    /// 0 where it names none in the canonical spelling.
    pub epoch: u64,
    /// The differences: the first side is the image, the second its canonical form.
    pub findings: Vec<Difference>,
}

/// Compares an image with its own canonical form, layer by layer. `file`, where given, is the
/// archive that it is from: its bytes must be those of the canonical archive, too.
pub fn check(
    image: &Image,
    file: Option<&Path>,
    tree: &TreeOptions,
    progress: &Progress,
) -> Result<Check> {
    let created = image
        .config_value()
        .get("created")
        .and_then(serde_json::Value::as_str);
    let epoch = created.and_then(parse_time).unwrap_or(0);
    let canonical = Canonical::from_image(
        image,
        &CanonicalOptions {
            epoch,
            flatten: false,
            tree: *tree,
            tags: image.tags().to_vec(),
            progress: progress.clone(),
        },
    )?;
    let mut findings = Vec::new();
    let same_layers = image
        .layers()
        .iter()
        .map(|layer| format!("sha256:{}", hex::encode(layer.diff_id())))
        .eq(canonical.diff_ids());
    if !same_layers || image.config_json() != canonical.config() {
        findings = against(image, &canonical, tree)?;
    } else {
        for (number, layer) in image.layers().iter().enumerate() {
            let packing = layer.packing()?;
            if packing != "not compressed" {
                findings.push(Difference::new(
                    false,
                    &format!("layer {}", number + 1),
                    "",
                    "packing",
                    Some(packing),
                    Some("not compressed".to_owned()),
                ));
            }
        }
    }
    if findings.is_empty()
        && let Some(file) = file
    {
        findings.extend(archive(file, &canonical)?);
    }
    Ok(Check {
        canonical: findings.is_empty(),
        digest: canonical.digest(),
        epoch,
        findings,
    })
}

/// One platform of [`check_platforms`].
#[derive(Debug, Clone, Serialize)]
pub struct PlatformCheck {
    /// `OS/ARCHITECTURE[/VARIANT]`.
    pub platform: String,
    /// The findings for this platform's image.
    #[serde(flatten)]
    pub check: Check,
}

/// The findings of [`check_platforms`].
#[derive(Debug, Clone, Serialize)]
pub struct PlatformsCheck {
    /// Whether nothing differs, in any platform or in the archive around them.
    pub canonical: bool,
    /// Digest of the canonical index.
    pub digest: String,
    /// Each platform, sorted by its name.
    pub platforms: Vec<PlatformCheck>,
    /// The differences in the archive itself, where all platforms are canonical.
    pub findings: Vec<Difference>,
}

/// Compares the images of all platforms, as [`check`] does. `file`, where given, is the archive
/// that they are from.
pub fn check_platforms(
    images: &[Image],
    file: Option<&Path>,
    tree: &TreeOptions,
    progress: &Progress,
) -> Result<PlatformsCheck> {
    let mut platforms = images
        .iter()
        .map(|image| {
            Ok(PlatformCheck {
                platform: image.platform(),
                check: check(image, None, tree, progress)?,
            })
        })
        .collect::<Result<Vec<_>>>()?;
    platforms.sort_by(|one, other| one.platform.cmp(&other.platform));
    let canonical = CanonicalPlatforms::from_images(
        images,
        &CanonicalOptions {
            epoch: platforms.first().map_or(0, |first| first.check.epoch),
            flatten: false,
            tree: *tree,
            tags: images
                .first()
                .map_or_else(Vec::new, |first| first.tags().to_vec()),
            progress: progress.clone(),
        },
    )?;
    let mut findings = Vec::new();
    if let (true, Some(file)) = (platforms.iter().all(|one| one.check.canonical), file) {
        let at = first_difference(file, |same| {
            canonical.write_tar(same, Format::OciTar, "comparison")
        })?;
        findings.extend(at.map(|at| archive_difference(file, at)));
    }
    Ok(PlatformsCheck {
        canonical: findings.is_empty() && platforms.iter().all(|one| one.check.canonical),
        digest: canonical.digest(),
        platforms,
        findings,
    })
}

/// Every difference between an image and its canonical form, which is written to a temporary file
/// for that.
fn against(image: &Image, canonical: &Canonical, tree: &TreeOptions) -> Result<Vec<Difference>> {
    let folder = std::env::temp_dir();
    let mut file = tempfile::tempfile_in(&folder)
        .map_err(|error| Error::file("create a temporary file in", &folder, error))?;
    canonical.write_tar(&mut file, Format::OciTar, "a temporary file")?;
    // The limits held for the image already.
    let limits = Limits {
        archive_bytes: u64::MAX,
        content_bytes: u64::MAX,
        entries: u64::MAX,
        name_bytes: u64::MAX,
        json_bytes: u64::MAX,
        header_bytes: u64::MAX,
        layers: usize::MAX,
    };
    let blob = Blob::new(file, "the canonical form".to_owned())?;
    let archive = Archive::from_blob(&blob, "the canonical form".to_owned(), &limits)?;
    let selector = Selector {
        reference: canonical.tags().first().cloned(),
        platform: None,
    };
    let options = CompareOptions {
        flatten: false,
        tree: *tree,
    };
    compare(image, &archive.image(&selector)?, &options)
}

/// The first byte at which a file is neither the canonical docker-archive nor the canonical OCI
/// tar.
fn archive(file: &Path, canonical: &Canonical) -> Result<Option<Difference>> {
    let mut furthest = 0;
    for format in [Format::DockerArchive, Format::OciTar] {
        let at = first_difference(file, |same| canonical.write_tar(same, format, "comparison"))?;
        let Some(at) = at else {
            return Ok(None);
        };
        furthest = furthest.max(at);
    }
    Ok(Some(archive_difference(file, furthest)))
}

/// The first byte at which a file is not what is written; `None` where it is all of that.
fn first_difference(
    file: &Path,
    write: impl FnOnce(&mut Same) -> Result<()>,
) -> Result<Option<u64>> {
    let mut same = Same {
        blob: Blob::open(file)?,
        at: 0,
        differs: false,
    };
    match write(&mut same) {
        Ok(()) if same.at == same.blob.len() => Ok(None),
        Err(error) if !same.differs => Err(error),
        _ => Ok(Some(same.at)),
    }
}

fn archive_difference(file: &Path, at: u64) -> Difference {
    Difference::new(
        false,
        "archive",
        "",
        format!("bytes of the file, from byte {at} on"),
        Some(file.display().to_string()),
        Some("what canoni writes".to_owned()),
    )
}

/// Takes bytes as long as they are those of a file.
struct Same {
    blob: Blob,
    at: u64,
    differs: bool,
}

impl Write for Same {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut found = vec![0; bytes.len()];
        let count = self.blob.fill_at(self.at, &mut found)?;
        let equal = bytes
            .iter()
            .zip(found.get(..count).unwrap_or_default())
            .take_while(|(one, other)| one == other)
            .count();
        self.at += equal as u64;
        if equal < bytes.len() {
            self.differs = true;
            return Err(io::Error::other("differs"));
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
