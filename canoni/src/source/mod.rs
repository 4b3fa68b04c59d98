//! Where images come from: docker-archives of every dialect and OCI layouts.

mod archive;
mod both;
mod docker;
mod files;
mod image;
mod layer;
mod names;
mod oci;

pub use archive::Archive;
pub use image::Image;
pub use layer::Layer;
pub(crate) use names::full_name;
pub use names::{canonical_name, is_name};

use crate::error::{Error, Result};
use crate::spelling::{self, Shape};
use serde::de::DeserializeOwned;
use serde_json::Value;

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

pub(crate) fn platform_matches(wanted: &str, has: &str) -> bool {
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
pub(crate) fn sha256_of(digest: &str, what: &str) -> Result<[u8; 32]> {
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
