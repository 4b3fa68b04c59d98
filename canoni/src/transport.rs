//! Opens what a [`Reference`] names, by its transport.

use crate::error::{Error, Result};
use crate::limits::Limits;
use crate::reference::{Reference, RegistryName};
use crate::registry::RegistryOptions;
use crate::source::{Archive, Selector};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// An archive, and which of its images is meant.
#[derive(Debug)]
pub struct Opened {
    /// The archive, folder, or copy of what a daemon or store has.
    pub archive: Archive,
    /// The caller's choice, with the name that the reference itself asks for.
    pub selector: Selector,
}

/// Opens what a reference names. A [`Reference::Name`] is an image of the daemon.
///
/// # Errors
/// Where there is nothing, where it is not an image or not of the kind of the transport, and
/// where the transport needs a program or a feature that this build lacks.
pub fn open(reference: &Reference, selector: &Selector, limits: &Limits) -> Result<Opened> {
    open_with(reference, selector, limits, &RegistryOptions::default())
}

/// As [`open`], with the caller's word on how registries are asked.
///
/// # Errors
/// As [`open`].
pub fn open_with(
    reference: &Reference,
    selector: &Selector,
    limits: &Limits,
    registry: &RegistryOptions,
) -> Result<Opened> {
    let selector = select(reference, selector)?;
    let archive = match reference {
        Reference::Standard => Archive::open(Path::new("-"), limits)?,
        Reference::Path(path) => Archive::open(path, limits)?,
        Reference::OciDir(path, _) => {
            kind(reference, path, true, "oci-layout")?;
            Archive::open(path, limits)?
        }
        Reference::OciArchive(path, _) | Reference::DockerArchive(path, _) => {
            kind(reference, path, false, "")?;
            Archive::open(path, limits)?
        }
        Reference::Dir(path) => {
            kind(reference, path, true, "manifest.json")?;
            skopeo_dir(reference, path, limits)?
        }
        Reference::ContainersStorage(_) => stored(reference, limits)?,
        Reference::Name(name) | Reference::DockerDaemon(name) => {
            let archive = from_daemon(name, limits)?;
            // The answer holds the one image that was asked for, whatever names it has there.
            let selector = Selector {
                reference: None,
                platform: selector.platform,
            };
            return Ok(Opened { archive, selector });
        }
        Reference::Registry(name) => {
            let archive = from_registry(name, &selector, limits, registry)?;
            // The layout holds what was chosen, by the name in the reference.
            let selector = Selector {
                reference: None,
                platform: selector.platform,
            };
            return Ok(Opened { archive, selector });
        }
    };
    Ok(Opened { archive, selector })
}

/// The caller's choice and the reference's own, which must not contradict each other.
fn select(reference: &Reference, selector: &Selector) -> Result<Selector> {
    let own = reference.selected();
    if let (Some(own), Some(other)) = (own, &selector.reference)
        && own != other
    {
        let reason = format!("asks for {own}, but --reference for {other}; leave one away");
        return Err(Error::image(reference.to_string(), reason));
    }
    Ok(Selector {
        reference: own
            .map(str::to_owned)
            .or_else(|| selector.reference.clone()),
        platform: selector.platform.clone(),
    })
}

/// The place is of the kind that the transport says: a folder with a certain file, or a file.
fn kind(reference: &Reference, path: &Path, folder: bool, file: &str) -> Result<()> {
    let found = fs::metadata(path).map_err(|error| Error::file("open", path, error))?;
    let fail = |reason: String| Err(Error::image(reference.to_string(), reason));
    match (folder, found.is_dir()) {
        (true, false) => fail(format!("{} is not a folder", path.display())),
        (false, true) => fail(format!("{} is a folder, not a file", path.display())),
        (true, true) if !path.join(file).is_file() => fail(format!(
            "the folder has no {file}, so it is not of this transport"
        )),
        _ => Ok(()),
    }
}

