//! What an argument names: a file, a folder, standard input, or an image in a daemon.

use anyhow::{Result, bail};
use canoni::{Archive, Image, Limits, Selector};
use std::ffi::OsStr;
use std::path::Path;

/// An image and where it is from.
pub(super) struct Input {
    pub(super) image: Image,
    /// The name that was given, of an image in the daemon.
    pub(super) name: Option<String>,
}

/// Finds an image. A file or folder of that name goes before an image in the daemon.
pub(super) fn open(argument: &OsStr, selector: &Selector, limits: &Limits) -> Result<Input> {
    let path = Path::new(argument);
    if argument == "-" || path.symlink_metadata().is_ok() {
        return Ok(Input {
            image: Archive::open(path, limits)?.image(selector)?,
            name: None,
        });
    }
    let name = argument.to_str().filter(|text| is_reference(text));
    let Some(name) = name else {
        bail!(
            "cannot open {}: there is no such file or folder, and no image can have this name",
            path.display()
        );
    };
    let image = from_daemon(name, selector, limits)?;
    Ok(Input {
        image,
        name: Some(name.to_owned()),
    })
}

/// A name as Docker takes it, with or without tag and digest, or an image's ID.
fn is_reference(text: &str) -> bool {
    // A path that somebody meant; Docker takes no such name either.
    if text.starts_with(['.', '/']) {
        return false;
    }
    let (name, digest) = match text.split_once('@') {
        Some((name, digest)) => (name, Some(digest)),
        None => (text, None),
    };
    let digest_ok = digest.is_none_or(|digest| {
        digest.strip_prefix("sha256:").is_some_and(|digits| {
            digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
        })
    });
    digest_ok && super::args::tag(name).is_ok()
}

#[cfg(feature = "daemon")]
fn from_daemon(name: &str, selector: &Selector, limits: &Limits) -> Result<Image> {
    use anyhow::Context;
    let daemon = canoni::Daemon::connect()
        .with_context(|| format!("there is no file or folder {name}, and no daemon to ask"))?;
    if !daemon.has(name)? {
        bail!(
            "there is no file or folder {name}, and the daemon at {} has no such image",
            daemon.address()
        );
    }
    let archive = daemon.save(name, limits)?;
    // What was asked for by name is the one image in the answer, whatever names it has there.
    Ok(archive.image(&Selector {
        reference: None,
        platform: selector.platform.clone(),
    })?)
}

#[cfg(not(feature = "daemon"))]
fn from_daemon(name: &str, _: &Selector, _: &Limits) -> Result<Image> {
    bail!(
        "there is no file or folder {name}, and this canoni was built without access to a daemon"
    );
}

#[cfg(test)]
mod tests {
    use super::is_reference;

    #[test]
    fn names_are_told_from_paths() {
        for good in ["app", "app:1", "host:5000/me/app:1", "me/app"] {
            assert!(is_reference(good), "{good}");
        }
        let digest = format!("app@sha256:{}", "0".repeat(64));
        assert!(is_reference(&digest));
        for bad in ["./app.tar", "/x", "App", "app@sha256:1", "a b", "", "app:"] {
            assert!(!is_reference(bad), "{bad}");
        }
    }
}
