//! References to images, as people type them for skopeo, podman and buildah: a transport, a colon,
//! and a place (containers-transports(5)). Plain paths and names of the daemon stay what they are.

mod registry;

pub use registry::RegistryName;

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// Where an image is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// `-`: standard input or output.
    Standard,
    /// A path without a transport: an archive or folder of any kind.
    Path(PathBuf),
    /// A name without a transport: an image of the daemon.
    Name(String),
    /// `docker://HOST/NAME[:TAG][@DIGEST]`: an image of a registry.
    Registry(RegistryName),
    /// `oci:DIR[:TAG]`: a folder with an OCI layout.
    OciDir(PathBuf, Option<String>),
    /// `oci-archive:FILE[:TAG]`: a tar archive with an OCI layout.
    OciArchive(PathBuf, Option<String>),
    /// `docker-archive:FILE[:NAME[:TAG]]`: what `docker save` writes.
    DockerArchive(PathBuf, Option<String>),
    /// `dir:DIR`: skopeo's folder with manifest and blobs.
    Dir(PathBuf),
    /// `docker-daemon:NAME:TAG` or `docker-daemon:sha256:ID`: an image of the daemon.
    DockerDaemon(String),
    /// `containers-storage:NAME`: an image of podman's, buildah's and CRI-O's own store.
    ContainersStorage(String),
}

/// A text that is not a reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}: {reason}")]
pub struct ReferenceError {
    /// The text, escaped for printing.
    text: String,
    /// The problem, and what to write instead.
    reason: String,
}

/// The longest reference: paths have 4096 bytes at most.
const MAX_LENGTH: usize = 8192;

/// Transports of skopeo that nothing here reads, and the way out.
const OTHERS: [(&str, &str); 5] = [
    (
        "atomic:",
        "OpenShift's registry: use docker:// with its address",
    ),
    (
        "ostree:",
        "copy it with skopeo copy to oci-archive:FILE first",
    ),
    ("sif:", "copy it with skopeo copy to oci-archive:FILE first"),
    (
        "tarball:",
        "that is a root file system and no image; import it with podman import first",
    ),
    (
        "docker:",
        "write docker://NAME:TAG for an image of a registry",
    ),
];

impl Reference {
    /// Reads a reference. What exists as a file or folder is a path, whatever its name looks like.
    ///
    /// # Errors
    /// Where a transport is named and what follows it cannot be a place of that transport, and
    /// where the text can be neither path nor name.
    pub fn parse(text: &OsStr) -> Result<Self, ReferenceError> {
        Self::parse_with(text, &|path| path.symlink_metadata().is_ok())
    }

    /// As [`Reference::parse`], for something that will be written: a text without a transport is
    /// a path there, whether it exists or not.
    ///
    /// # Errors
    /// As [`Reference::parse`].
    pub fn parse_target(text: &OsStr) -> Result<Self, ReferenceError> {
        match Self::parse(text)? {
            Self::Name(name) => Ok(Self::Path(name.into())),
            other => Ok(other),
        }
    }

    /// As [`Reference::parse`], with the caller's word on which paths exist.
    ///
    /// # Errors
    /// As [`Reference::parse`].
    pub fn parse_with(
        text: &OsStr,
        exists: &dyn Fn(&Path) -> bool,
    ) -> Result<Self, ReferenceError> {
        let fail = |reason: &str| ReferenceError {
            text: crate::printable(text.as_bytes()),
            reason: reason.to_owned(),
        };
        if text.is_empty() {
            return Err(fail("an empty text names no image"));
        }
        if text.as_bytes().contains(&0) || text.len() > MAX_LENGTH {
            return Err(fail("no image can have this name"));
        }
        if text == "-" {
            return Ok(Self::Standard);
        }
        if exists(Path::new(text)) {
            return Ok(Self::Path(text.into()));
        }
        if let Some(found) = transport(text, exists, &fail)? {
            return Ok(found);
        }
        match text.to_str() {
            Some(name) if is_daemon_name(name) => Ok(Self::Name(name.to_owned())),
            _ => Ok(Self::Path(text.into())),
        }
    }

    /// The name or tag within an archive that the reference asks for.
    pub fn selected(&self) -> Option<&str> {
        match self {
            Self::OciDir(_, name) | Self::OciArchive(_, name) | Self::DockerArchive(_, name) => {
                name.as_deref()
            }
            _ => None,
        }
    }

    /// The file or folder that the reference is about, where it is about one.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Path(path)
            | Self::OciDir(path, _)
            | Self::OciArchive(path, _)
            | Self::DockerArchive(path, _)
            | Self::Dir(path) => Some(path),
            _ => None,
        }
    }
}

type Fail<'a> = &'a dyn Fn(&str) -> ReferenceError;

