//! Names of images in registries: `[HOST[:PORT]/]NAME[:TAG][@sha256:DIGEST]`, by the grammar of
//! the distribution project (reference/reference.go), with Docker's defaults.

use super::is_sha256_hex;
use std::fmt;

/// The longest name of a repository, its host included (distribution's `NameTotalLengthMax`).
const MAX_NAME: usize = 255;
/// The longest tag.
const MAX_TAG: usize = 128;

/// An image of a registry.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RegistryName {
    host: String,
    repository: String,
    tag: Option<String>,
    digest: Option<String>,
}

impl RegistryName {
    /// Reads a name. `alpine` is `docker.io/library/alpine:latest`: without a host the registry is
    /// Docker Hub, whose images without a namespace are in `library`; without tag and digest the
    /// tag is `latest`. The first component is a host if it has a dot, a colon or a capital, or is
    /// `localhost`.
    ///
    /// # Errors
    /// What is wrong, in words that can stand behind the text.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (name, digest) = match text.split_once('@') {
            Some((name, digest)) => (name, Some(digest)),
            None => (text, None),
        };
        if let Some(digest) = digest
            && !digest.strip_prefix("sha256:").is_some_and(is_sha256_hex)
        {
            return Err("has a digest that is not sha256: with 64 lower-case digits".into());
        }
        let (host, path) = match name.split_once('/') {
            Some((host, path)) if is_host(host) => (host, path),
            _ => ("docker.io", name),
        };
        let host = if host == "index.docker.io" {
            "docker.io"
        } else {
            host
        };
        let (path, tag) = match path.rsplit_once(':') {
            Some((path, tag)) => (path, Some(tag)),
            None => (path, None),
        };
        if !valid_host(host) {
            return Err(format!("{host:?} is not a host and port of a registry"));
        }
        if let Some(tag) = tag
            && !valid_tag(tag)
        {
            return Err(format!(
                "{tag:?} is not a tag: letters, digits, _, . and -, at most {MAX_TAG}"
            ));
        }
        if path.is_empty() {
            return Err("lacks the name of an image: docker://HOST/NAME:TAG".into());
        }
        if !path.split('/').all(valid_component) {
            return Err(format!(
                "{path:?} is not a name of an image: lower-case letters and digits, with ., _ and - \
                 between them"
            ));
        }
        let repository = if host == "docker.io" && !path.contains('/') {
            format!("library/{path}")
        } else {
            path.to_owned()
        };
        if host.len() + 1 + repository.len() > MAX_NAME {
            return Err(format!("has more than {MAX_NAME} bytes before its tag"));
        }
        let tag = match (tag, digest) {
            (None, None) => Some("latest"),
            (tag, _) => tag,
        };
        Ok(Self {
            host: host.to_owned(),
            repository,
            tag: tag.map(str::to_owned),
            digest: digest.map(str::to_owned),
        })
    }

    /// Host and port as they are part of the name: `docker.io`, `localhost:5000`.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The repository: `library/alpine`.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// The tag, if the name has one.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The digest, `sha256:...`, if the name has one. It goes before the tag.
    pub fn digest(&self) -> Option<&str> {
        self.digest.as_deref()
    }

    /// `HOST/NAME:TAG`, where the name has a tag.
    pub fn tagged(&self) -> Option<String> {
        let tag = self.tag.as_ref()?;
        Some(format!("{}/{}:{tag}", self.host, self.repository))
    }
}

impl fmt::Display for RegistryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.host, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

/// Whether a first component is meant as a host.
fn is_host(text: &str) -> bool {
    text == "localhost"
        || text.contains(['.', ':', '['])
        || text.bytes().any(|byte| byte.is_ascii_uppercase())
}

fn valid_host(text: &str) -> bool {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let Some((address, port)) = rest.split_once(']') else {
                return false;
            };
            if address.parse::<std::net::Ipv6Addr>().is_err() {
                return false;
            }
            match port {
                "" => return true,
                port => match port.strip_prefix(':') {
                    Some(port) => ("v6", Some(port)),
                    None => return false,
                },
            }
        }
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    let port_ok = port.is_none_or(|port| {
        port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|n| n > 0)
    });
    let label = |label: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        !label.is_empty()
            && label.bytes().all(plain)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    port_ok && host.split('.').all(label)
}

fn valid_tag(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (1..=MAX_TAG).contains(&text.len()) && text.bytes().all(plain) && !text.starts_with(['.', '-'])
}

/// Lower-case letters and digits in runs, between them `.`, `_`, `__` or any number of `-`.
fn valid_component(text: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let ends = |byte: Option<&u8>| byte.is_some_and(|byte| word(*byte));
    let bytes = text.as_bytes();
    let separators = || {
        bytes
            .split(|byte| word(*byte))
            .filter(|run| !run.is_empty())
    };
    ends(bytes.first())
        && ends(bytes.last())
        && separators()
            .all(|run| matches!(run, b"." | b"_" | b"__") || run.iter().all(|byte| *byte == b'-'))
}