/// The folder that skopeo's `dir:` writes: `manifest.json`, and blobs by their digests' digits.
/// An OCI layout of links to these files is what the reader sees.
fn skopeo_dir(reference: &Reference, path: &Path, limits: &Limits) -> Result<Archive> {
    let name = reference.to_string();
    let path = path
        .canonicalize()
        .map_err(|error| Error::file("open", path, error))?;
    let manifest = crate::blob::Blob::open(&path.join("manifest.json"))?
        .read_all(limits.json_bytes, &format!("{name}: manifest.json"))?;
    let media_type = manifest_type(&manifest, &format!("{name}: manifest.json"))?;
    let fail = |error| Error::io("prepare", name.as_str(), error);
    let folder = tempfile::tempdir().map_err(fail)?;
    let blobs = folder.path().join("blobs/sha256");
    fs::create_dir_all(&blobs).map_err(fail)?;
    let digest = hex::encode(Sha256::digest(&manifest));
    fs::write(blobs.join(&digest), &manifest).map_err(fail)?;
    for (count, entry) in fs::read_dir(&path).map_err(fail)?.enumerate() {
        if count > limits.layers.saturating_mul(3) {
            return Err(Error::image(
                name,
                "the folder holds more files than an image has",
            ));
        }
        let file = entry.map_err(fail)?.file_name();
        let Some(text) = file.to_str() else { continue };
        let digits = text.strip_suffix(".manifest.json").unwrap_or(text);
        let hex = digits
            .bytes()
            .all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if digits.len() == 64 && hex && digits != digest {
            std::os::unix::fs::symlink(path.join(text), blobs.join(digits)).map_err(fail)?;
        }
    }
    let index = serde_json::json!({"schemaVersion": 2, "manifests": [{
        "mediaType": media_type, "digest": format!("sha256:{digest}"), "size": manifest.len(),
    }]});
    let layout = folder.path().join("oci-layout");
    fs::write(layout, r#"{"imageLayoutVersion":"1.0.0"}"#).map_err(fail)?;
    fs::write(folder.path().join("index.json"), index.to_string()).map_err(fail)?;
    Archive::of_folder(folder, name, limits)
}

/// The media type of a manifest or index, which older ones do not say.
pub(crate) fn manifest_type(bytes: &[u8], what: &str) -> Result<String> {
    let wrong =
        |error: serde_json::Error| Error::image(what, format!("is not what it should be: {error}"));
    let value: serde_json::Value = serde_json::from_slice(bytes).map_err(wrong)?;
    let said = value.get("mediaType").and_then(|kind| kind.as_str());
    let version = value
        .get("schemaVersion")
        .and_then(serde_json::Value::as_u64);
    Ok(match said {
        _ if version == Some(1) => "application/vnd.docker.distribution.manifest.v1+json",
        Some(kind) => kind,
        None if value.get("manifests").is_some() => "application/vnd.oci.image.index.v1+json",
        None => "application/vnd.oci.image.manifest.v1+json",
    }
    .to_owned())
}

/// An image of containers' own store, copied out by skopeo or podman, which know its drivers.
fn stored(reference: &Reference, limits: &Limits) -> Result<Archive> {
    let text = reference.to_string();
    let name = text.strip_prefix("containers-storage:").unwrap_or(&text);
    let fail = |error| Error::io("prepare a copy of", text.as_str(), error);
    let folder = tempfile::tempdir().map_err(fail)?;
    let file = folder.path().join("image.tar");
    let target = format!("oci-archive:{}", file.display());
    let path = file.display().to_string();
    let attempts: [(&str, Vec<&str>); 2] = [
        ("skopeo", vec!["copy", "--quiet", &text, &target]),
        (
            "podman",
            vec![
                "save",
                "--quiet",
                "--format",
                "oci-archive",
                "--output",
                &path,
                name,
            ],
        ),
    ];
    for (program, arguments) in attempts {
        let output = Command::new(program)
            .args(&arguments)
            .stdin(Stdio::null())
            .output();
        let output = match output {
            Ok(output) => output,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(Error::io("run", program, error)),
        };
        if !output.status.success() {
            let words = String::from_utf8_lossy(&output.stderr);
            let words = words.trim().lines().last().unwrap_or("no reason given");
            return Err(Error::image(
                &text,
                format!("{program} cannot copy it: {words}"),
            ));
        }
        // The open file outlives its name.
        let blob = crate::blob::Blob::open(&file)?;
        return Archive::from_blob(&blob, text.clone(), limits);
    }
    let reason = "neither skopeo nor podman is installed, which read this store; install one, or \
                  write the image to a file where it is: podman save --output FILE NAME";
    Err(Error::image(text, reason))
}

#[cfg(feature = "registry")]
fn from_registry(
    name: &RegistryName,
    selector: &Selector,
    limits: &Limits,
    options: &RegistryOptions,
) -> Result<Archive> {
    if let Some(other) = &selector.reference {
        let reason = format!("names the image, and so does --reference {other}; leave one away");
        return Err(Error::image(format!("docker://{name}"), reason));
    }
    crate::registry::pull(name, selector.platform.as_deref(), options, limits)
}

#[cfg(not(feature = "registry"))]
fn from_registry(
    name: &RegistryName,
    _: &Selector,
    _: &Limits,
    _: &RegistryOptions,
) -> Result<Archive> {
    let reason = format!(
        "registries are not asked by this build; fetch the image as it is with skopeo copy \
         docker://{name} oci-archive:FILE and name the file"
    );
    Err(Error::image(format!("docker://{name}"), reason))
}

#[cfg(feature = "daemon")]
fn from_daemon(name: &str, limits: &Limits) -> Result<Archive> {
    let nothing = format!("there is no file or folder {name}");
    let daemon = crate::Daemon::connect()
        .map_err(|error| Error::image(&nothing, format!("and no daemon to ask: {error}")))?;
    if !daemon.has(name)? {
        let reason = format!(
            "the daemon at {} has no such image either",
            daemon.address()
        );
        return Err(Error::image(nothing, reason));
    }
    daemon.save(name, limits)
}

#[cfg(not(feature = "daemon"))]
fn from_daemon(name: &str, _: &Limits) -> Result<Archive> {
    Err(Error::image(
        format!("there is no file or folder {name}"),
        "images of a daemon are not read by this build; write one to a file with docker save -o \
         FILE NAME",
    ))
}