fn transport(
    text: &OsStr,
    exists: &dyn Fn(&Path) -> bool,
    fail: Fail<'_>,
) -> Result<Option<Reference>, ReferenceError> {
    let bytes = text.as_bytes();
    let rest = |prefix: &str| bytes.strip_prefix(prefix.as_bytes());
    if let Some(rest) = rest("docker://") {
        let rest = std::str::from_utf8(rest).map_err(|_| fail("is not UTF-8"))?;
        let name = RegistryName::parse(rest).map_err(|reason| fail(&reason))?;
        return Ok(Some(Reference::Registry(name)));
    }
    if let Some(rest) = rest("oci:") {
        let (path, name) = place(rest, exists, fail)?;
        return Ok(Some(Reference::OciDir(path, name)));
    }
    if let Some(rest) = rest("oci-archive:") {
        let (path, name) = place(rest, exists, fail)?;
        return Ok(Some(Reference::OciArchive(path, name)));
    }
    if let Some(rest) = rest("docker-archive:") {
        let (path, name) = place(rest, exists, fail)?;
        if name.as_deref().is_some_and(|name| !crate::is_name(name)) {
            return Err(fail(
                "what follows the file is not an image name; write NAME:TAG",
            ));
        }
        return Ok(Some(Reference::DockerArchive(path, name)));
    }
    if let Some(rest) = rest("dir:") {
        if rest.is_empty() {
            return Err(fail("lacks the folder: dir:DIR"));
        }
        let path = OsString::from_vec(rest.to_vec()).into();
        return Ok(Some(Reference::Dir(path)));
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Ok(None);
    };
    if let Some(name) = text.strip_prefix("docker-daemon:") {
        let id = name.strip_prefix("sha256:").is_some_and(is_sha256_hex);
        if !id && !is_daemon_name(name) {
            return Err(fail(
                "is not a name of the daemon's: docker-daemon:NAME:TAG",
            ));
        }
        return Ok(Some(Reference::DockerDaemon(name.to_owned())));
    }
    if let Some(name) = text.strip_prefix("containers-storage:") {
        if !is_storage_name(name) {
            return Err(fail(
                "is not a name in containers' storage: containers-storage:NAME:TAG",
            ));
        }
        return Ok(Some(Reference::ContainersStorage(name.to_owned())));
    }
    for (prefix, reason) in OTHERS {
        // `docker:24` is the tag 24 of an image that is called docker.
        let path = text
            .strip_prefix(prefix)
            .is_some_and(|rest| rest.starts_with('/'));
        if path || (prefix != "docker:" && text.starts_with(prefix) && text.contains('/')) {
            return Err(fail(&format!("this transport is not supported; {reason}")));
        }
    }
    Ok(None)
}

/// `PATH[:NAME]`, split at the first colon, as skopeo does. Where all of it exists, it is the path.
fn place(
    rest: &[u8],
    exists: &dyn Fn(&Path) -> bool,
    fail: Fail<'_>,
) -> Result<(PathBuf, Option<String>), ReferenceError> {
    let whole = Path::new(OsStr::from_bytes(rest));
    let colon = rest.iter().position(|&byte| byte == b':');
    let (path, name) = match colon.and_then(|at| rest.split_at_checked(at)) {
        Some((path, name)) if !exists(whole) => (path, name.get(1..)),
        _ => (rest, None),
    };
    if path.is_empty() {
        return Err(fail("lacks the file or folder after the first colon"));
    }
    let name = match name {
        None | Some([]) => None,
        Some(name) => {
            let name =
                std::str::from_utf8(name).map_err(|_| fail("has a name that is not UTF-8"))?;
            if name.starts_with('@') {
                return Err(fail(
                    "images are chosen by name here, not by their place; write NAME:TAG",
                ));
            }
            if name.chars().any(|c| c.is_control() || c.is_whitespace()) {
                return Err(fail("has a name with blanks or control characters"));
            }
            Some(name.to_owned())
        }
    };
    Ok((OsStr::from_bytes(path).into(), name))
}

/// 64 lower-case hexadecimal digits.
fn is_sha256_hex(text: &str) -> bool {
    text.len() == 64
        && text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// A name as Docker takes it, with or without tag and digest, or an image's ID.
fn is_daemon_name(text: &str) -> bool {
    // A path that somebody meant; Docker takes no such name either.
    if text.starts_with(['.', '/', '-']) {
        return false;
    }
    let (name, digest) = match text.split_once('@') {
        Some((name, digest)) => (name, Some(digest)),
        None => (text, None),
    };
    let digest_ok =
        digest.is_none_or(|digest| digest.strip_prefix("sha256:").is_some_and(is_sha256_hex));
    digest_ok && crate::is_name(name)
}

/// `[STORE]NAME`, which reaches other programs as one argument behind a prefix.
fn is_storage_name(text: &str) -> bool {
    let name = match text.strip_prefix('[') {
        Some(rest) => rest.split_once(']').map_or("", |(_, name)| name),
        None => text,
    };
    let id = name.strip_prefix('@').is_some_and(is_sha256_hex);
    (id || is_daemon_name(name)) && !text.chars().any(|c| c.is_control() || c.is_whitespace())
}

/// As it can be typed again. Paths that are not UTF-8 are shown escaped.
impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = |f: &mut fmt::Formatter<'_>, kind: &str, path: &Path, name: &Option<String>| {
            let path = crate::printable(path.as_os_str().as_bytes());
            match name {
                Some(name) => write!(f, "{kind}:{path}:{name}"),
                None => write!(f, "{kind}:{path}"),
            }
        };
        match self {
            Self::Standard => f.write_str("-"),
            Self::Path(path) => f.write_str(&crate::printable(path.as_os_str().as_bytes())),
            Self::Name(name) => f.write_str(name),
            Self::Registry(name) => write!(f, "docker://{name}"),
            Self::OciDir(path, name) => place(f, "oci", path, name),
            Self::OciArchive(path, name) => place(f, "oci-archive", path, name),
            Self::DockerArchive(path, name) => place(f, "docker-archive", path, name),
            Self::Dir(path) => place(f, "dir", path, &None),
            Self::DockerDaemon(name) => write!(f, "docker-daemon:{name}"),
            Self::ContainersStorage(name) => write!(f, "containers-storage:{name}"),
        }
    }
}
